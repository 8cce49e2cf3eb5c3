"""What is wrong with the words of a lab: titles, hints, instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffolder.core.errors import DevlabError
from scaffolder.labs.generate import TASKS_MARKER
from scaffolder.labs.lab_file import LabSource
from scaffolder.model import CheckSpec, Hint, Lab, Problem, Task
from scaffolder.proving.lint_places import make_problem
from scaffolder.workspace import read_text

_HINTS = 2
_FILE = "lab.yaml"


def find_problems(lab: Lab) -> Iterator[Problem]:
    """Look at the titles and hints in lab.yaml and at what instructions.md speaks of."""
    source = LabSource(lab.root / _FILE)
    yield from _of_titles(lab, source)
    for index, task in enumerate(lab.tasks):
        yield from _of_hints(task, source, index)
    yield from _of_instructions(lab, source)


def _of_titles(lab: Lab, source: LabSource) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, task in enumerate(lab.tasks):
        line = source.document.line("tasks", index, "title")
        title = _plain(task.title)
        if title in seen:
            yield Problem(
                f"two tasks have the same title, {task.title!r}; the other is on line "
                f"{seen[title]}",
                _FILE,
                line,
            )
        seen[title] = line


def _of_hints(task: Task, source: LabSource, index: int) -> Iterator[Problem]:
    general = sum(hint.general for hint in task.hints)
    if general < _HINTS:
        yield Problem(
            f"task {task.id!r} has {general} hint{'' if general == 1 else 's'}, and at least "
            f"{_HINTS} are needed that fit every failure",
            _FILE,
            source.document.line("tasks", index, "hints"),
            "the first asks a question that leads there, the last is nearly the answer",
        )
    seen: set[str] = set()
    for number, hint in enumerate(task.hints):
        line = source.document.line("tasks", index, "hints", number)
        if _plain(hint.text) in seen:
            yield Problem(f"task {task.id!r} gives the same hint twice", _FILE, line)
        seen.add(_plain(hint.text))
        meant = _meant(task, hint)
        if hint.rule and meant and all(hint.rule in check.check.ignore for check in meant):
            yield Problem(
                f"task {task.id!r} has a hint that nobody ever gets: its check ignores the rule "
                f"{hint.rule}",
                _FILE,
                line,
                "take the hint away, or the rule out of `ignore`",
            )


def _meant(task: Task, hint: Hint) -> list[CheckSpec]:
    return [check for check in task.checks if hint.check in ("", check.id)]


def _of_instructions(lab: Lab, source: LabSource) -> Iterator[Problem]:
    name = "instructions.md"
    try:
        text = read_text(lab.root, name)
    except DevlabError as error:
        yield Problem(make_problem(error, lab.root).message, name)
        return
    if text.count(TASKS_MARKER) != 1:
        yield Problem(
            f"the line {TASKS_MARKER} stands {text.count(TASKS_MARKER)} times, not once",
            name,
            hint="the table of the tasks is put in its place",
        )
    for index, task in enumerate(lab.tasks):
        if not re.search(rf"(?<![\w-]){re.escape(task.id)}(?![\w-])", text):
            yield Problem(
                f"task {task.id!r} is not named in {name}",
                _FILE,
                source.document.line("tasks", index, "id"),
                f"tell the learner what to do for it, and why, where `{task.id}` stands",
            )


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!?")
