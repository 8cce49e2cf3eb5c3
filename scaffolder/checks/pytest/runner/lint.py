"""Collect test files as the tester would, run none of them, and write down what is wrong.

The settings come as JSON on standard input; what was found is written to the file that they name,
since a test file may print what it likes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.pytest.runner import guard
from scaffolder.checks.pytest.runner.fixtures import Fixtures
from scaffolder.checks.pytest.runner.witness import Witness


class CollectionNotes:
    """A pytest plugin that notes the tests with what they ask for, and what cannot be collected."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[dict[str, Any]] = []
        self.tests: list[dict[str, Any]] = []
        self.known: set[str] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self) -> Generator[None, None, None]:
        """Note a conftest.py that cannot be imported, with which nothing is collected."""
        try:
            yield
        except Exception as error:
            self._note(error.__cause__ or error, self._folder / "conftest.py")
            raise

    def pytest_exception_interact(
        self, node: pytest.Collector | pytest.Item, call: pytest.CallInfo[Any]
    ) -> None:
        """Note a file that cannot be imported."""
        if call.excinfo is not None:
            error = call.excinfo.value
            self._note(error.__cause__ or error, node.path)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the tests, and who asks for a fixture that is not there."""
        for item in session.items:
            if isinstance(item, pytest.Function):
                info = _read_fixtures(item)
                self.known.update(info.name2fixturedefs)
                name = item.nodeid.partition("::")[2]
                asked = list(info.names_closure)
                self.tests.append({"path": str(item.path), "name": name, "fixtures": asked})
                self.problems += [_miss(item, name) for name in _list_unknown(item)]

    def _note(self, error: BaseException, file: Path) -> None:
        path, line = str(file), None
        if isinstance(error, SyntaxError) and error.filename:
            path, line = error.filename, error.lineno
            message = f"{type(error).__name__}: {error.msg}"
        else:
            message = f"{type(error).__name__}: {error}"
            for place, number in _walk(error):
                if Path(place).is_relative_to(self._folder):
                    path, line = place, number
        self.problems.append({"path": path, "line": line, "message": message})


def _walk(error: BaseException) -> Iterator[tuple[str, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _miss(item: pytest.Function, name: str) -> dict[str, Any]:
    """Tell where an unknown fixture is asked for: by the test, or by a fixture of the author's."""
    functions = [
        one.func
        for found in _read_fixtures(item).name2fixturedefs.values()
        for one in found
        if name in one.argnames
    ]
    code = (functions or [item.function])[0].__code__
    return {"path": code.co_filename, "line": code.co_firstlineno, "fixture": name}


def _read_fixtures(item: pytest.Function) -> Any:
    # pytest has no public way to ask for it, and has had this one since version 3.
    return item._fixtureinfo  # noqa: SLF001


def _list_unknown(item: pytest.Function) -> list[str]:
    info = _read_fixtures(item)
    given = getattr(getattr(item, "callspec", None), "params", {})
    known = {"request", *info.name2fixturedefs, *given}
    return [name for name in info.names_closure if name not in known]


def main() -> None:
    """Read the settings, collect, write what was found."""
    settings = json.load(sys.stdin)
    guard.end_with(settings["parent"])
    folder = Path(settings["folder"])
    notes = CollectionNotes(folder)
    # What serves them is not here, and nothing asks for it: no test runs.
    nobody: Any = None
    witness = Witness()
    plugins: list[Any] = [Fixtures(nobody, witness, {})]
    for place in settings["plugins"]:
        module, _, name = place.partition(":")
        plugins.append(getattr(importlib.import_module(module), name)(nobody, witness))
    code = pytest.main(
        [
            "--collect-only",
            "--quiet",
            f"--rootdir={folder.parent}",
            f"--confcutdir={folder}",
            "-c",
            settings["ini"],
            "--import-mode=prepend",
            "-p",
            "no:cacheprovider",
            *settings["files"],
        ],
        plugins=[notes, *plugins],
    )
    found = {"problems": notes.problems, "tests": notes.tests, "known": sorted(notes.known)}
    Path(settings["told"]).write_text(json.dumps({**found, "code": int(code)}), "utf-8")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
