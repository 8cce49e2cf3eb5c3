"""Make folders: a template rendered, overlays on it, any state of a lab, a learner's workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from scaffolder.workspace import changes
from scaffolder.labs import rendering, variation
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.labs.catalog import find_template
from scaffolder.labs.history import begin_history, digest_history, has_history
from scaffolder.labs.instructions import TASKS_MARKER
from scaffolder.labs.steps import STEPS, read_steps, replace_steps, run_steps
from scaffolder.core.learner_ids import normalize_learner_id
from scaffolder.core.suggest import suggest_name
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.folders import remove_tree
from scaffolder.model import ChangeSet, Lab, Mistake
from scaffolder.model.history import OriginalHistory
from scaffolder.workspace import starts
from scaffolder.tools import git
from scaffolder.tools.processes import CancelToken
from scaffolder.labs.variables import complete_variables, make_context
from scaffolder.workspace import (
    LEARNER_SCHEMA,
    MANIFEST,
    Manifest,
    ManifestLab,
    encode_manifest,
    read_manifest,
    resolve_inside,
)

JINJA_SUFFIX = ".jinja"
DELETIONS = ".delete"


def list_skipped_hooks(lab: Lab) -> tuple[str, ...]:
    """Return the names of the hooks that a lab's template has and that do not run."""
    if lab.trusted:
        return ()
    template = find_template(lab)
    return tuple(f"{template.name}/hooks/{one.name}" for one in rendering.list_hooks(template))


def build_state(
    lab: Lab,
    state: str,
    given: Mapping[str, str],
    target: Path,
    change: ChangeSet | None = None,
) -> None:
    """Write a state of a lab into the new folder `target`.

    `state` is start, solution, alternative:NAME, mistake:NAME or copied:LEARNER, the solution that
    another learner would hand on. A `change` is made in an answer's files before its steps run. Raises DevlabError for an unknown state, and where `target`
    exists.
    """
    context = make_context(lab, given)
    whole = complete_variables(lab, context)
    with create_folder(target) as folder, _explained(lab.root):
        rendering.render_template(find_template(lab), context, folder, trusted=lab.trusted)
        apply_overlay(lab.root / "start", whole, folder, trusted=lab.trusted)
        labels: Mapping[str, str] = {}
        if has_history(lab):
            _refuse_repositories(lab, folder)
            labels = begin_history(lab, whole, folder)
        _lay_answer(lab, state, whole, folder, labels, change)
        if not lab.trusted and not has_history(lab):
            _refuse_repositories(lab, folder)
        _write_readme(lab, folder)
        _write_manifest(lab, context, folder)


def build_original_history(lab: Lab, given: Mapping[str, str], target: Path) -> OriginalHistory:
    """Build the repository that a lab's learners begin with in the new folder `target`.

    `given` are the variables of a workspace. Raises DevlabError as `build_state`.
    """
    context = make_context(lab, given)
    whole = complete_variables(lab, context)
    with create_folder(target) as folder, _explained(lab.root):
        rendering.render_template(find_template(lab), context, folder, trusted=lab.trusted)
        apply_overlay(lab.root / "start", whole, folder, trusted=lab.trusted)
        _refuse_repositories(lab, folder)
        return OriginalHistory(folder, begin_history(lab, whole, folder))


def _lay_answer(
    lab: Lab,
    state: str,
    context: Mapping[str, str],
    folder: Path,
    labels: Mapping[str, str],
    change: ChangeSet | None,
) -> None:
    """Lay what a state has besides the start over `folder`, and do what it does there."""
    name, _, detail = state.partition(":")
    if name == "start":
        return
    overlay = lab.root / "solution"
    if name == "alternative":
        overlay = require_alternative(lab, detail)
    elif name == "copied":
        learner = normalize_learner_id(detail)
        theirs = variation.derive_variables(lab.variation, lab.root.name, learner)
        context = {**context, **theirs}
    elif name not in ("solution", "mistake"):
        raise DevlabError(
            f"unknown state {state!r}",
            hint="states: start, solution, alternative:NAME, mistake:NAME, copied:LEARNER",
        )
    apply_overlay(overlay, context, folder, trusted=lab.trusted)
    taken = read_steps(lab, overlay)
    if change is not None:
        changes.apply_change(change, folder)
    if name == "mistake":
        mistake = _make_mistake(lab, detail, folder)
        taken = replace_steps(lab, taken, mistake.steps, lab.root / "mistakes.yaml")
    if has_history(lab):
        run_steps(lab, taken, labels, context, folder)


def _is_repository(name: str) -> bool:
    # Some disks take `.GIT` for the same; what is rendered loses its suffix.
    return name.removesuffix(JINJA_SUFFIX).casefold() == ".git"


def _refuse_repositories(lab: Lab, folder: Path) -> None:
    """Raise DevlabError where something made a `.git`: its settings name programs that git runs."""
    for path in folder.rglob("*"):
        if _is_repository(path.name):
            raise DevlabError(
                f"{lab.root}: the lab makes {str(path.relative_to(folder))!r}, which is a "
                "repository's, and git would run what it says",
                hint="no honest lab does: tell whoever wrote it",
            )


def list_alternatives(lab: Lab) -> tuple[str, ...]:
    """Return the names of a lab's alternatives, sorted."""
    return tuple(sorted(one.name for one in (lab.root / "alternatives").glob("*") if one.is_dir()))


def require_alternative(lab: Lab, name: str) -> Path:
    """Return the folder of an alternative; raises DevlabError with the nearest for no such name."""
    known = list_alternatives(lab)
    if name not in known:
        raise DevlabError(
            f"{lab.id} has no alternative {name!r}{suggest_name(name, known)}",
            hint=f"alternatives: {', '.join(known) or 'none'}",
        )
    return lab.root / "alternatives" / name


def _make_mistake(lab: Lab, name: str, folder: Path) -> Mistake:
    mistakes = {mistake.id: mistake for mistake in read_wrong_answers(lab).mistakes}
    if name not in mistakes:
        raise DevlabError(
            f"{lab.id} has no mistake {name!r}{suggest_name(name, mistakes)}",
            hint=f"mistakes: {', '.join(mistakes)}",
        )
    try:
        changes.apply_change(mistakes[name].change, folder)
    except DevlabError as error:
        raise DevlabError(
            f"{lab.root / 'mistakes.yaml'}: mistake {name!r} does not apply to the solution: "
            f"{error.message}"
        ) from error
    return mistakes[name]


def create_workspace(lab: Lab, given: Mapping[str, str], target: Path) -> bool:
    """Make a learner's workspace: the lab's start as a git repository with one commit.

    Of a lab with a history it is that history. Returns whether git was there to make the commit;
    without git a history cannot be made, and UnavailableError is raised before anything is
    written. `target` appears whole or not at all. How the work began is kept in it, so that a later
    version of the lab can be merged (see `revise/`).
    """
    refuse_existing(target)
    if has_history(lab):
        git.read_version()
    draft = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        build_state(lab, "start", given, draft)
        manifest = read_manifest(draft)
        starts.keep(draft, manifest, digest_history(draft) if has_history(lab) else "")
        committed = git.is_available()
        if committed and not has_history(lab):
            git.commit_all(
                draft,
                starts.format_subject(manifest.lab),
                cancel=CancelToken(),
                ignored_too=True,
            )
        draft.rename(target)
    except BaseException:
        remove_tree(draft)
        raise
    return committed


def refuse_existing(target: Path) -> None:
    """Raise DevlabError where there is anything at `target`, a broken link included."""
    if os.path.lexists(target):
        raise DevlabError(
            f"{target} exists already, and devlab never overwrites",
            hint="name a folder that is not there yet",
        )


@contextlib.contextmanager
def _explained(source: Path) -> Iterator[None]:
    """Raise DevlabError where files do not fit, as a folder where a file is, or are no text."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or ""
        raise DevlabError(
            f"{source}: cannot be made into files: {where}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise DevlabError(f"{source}: holds text that is not UTF-8: {error}") from error


@contextlib.contextmanager
def create_folder(target: Path) -> Iterator[Path]:
    """Make `target`, which must not exist; take it away again if the block raises."""
    refuse_existing(target)
    try:
        target.mkdir(parents=True)
    except OSError as error:
        raise DevlabError(f"cannot make the folder {target}: {error.strerror}") from error
    try:
        yield target
    except BaseException:
        remove_tree(target)
        raise


def apply_overlay(
    source: Path, context: Mapping[str, str], folder: Path, *, trusted: bool = True
) -> None:
    """Lay the files of `source` over `folder`.

    Files are copied as they are; one that ends in `.jinja` is rendered with the template's
    variables and loses the suffix. `.delete` lists files of `folder` to take away, one per line.
    `trusted` as for `rendering.render_files`.
    """
    if source.is_dir():
        with _explained(source):
            _lay(source, context, folder, trusted)


def _lay(source: Path, context: Mapping[str, str], folder: Path, trusted: bool) -> None:
    rendered: dict[Path, Path] = {}
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if (folder / ".git").is_dir() and any(map(_is_repository, relative.parts)):
            raise DevlabError(f"{path}: an overlay must not touch a repository's own files")
        if "__pycache__" in relative.parts:
            # pip compiles what it installs, overlays too.
            continue
        if path.is_dir():
            (folder / relative).mkdir(parents=True, exist_ok=True)
        elif relative == Path(DELETIONS):
            _delete(path, folder)
        elif relative == Path(STEPS):
            continue
        elif path.suffix == JINJA_SUFFIX:
            rendered[path] = (folder / relative).with_suffix("")
        else:
            shutil.copy(path, folder / relative)
    rendering.render_files(rendered, context, folder, trusted=trusted)


def list_overlay_paths(source: Path) -> tuple[str, ...]:
    """Return the paths, relative and sorted, that the overlay `source` writes."""
    files = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
    written = (path.with_suffix("") if path.suffix == JINJA_SUFFIX else path for path in files)
    return tuple(sorted(str(path) for path in written if str(path) not in (DELETIONS, STEPS)))


def _delete(listing: Path, folder: Path) -> None:
    for number, name in enumerate(listing.read_text("utf-8").splitlines(), start=1):
        try:
            target = resolve_inside(folder, name)
        except UnusableFileError as error:
            raise DevlabError(f"{listing}:{number}: {name!r} {error.message}") from error
        if not target.is_file():
            raise DevlabError(f"{listing}:{number}: cannot delete {name!r}: there is no such file")
        target.unlink()


def _write_readme(lab: Lab, folder: Path) -> None:
    text = (lab.root / "instructions.md").read_text("utf-8")
    if TASKS_MARKER not in text:
        raise DevlabError(f"{lab.root / 'instructions.md'}: the line {TASKS_MARKER} is missing")
    table = format_task_table(lab)
    if lab.learner and lab.variation.instructions:
        table += f"\n\n{lab.variation.instructions.rstrip()}"
    whole = variation.fill(text.replace(TASKS_MARKER, table), lab.values, lab.variation)
    (folder / "README.md").write_text(whole, "utf-8")


def format_task_table(lab: Lab) -> str:
    """Return the tasks of a lab as a Markdown table with their points."""
    rows = [
        f"| `{task.id}` | {task.title} | {task.points} | "
        f"{', '.join(f'`{needed}`' for needed in task.needs)} |"
        for task in lab.tasks
    ]
    head = ["| task | what must hold | points | needs |", "| --- | --- | ---: | --- |"]
    return "\n".join([*head, *rows, f"| | **all together** | **{lab.points}** | |"])


def _write_manifest(lab: Lab, context: Mapping[str, str], folder: Path) -> None:
    made_from = ManifestLab(lab.id, lab.version)
    manifest = Manifest(lab=made_from, context=dict(context))
    if lab.learner:
        manifest = Manifest(
            schema=LEARNER_SCHEMA, lab=made_from, context=dict(context), learner=lab.learner
        )
    path = folder / MANIFEST
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_manifest(manifest))
