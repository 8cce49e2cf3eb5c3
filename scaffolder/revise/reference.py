"""A learner's files beside the states of their lab: the reference answer, and the start."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.lines import split_lines
from scaffolder.core.run_folders import make_run_folder
from scaffolder.core.suggest import suggest_name
from scaffolder.labs import generate
from scaffolder.labs.history import digest_history
from scaffolder.labs.lab_file import require_task
from scaffolder.labs.notes import STEPS_NOTES, NotesSection, find_places, read_notes
from scaffolder.labs.steps import read_steps
from scaffolder.labs.variables import select_usable_variables
from scaffolder.model import Lab
from scaffolder.model.history import Steps
from scaffolder.revise import backups, diffs, edits
from scaffolder.revise.backups import Backup
from scaffolder.revise.diffs import FileDiff
from scaffolder.revise.edits import Edit
from scaffolder.workspace import Workspace, starts, trees
from scaffolder.workspace.trees import Tree

_INSTRUCTIONS = "README.md"
RESET = "reset"
RESTORE = "restore"


def read_state(lab: Lab, name: str, variables: dict[str, str]) -> dict[str, trees.Entry]:
    """Return the files of a state of a lab, as `generate.build_state` makes it."""
    with make_run_folder() as temporary:
        folder = temporary / "state"
        generate.build_state(lab, name, variables, folder)
        return trees.read_tree(folder)


def digest_start_history(lab: Lab, variables: Mapping[str, str]) -> str:
    """Return the digest of the repository that a lab with a history begins with."""
    with make_run_folder() as temporary:
        folder = temporary / "history"
        generate.build_original_history(lab, variables, folder)
        return digest_history(folder)


def compare_solution(
    lab: Lab, workspace: Workspace, task_id: str | None = None, other: str = ""
) -> tuple[FileDiff, ...]:
    """Return how a learner's files differ from the reference answer with their own variables.

    Compared are the files of the answer, and those of the start that the answer takes away; files
    of the learner's own are not. With `task_id`, only those on which the verdict of the task can
    depend: what its checks say that they read. With `other`, it is the alternative of that name.
    Raises DevlabError for an unknown task or alternative.
    """
    variables = select_usable_variables(lab, workspace)
    solved = read_state(lab, f"alternative:{other}" if other else "solution", variables)
    began = read_state(lab, "start", variables)
    compared = {*solved, *began}
    if solved.get(_INSTRUCTIONS) == began.get(_INSTRUCTIONS):
        # Notes in the instructions are no part of an answer.
        compared.discard(_INSTRUCTIONS)
    if task_id is not None:
        compared = {path for path in compared if _matters(lab, task_id, path)}
    yours = trees.read_tree(workspace.root, compared)
    wanted = {path: entry for path, entry in solved.items() if path in compared}
    return diffs.make_file_diffs(edits.find_edits(yours, wanted))


def list_solution_steps(lab: Lab, task_id: str | None = None, other: str = "") -> Steps:
    """Return the shell commands of the reference answer, by name; nothing for most labs.

    With `task_id`, only those that are named as the task is, if any are. With `other`, those of
    the alternative of that name.
    """
    folder = generate.require_alternative(lab, other) if other else lab.root / "solution"
    steps = read_steps(lab, folder)
    return {name: text for name, text in steps.items() if name == task_id} or steps


@dataclass(frozen=True)
class AnnotatedFile:
    """A file of the reference answer: its lines, and what is said of it and of its places.

    `notes` are by the number of a line, from 1, which they stand before.
    """

    path: str
    lines: tuple[str, ...]
    about: str = ""
    notes: Mapping[int, str] = field(default_factory=dict)


def annotate_solution(
    lab: Lab, workspace: Workspace, task_id: str | None = None
) -> tuple[AnnotatedFile, ...]:
    """Return the files of the reference answer that it adds or changes, with the lab's notes.

    Where it is made by steps, these are shown as `steps/NAME`, and what they make is not.
    They come in the order of the notes; with `task_id` as for `compare_solution`. Raises
    DevlabError for an unknown task, and where the notes cannot be read.
    """
    sections = read_notes(lab.root).sections
    variables = select_usable_variables(lab, workspace)
    solved = read_state(lab, "solution", variables)
    began = read_state(lab, "start", variables)
    changed = [path for path in solved if solved[path] != began.get(path) and path != _INSTRUCTIONS]
    shown = [path for path in changed if task_id is None or _matters(lab, task_id, path)]
    texts = {path: solved[path].content.decode("utf-8", "replace") for path in shown}
    steps = list_solution_steps(lab, task_id)
    if steps:
        own = generate.list_overlay_paths(lab.root / "solution")
        texts = {path: text for path, text in texts.items() if path in own}
        texts |= {f"{STEPS_NOTES}{name}": text for name, text in steps.items()}
    order = {name: place for place, name in enumerate(sections)}
    return tuple(
        _annotate(path, tuple(split_lines(texts[path])), sections.get(path))
        for path in sorted(texts, key=lambda path: (order.get(path, len(order)), path))
    )


def _annotate(path: str, lines: tuple[str, ...], section: NotesSection | None) -> AnnotatedFile:
    if section is None:
        return AnnotatedFile(path, lines)
    about, notes = [section.about] if section.about else [], dict[int, str]()
    for note in section.notes:
        places = find_places(note, lines)
        if places:
            before = notes.get(places[0])
            notes[places[0]] = f"{before}\n\n{note.text}" if before else note.text
        else:
            # Of other variables than the lab was made with, perhaps; the words hold all the same.
            about.append(note.text)
    return AnnotatedFile(path, lines, "\n\n".join(about), notes)


def format_solution_diff(lab: Lab, workspace: Workspace, task_id: str | None = None) -> str:
    """Return `compare_solution` as one unified diff; "" where they hold what the answer does."""
    return "".join(one.text for one in compare_solution(lab, workspace, task_id))


def _matters(lab: Lab, task_id: str, path: str) -> bool:
    patterns = (
        pattern for spec in require_task(lab, task_id).checks for pattern in spec.check.reads
    )
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def read_start(lab: Callable[[], Lab], workspace: Workspace) -> Tree:
    """Return the files with which a learner's work began.

    They are what `devlab new` kept; else what git's first commit holds; else what the lab makes
    now, provided that its version is the same. `lab` is asked for only then. Raises DevlabError
    where none of them knows.
    """
    try:
        kept = starts.read_recorded(workspace)
        why = f"{starts.RECORD} is missing"
    except DevlabError as error:
        kept, why = None, error.message
    if kept is None:
        kept = starts.read_committed(workspace)
    if kept is not None:
        return kept
    found = lab()
    if found.version == workspace.manifest.lab.version:
        return read_state(found, "start", select_usable_variables(found, workspace))
    raise DevlabError(
        f"nobody knows any more how this work began: {why}, the first commit is not devlab's, "
        f"and {found.id} is at version {found.version} now, "
        f"not {workspace.manifest.lab.version}",
        hint=f"restore it with: git checkout -- {starts.RECORD}",
    )


@dataclass(frozen=True)
class Reset:
    """What a reset would change in a learner's folder."""

    workspace: Workspace
    edits: tuple[Edit, ...]
    command: str = RESET

    @property
    def files(self) -> tuple[FileDiff, ...]:
        """How each file would change."""
        return diffs.make_file_diffs(self.edits)

    def carry_out(self) -> Backup:
        """Change the files; return the backup of what they were. Raises as `edits.carry_out`."""
        return edits.carry_out(self.workspace, self.edits, self.command)


def plan_reset(lab: Callable[[], Lab], workspace: Workspace, named: Sequence[str] = ()) -> Reset:
    """Return what would bring files back to how they began.

    `named` are paths from the workspace: files, or folders for all of the start's files in them.
    Without any, all files of the start are meant. A named file that is not in the start goes; one
    that nobody named stays. Raises DevlabError for a name that nothing has.
    """
    began = read_start(lab, workspace)
    wanted = dict(began) if not named else {}
    leaving: set[str] = set()
    for name in named:
        inside = {path: began[path] for path in began if _is_in(path, name)}
        if inside:
            wanted |= inside
        elif _is_own_file(workspace.root, name):
            leaving.add(name)
        else:
            raise _nothing_to_reset(workspace.root, name, began)
    room = edits.plan_room(workspace.root, wanted)
    yours = trees.read_tree(workspace.root, {*wanted, *leaving})
    return Reset(workspace, (*room, *edits.find_edits(yours, wanted)))


def plan_restore(workspace: Workspace, name: str) -> Reset:
    """Return what would bring back the files of a backup; raises DevlabError without it."""
    kept = backups.find(workspace.root, name)
    return Reset(workspace, edits.plan_restore(workspace.root, kept), RESTORE)


def _is_in(path: str, name: str) -> bool:
    return name in (path, ".") or path.startswith(f"{name}/")


def _is_own_file(root: Path, name: str) -> bool:
    return trees.is_plain(name) and trees.read_entry(root, name) is not None


def _nothing_to_reset(root: Path, name: str, began: Tree) -> DevlabError:
    if (root / name).is_dir() and trees.find_obstacle(root, name) is None:
        return DevlabError(
            f"the start has no file in {name!r}, and yours stay unless you name them",
            hint="name the files that are to go",
        )
    return DevlabError(
        f"the start has no file {name!r}, and neither have you{suggest_name(name, began)}",
        hint="without a FILE, all files of the start are reset",
    )


def resolve_named_path(workspace: Workspace, typed: str) -> str:
    """Return the path from the workspace of a file that was typed in the current folder.

    Raises UnusableFileError where it lies outside, or is version control's or devlab's own.
    """
    typed_path = Path(os.path.normpath(Path.cwd() / typed))
    for above in (*reversed(typed_path.parents), typed_path):
        # The links of the workspace itself are the learner's to name; those on the way to it are
        # resolved, and the first part that lies inside ends the way.
        inside = Path(os.path.realpath(above))
        if inside.is_relative_to(workspace.root):
            path = (inside / typed_path.relative_to(above)).relative_to(workspace.root).as_posix()
            if path == "." or trees.is_plain(path):
                return path
            raise UnusableFileError(f"{typed} is no part of your work", typed)
    raise UnusableFileError(f"{typed} is outside your workspace, {workspace.root}", typed)
