"""What is wrong with a lab's right and wrong answers and its faults, before any is graded."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.core.folders import remove_tree
from scaffolder.labs import generate
from scaffolder.labs.lab_file import LabSource
from scaffolder.labs.steps import read_steps
from scaffolder.model import ChangeSet, Lab, Mistake, Problem, WrongAnswers
from scaffolder.model.history import Steps
from scaffolder.proving.lint_leaks import list_significant_lines
from scaffolder.proving.lint_states import States, read_tree
from scaffolder.workspace import changes

_ALTERNATIVES = 3

Tree = Mapping[str, bytes]
Effect = tuple[tuple[str, bytes | None], ...]


def find_unkilled(lab: Lab, answers: WrongAnswers) -> Iterator[Problem]:
    """Tell every check that no mistake names: nobody knows whether it can fail at all."""
    killed = {name for mistake in answers.mistakes for name in mistake.fails}
    source = LabSource(lab.root / "lab.yaml")
    for index, task in enumerate(lab.tasks):
        for number, check in enumerate(task.checks):
            if check.id not in killed:
                yield Problem(
                    f"no mistake fails the check {check.id!r}",
                    "lab.yaml",
                    source.document.line("tasks", index, "checks", number, "id"),
                    "add to mistakes.yaml a wrong answer that looks right and that it refuses",
                )


def list_planted_faults(lab: Lab) -> set[str]:
    """Return the ids of the faults that checks name, without the stand-ins of a variation."""
    return {name for task in lab.tasks for check in task.checks for name in check.check.faults}


def find_unused_faults(lab: Lab) -> Iterator[Problem]:
    """Tell every fault that no check plants."""
    planted = list_planted_faults(lab)
    planted |= {one for name in planted for one in lab.variation.faults.get(name, ())}
    for index, fault in enumerate(lab.faults):
        if fault not in planted:
            line = LabSource(lab.root / "faults.yaml").document.line(index, "id")
            yield Problem(f"no check plants the fault {fault!r}", "faults.yaml", line)


def check_alternatives(lab: Lab, states: States) -> Iterator[Problem]:
    """Tell where there are too few right answers, or some that are the same."""
    names = [name for name in states.folders if name.startswith("alternatives/")]
    there = generate.list_alternatives(lab)
    if len(there) < _ALTERNATIVES:
        yield Problem(
            f"there are {len(there)} alternatives, and at least {_ALTERNATIVES} are needed",
            "alternatives",
            hint="another base image, tool, order or layout that the instructions allow",
        )
    trees = {name: read_tree(states.folders[name]) for name in ("start", "solution", *names)}
    steps = {name: _read_steps(lab, name) for name in trees}
    for first, second in itertools.combinations(trees, 2):
        if steps[first] != steps[second]:
            continue
        if trees[first] == trees[second]:
            yield Problem(f"is the same as {first}", second)
        elif _same_work(trees[first], trees[second]):
            yield Problem(f"differs from {first} only in comments and spaces", second)


def _read_steps(lab: Lab, state: str) -> Steps:
    return {} if state == "start" else read_steps(lab, lab.root / state)


def _same_work(first: Tree, second: Tree) -> bool:
    if set(first) != set(second):
        return False
    return all(
        first[path] == second[path] or _code(first[path], path) == _code(second[path], path)
        for path in first
    )


def _code(content: bytes, path: str) -> list[str]:
    text = content.decode("utf-8", "replace")
    return [line.text for line in list_significant_lines(text, path) if not line.comment]


def check_faults(lab: Lab, solution: Path, place: Path) -> Iterator[Problem]:
    """Apply every fault to the solution's app."""
    if not lab.faults:
        return
    source = LabSource(lab.root / "faults.yaml")
    for index, fault in enumerate(lab.faults.values()):
        for number, form in enumerate((fault.change, *fault.forms)):
            reason = find_effect(form, solution, place)
            if isinstance(reason, str):
                where = ("forms", number - 1) if number else ("change",)
                line = source.document.line(index, *where)
                yield Problem(f"the fault {fault.id!r} {reason}", "faults.yaml", line)


def check_mistakes(
    lab: Lab, answers: WrongAnswers, solution: Path, place: Path
) -> Iterator[Problem]:
    """Apply every mistake to the solution; tell those that are the same."""
    source = LabSource(lab.root / "mistakes.yaml")
    seen: dict[Effect, str] = {}
    titles: dict[str, str] = {}
    for index, mistake in enumerate(answers.mistakes):
        effect = _find_mistake_effect(mistake, solution, place)
        line = source.document.line("mistakes", index, "change")
        if isinstance(effect, str):
            yield Problem(f"the mistake {mistake.id!r} {effect}", "mistakes.yaml", line)
        elif effect in seen:
            words = f"the mistakes {seen[effect]!r} and {mistake.id!r} are the same change"
            yield Problem(words, "mistakes.yaml", line)
        else:
            seen[effect] = mistake.id
        if mistake.title in titles:
            words = f"{titles[mistake.title]!r} and {mistake.id!r} have the same title"
            line = source.document.line("mistakes", index, "title")
            yield Problem(words, "mistakes.yaml", line)
        titles[mistake.title] = mistake.id


def _find_mistake_effect(mistake: Mistake, solution: Path, place: Path) -> Effect | str:
    """Return what a mistake makes of the solution, or why it cannot be made."""
    steps = tuple((f"step {name}", text.encode()) for name, text in sorted(mistake.steps.items()))
    if steps and not mistake.change.paths:
        return steps
    effect = find_effect(mistake.change, solution, place)
    return effect if isinstance(effect, str) else (*effect, *steps)


def find_effect(
    change: ChangeSet, folder: Path, place: Path, state: str = "solution"
) -> Effect | str:
    """Return what a change makes of the files of a state that it touches, or why it cannot be made.

    Only these files are copied: a lab has many mistakes, and a template many files.
    """
    remove_tree(place)
    place.mkdir(parents=True)
    for path in change.paths:
        inside = (folder / path).resolve().is_relative_to(folder.resolve())
        if inside and (folder / path).is_file():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / path, place / path)
    before = read_tree(place)
    try:
        changes.apply_change(change, place)
    except DevlabError as error:
        named = getattr(error, "path", "")
        words = f"{named} {error.message}" if named else error.message
        return f"does not apply to the {state}: {words}"
    except OSError as error:
        return f"does not apply to the {state}: {error.filename}: {error.strerror}"
    after = read_tree(place)
    if after == before:
        return f"changes nothing in the {state}"
    touched = sorted({*before, *after})
    return tuple((path, after.get(path)) for path in touched if before.get(path) != after.get(path))
