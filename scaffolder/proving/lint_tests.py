"""What is wrong with the tests that a lab brings, and with what it plants for learners' tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scaffolder.core.suggest import suggest_name
from scaffolder.core.yaml_source import Position
from scaffolder.labs.lab_file import LabSource
from scaffolder.model import ChangeSet, Lab, Problem
from scaffolder.proving.lint_answers import find_effect
from scaffolder.tools import python_syntax, wheelhouse

if TYPE_CHECKING:
    from scaffolder.checks.pytest.kind import Pytest
    from scaffolder.checks.pytest.linting import CollectedTest

_SUITE = "python.tests"


def find_problems(lab: Lab) -> Iterator[Problem]:
    """Compile the lab's test files and, where its code may run, hold them against lab.yaml."""
    if not (lab.root / "tests").is_dir():
        return
    from scaffolder.checks.pytest import linting

    broken = list(linting.find_syntax_errors(lab.root))
    yield from broken
    checks = list(_list_checks(lab))
    if broken or not lab.trusted or not checks:
        return
    found, problems = linting.collect_tests(lab.root, [check.path for _, check in checks])
    yield from problems
    unread = any("unknown fixture" not in problem.message for problem in problems)
    source = LabSource(lab.root / "lab.yaml")
    for place, check in checks:
        tests = [test for test in found.tests if _is_of(test, lab.root / check.path)]
        # A file of which nothing was found may be one that imports what cannot be read.
        if tests or not unread:
            yield from _of_check(lab, source, place, check, tests)


def check_suites(lab: Lab, start: Path, place: Path) -> Iterator[Problem]:
    """Hold what checks of learners' suites plant against the start, whose code they test."""
    suites = [spec.check for task in lab.tasks for spec in task.checks if spec.kind == _SUITE]
    if not suites:
        return
    wanted = wheelhouse.list_requirements(start)
    if not any(re.match(r"pytest\b(?!-)", one) for one in wanted):
        hint = "name pytest in requirements.txt or requirements-dev.txt"
        yield Problem(f"no requirement of the start is pytest, which {_SUITE} runs", hint=hint)
    planted = {name for check in suites for name in check.faults}
    planted |= {one for name in planted for one in lab.variation.faults.get(name, ())}
    source = LabSource(lab.root / "faults.yaml")
    for index, fault in enumerate(lab.faults.values()):
        for number, form in enumerate((fault.change, *fault.forms)):
            if fault.id in planted and (why := _why_not_planted(form, start, place)):
                where = ("forms", number - 1) if number else ("change",)
                line = source.document.line(index, *where)
                yield Problem(f"the fault {fault.id!r} {why}", "faults.yaml", line)


def _why_not_planted(form: ChangeSet, start: Path, place: Path) -> str:
    """Return why a fault cannot be planted in the start, or tests nothing there; "" if it can."""
    effect = find_effect(form, start, place, "start")
    if isinstance(effect, str):
        return effect
    for path, content in effect:
        if not path.endswith(".py"):
            return f"changes {path}, which is no Python: tests could know it by its text"
        if content is None or not (start / path).is_file():
            return f"adds or removes {path}: tests could know it by that"
        try:
            python_syntax.parse(content)
        except SyntaxError as error:
            return f"leaves {path} with a syntax error: {error.msg}; no test is run with it"
    return ""


def _list_checks(lab: Lab) -> Iterator[tuple[Position, Pytest]]:
    from scaffolder.checks.pytest.kind import Pytest

    for index, task in enumerate(lab.tasks):
        for number, spec in enumerate(task.checks):
            if isinstance(spec.check, Pytest):
                yield ("tasks", index, "checks", number), spec.check


def _is_of(test: CollectedTest, file: Path) -> bool:
    return Path(test.path) == file.resolve()


def _of_check(
    lab: Lab, source: LabSource, place: Position, check: Pytest, tests: list[CollectedTest]
) -> Iterator[Problem]:
    if not tests:
        yield Problem("holds no test", check.path, hint="a test is a function test_...")
        return
    chosen = [test for test in tests if _is_chosen(test.name, check.chosen)]
    if not chosen:
        names = {test.name.partition("[")[0] for test in tests}
        line = source.document.line(*place, "file")
        words = f"{check.path} has no test {check.chosen!r}{suggest_name(check.chosen, names)}"
        yield Problem(words, "lab.yaml", line)
        return
    asked = frozenset().union(*(test.fixtures for test in chosen))
    # What a session gives is for all checks that share it.
    own = _find_own_fixtures(source, place)
    for name in () if _asks_at_run_time(lab, check) else own:
        if name not in asked:
            yield Problem(
                f"no test of {check.file} asks for the fixture {name!r}, which is given parameters",
                "lab.yaml",
                source.document.line(*place, "fixtures", name),
            )


def _is_chosen(name: str, chosen: str) -> bool:
    return not chosen or name == chosen or name.startswith((f"{chosen}[", f"{chosen}::"))


def _find_own_fixtures(source: LabSource, place: Position) -> list[str]:
    """Return the names below `fixtures` of a check as it stands in the file."""
    data = source.document.data
    for part in (*place, "fixtures"):
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return []
    return list(data) if isinstance(data, dict) else []


def _asks_at_run_time(lab: Lab, check: Pytest) -> bool:
    files = (lab.root / check.path, lab.root / "tests" / "conftest.py")
    return any(b"getfixturevalue" in file.read_bytes() for file in files if file.is_file())
