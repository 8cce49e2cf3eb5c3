"""What is wrong with the words of a lab: titles, hints, instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffolder.core.errors import DevlabError
from scaffolder.labs.instructions import TASKS_MARKER, list_parts
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
    yield from _of_finish(lab)


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
    parts = list_parts(text, [task.id for task in lab.tasks])
    for index, task in enumerate(lab.tasks):
        own = [part for part in parts if task.id in part.tasks]
        line = source.document.line("tasks", index, "id")
        if not re.search(rf"(?<![\w-]){re.escape(task.id)}(?![\w-])", text):
            yield Problem(f"task {task.id!r} is not named in {name}", _FILE, line, _part_hint(task))
        elif len(own) != 1:
            yield Problem(
                f"task {task.id!r} has {len(own)} parts in {name}, not one",
                name if own else _FILE,
                own[1].line if own else line,
                _part_hint(task),
            )
        elif not own[0].text.strip():
            yield Problem(f"the part of task {task.id!r} says nothing", name, own[0].line)
        yield from _of_learner_words(lab, source, task)


def _part_hint(task: Task) -> str:
    return (
        "tell the learner what to do for it, and why, below a heading that names it in backticks "
        f"(## ... (`{task.id}`)) or in a paragraph that begins with **{task.id}.**"
    )


def _of_learner_words(lab: Lab, source: LabSource, task: Task) -> Iterator[Problem]:
    """What only learners with an id are asked for is shown where their task is."""
    if lab.variation.checks.get(task.id) and f"`{task.id}`" not in lab.variation.instructions:
        yield Problem(
            f"task {task.id!r} has checks of its own for learners, and no paragraph of "
            "vary: instructions names it in backticks",
            _FILE,
            source.document.line("vary", "checks", task.id),
        )


def _of_finish(lab: Lab) -> Iterator[Problem]:
    if lab.finish is None:
        yield Problem(
            "there is no finish: what a learner hears who has all points",
            _FILE,
            hint="finish: {proved: what was shown to hold, at_work: where that matters at work}",
        )


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!?")
