"""What is wrong with authors' test files, found by collecting them: no test runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from scaffolder.checks.families import find_fixtures
from scaffolder.checks.pytest.session import list_plugins
from scaffolder.core.run_folders import make_run_folder
from scaffolder.core.suggest import suggest_name
from scaffolder.model import Problem
from scaffolder.sandbox import make_environment
from scaffolder.tools import processes, python_syntax
from scaffolder.tools.processes import CancelToken

# The fixtures that are there whatever families there are.
_OWN = ("fail", "finding", "run", "variables", "workspace", "tmp_path")
# For the modules of all files: what takes longer does more than to be imported.
_SECONDS = 60.0


class FoundProblem(msgspec.Struct, frozen=True):
    """Something wrong at a place, in words or as the unknown fixture that is asked for there."""

    path: str
    line: int | None = None
    message: str = ""
    fixture: str = ""


class CollectedTest(msgspec.Struct, frozen=True):
    """A test, named as behind its file, and the fixtures that it and these ask for."""

    path: str
    name: str
    fixtures: frozenset[str]


class CollectedTests(msgspec.Struct, frozen=True):
    """What files of tests hold; `known` are all fixtures, `code` is pytest's exit code."""

    problems: tuple[FoundProblem, ...] = ()
    tests: tuple[CollectedTest, ...] = ()
    known: tuple[str, ...] = ()
    code: int = 0


def find_syntax_errors(lab_root: Path) -> Iterator[Problem]:
    """Yield every Python file of the lab's `tests/` that is none; runs nothing of it."""
    for path in sorted((lab_root / "tests").rglob("*.py")):
        try:
            python_syntax.parse(path.read_bytes())
        except SyntaxError as error:
            shown = path.relative_to(lab_root).as_posix()
            yield Problem(f"SyntaxError: {error.msg}", shown, error.lineno)
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            yield Problem(f"cannot be read: {error}", path.relative_to(lab_root).as_posix())


def collect_tests(lab_root: Path, files: Iterable[str]) -> tuple[CollectedTests, list[Problem]]:
    """Import test files of a trusted lab, and return what they hold and what is wrong with them.

    The files are paths in the lab's folder.
    """
    root = lab_root.resolve()
    parts = [_collect(root, group) for group in _group(files)]
    problems = [problem for part in parts for problem in _tell(root, part)]
    tests = tuple(test for part in parts for test in part.tests)
    return CollectedTests(tests=tests), list(dict.fromkeys(problems))


def _group(files: Iterable[str]) -> list[list[str]]:
    """Return the files in groups in which no two have the same name: pytest takes no such two."""
    groups: list[dict[str, str]] = []
    for file in dict.fromkeys(files):
        name = Path(file).name
        free = next((group for group in groups if name not in group), None)
        if free is None:
            groups.append(free := {})
        free[name] = file
    return [list(group.values()) for group in groups]


def _collect(root: Path, files: list[str]) -> CollectedTests:
    with make_run_folder() as place:
        told = place / "told.json"
        (place / "pytest.ini").write_text("[pytest]\n", "utf-8")
        settings = {
            "parent": os.getpid(),
            "folder": str(root / "tests"),
            "files": [str(root / file) for file in files],
            "ini": str(place / "pytest.ini"),
            "plugins": list_plugins(),
            "told": str(told),
        }
        done = processes.run(
            [sys.executable, "-I", "-B", "-m", "scaffolder.checks.pytest.runner.lint"],
            cwd=place,
            env=make_environment(place, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
            stdin=json.dumps(settings).encode(),
            timeout=_SECONDS,
            cancel=CancelToken(),
        )
        if told.is_file():
            return msgspec.json.decode(told.read_bytes(), type=CollectedTests)
        why = " ".join(done.tail(1)) or f"it ended with {done.returncode} in {done.seconds:.0f} s"
        broken = FoundProblem(str(root / files[0]), None, f"cannot be collected by pytest: {why}")
        return CollectedTests(problems=(broken,))


def _tell(root: Path, found: CollectedTests) -> Iterator[Problem]:
    for one in found.problems:
        path = os.path.relpath(os.path.realpath(one.path), root)
        if one.fixture:
            known = {*found.known, *_OWN, *find_fixtures()}
            message = f"unknown fixture {one.fixture!r}{suggest_name(one.fixture, known)}"
            yield Problem(message, path, one.line, "devlab lab kinds pytest tells which there are")
        else:
            yield Problem(" ".join(one.message.split()), path, one.line)
