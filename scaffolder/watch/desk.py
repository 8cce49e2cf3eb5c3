"""Find what a learner asks for while watching: hints, the solution, a file as it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from scaffolder import workspace
from scaffolder.core.errors import DevlabError
from scaffolder.core.log import write_log
from scaffolder.labs.instructions import read_task_instructions
from scaffolder.model import Lab
from scaffolder.progress import hints, records
from scaffolder.report.live.watch import (
    Choice,
    Effect,
    ListChanged,
    Page,
    PreviewReset,
    Question,
    ResetFile,
    Shown,
    ShowSolution,
    ShowTask,
    TakeHint,
    list_failures,
)
from scaffolder.revise import reference
from scaffolder.workspace import Workspace


class Desk:
    """Answers one question after the other in a thread of its own; answers go to `post`."""

    def __init__(self, root: Path, post: Callable[[Shown], None]) -> None:
        self._root = root
        self._post = post
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="desk")

    def ask(self, lab: Lab, effect: Effect) -> None:
        """Have an effect carried out that shows something."""
        self._pool.submit(self._answer, lab, effect)

    def close(self) -> None:
        """Answer nothing more; what is being written is written to its end."""
        self._pool.shutdown(cancel_futures=True)

    def _answer(self, lab: Lab, effect: Effect) -> None:
        try:
            found = Workspace(self._root, workspace.read_manifest(self._root))
            page = _page(lab, found, effect)
        except DevlabError as error:
            page = Page(error.message, error.hint)
        except Exception as error:  # noqa: BLE001 -- what cannot be shown must not end the watching
            log = write_log(f"watch, {type(effect).__name__}", error)
            page = Page(
                f"devlab failed in a way that it should not: {type(error).__name__}: {error}",
                f"please report it with {log}",
            )
        self._post(Shown(page))


def _page(lab: Lab, found: Workspace, effect: Effect) -> Page | Choice | Question:
    if isinstance(effect, TakeHint):
        return _hint(lab, found, effect)
    if isinstance(effect, ShowTask):
        task = lab.task(effect.task)
        text = read_task_instructions(lab, task.id)
        return Page(f"{task.id}: {task.title}", text, "i")
    if isinstance(effect, ShowSolution):
        return _solution(lab, found, effect.task)
    if isinstance(effect, ListChanged):
        return _changed(lab, found)
    if isinstance(effect, PreviewReset):
        text = "".join(one.text for one in _reset(lab, found, effect.path).files)
        return Question(f"Put {effect.path} back to the start?", text, ResetFile(effect.path))
    if isinstance(effect, ResetFile):
        backup = _reset(lab, found, effect.path).carry_out()
        return Page(f"{effect.path} is as it began", f"What it was lies in {backup.folder}.")
    raise TypeError(f"{effect} shows nothing")


def _hint(lab: Lab, found: Workspace, wanted: TakeHint) -> Page:
    page = _next_hint(lab, found, wanted)
    result = hints.find_result(wanted.report, wanted.task)
    return replace(page, task=wanted.task, answers=list_failures(result) if result else frozenset())


def _next_hint(lab: Lab, found: Workspace, wanted: TakeHint) -> Page:
    used = records.list_used_hints(found, wanted.task)
    given = hints.choose_next_hint(lab, wanted.task, wanted.report, used)
    if given is not None:
        records.use_hint(found, wanted.task, given.number)
        meant = f", {given.meant}" if given.meant else ""
        return Page(f"{given.title}{meant}", given.text, "h")
    had = hints.list_used_hints(lab, wanted.task, wanted.report, used)
    told = "\n".join(f"{one.title}: {one.text}" for one in had)
    return Page(f"{wanted.task} has no further hint; s shows the solution", told, "h")


def _solution(lab: Lab, found: Workspace, task: str) -> Page:
    diff = reference.format_solution_diff(lab, found, task or None)
    of = f"of {task}" if task else "of the lab"
    if not diff:
        return Page(f"Your files hold what the solution {of} does", "")
    return Page(f"Your files (-) beside the solution {of} (+)", diff)


def _changed(lab: Lab, found: Workspace) -> Choice | Page:
    files = tuple(one.path for one in reference.plan_reset(lambda: lab, found).files)
    if not files:
        return Page("Every file of the start is as it began", "")
    return Choice("Put which file back to the start?", files)


def _reset(lab: Lab, found: Workspace, path: str) -> reference.Reset:
    return reference.plan_reset(lambda: lab, found, [path])
