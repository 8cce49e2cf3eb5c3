"""The check kind `pytest`: an instructor's own test file, for what no other kind can do."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.families import find_fixtures, list_tools
from scaffolder.checks.kind import Kind
from scaffolder.checks.pytest.session import transcribe
from scaffolder.checks.pytest.tools import TRUST
from scaffolder.checks.pytest.verdict import judge_transcript
from scaffolder.checks.serving import FixtureParameters
from scaffolder.model import Verdict, unavailable
from scaffolder.model.tool import Tool
from scaffolder.tools import python_syntax

FOLDER = "tests"
# Parameters of fixtures that a check can also say by a field of its own, for all that have it.
SHORT_FORMS = {
    "image": ("dockerfile",),
    "container": ("dockerfile", "port_variable", "start_within"),
    "terraform": ("directory", "variables"),
}


class Pytest(Kind, frozen=True, kw_only=True, dict=True):
    """The tests of a file in the lab's own folder `tests/` pass.

    The escape hatch for what no other kind can do. pytest runs the file in a process of its own,
    apart from the learner's code; a `conftest.py` and other modules in the lab's `tests/` are
    there too, nothing of the workspace's is. The tests get what they ask for by name:

    - `workspace`: a copy of the learner's work, this test's own, as a `pathlib.Path`.
    - `run(argv, timeout=None, env=None, check=False)`: a command in that copy, in the sandbox and
      without a network; `.code`, `.out`, `.err`, `.seconds`. `python` is a bare one: what needs
      packages runs in the image. Not to end in time is a fail; with `check`, so is an exit code
      that is not 0.
    - `image`: the image of the learner's Dockerfile; `.id`, `.config`, `.labels`, `.size`. What is
      in it is read from its layers, and nothing of it runs: `.files` (by path: `.kind`, `.mode`,
      `.uid`, `.size`, `.link`, `.executable`, `.base`), `.glob(pattern)`, `.resolve(path)`,
      `.read(path)`, `.read_all(paths, limit)`, and `.distributions` (`.name`, `.version`,
      `.folder`, `.files`, `.base`, and `.intact`: its RECORD lists what is there).
      `.run(args, stdin=..., mounts={"/data": path}, env=..., user=..., timeout=..., check=False)`
      runs it to its end, without a network; `.code`, `.out`, `.err`, `.seconds`. What is mounted is
      the lab's or the test's, and cannot be written to.
    - `container`: a container of it, this test's own; `.get(path)`, `.request(method, path,
      body=..., headers=...)` with `.status`, `.headers`, `.text`, `.json()`; `.url`, `.logs()`,
      `.exec(argv)`, `.stop()`, `.start()`, `.restart()`, and `.status`: `.running`, `.exit_code`,
      `.out_of_memory`. One that has ended by itself is a fail of whatever wants it to run.
    - `terraform`: the outputs of the learner's configuration, applied to the local cloud.
    - `variables`: the values that the workspace was made with, such as `service_name`.
    - `fail(message, hint=..., path=..., line=..., rule=..., expected=..., actual=...)` ends the
      test; `finding(path, line, message, rule=...)` adds a place in the learner's work, shown if
      the test fails. A hint of the lab's can name the `rule`.

    Write `assert it_holds, "the cause in words"`: that becomes the verdict's message, and what is
    compared its evidence; without words the learner reads what does not hold. A test must
    not import the learner's code or start a program but with `run`: that is refused. What the work
    answers may have any shape: compare it before you take it apart, for a KeyError in the test is
    an error of the lab. In a pack it runs only where the pack is trusted.

    Parameters:
        file: the test file, a path in the lab's folder that begins with `tests/`; one test of it
            as pytest names it, `tests/test_restart.py::test_it_keeps_items`.
        dockerfile, port_variable, start_within: for `image` and `container`, as in
            container.serves.
        directory, variables: for `terraform`, as in terraform.applies.
        fixtures: by the name of a fixture, parameters of that one alone. What is said here goes
            before the parameters above, which are for every fixture that has them.
        needs_tools: ids of tools, as `devlab doctor --format json` has them, that the tests need
            besides what their fixtures do, such as zizmor. `run` finds their programs, and of what
            is installed beside the system's no others; the user's settings of a tool are not
            there. The doctor looks for them, and a verdict is kept only while they are the same.

    Passes: there is a test, and every one passed.

    Fails: an assertion fails, `fail` is called, or the learner's work keeps a fixture from what it
    is for: the image does not build, the service does not answer, a command does not end. A test
    that skips is `unavailable` for its reason; any other exception, a file that cannot be read, no
    test at all, `xfail`, or more than the check's timeout for the tests' own doings is an error of
    the lab.

    Example:
        - id: items-survive-a-restart
          kind: pytest
          file: tests/test_restart.py

        # tests/test_restart.py
        def test_items_survive_a_restart(container):
            container.request("POST", "/api/items", body={"name": "tea"})
            container.restart()
            items = container.get("/api/items").text
            assert '"tea"' in items, "an item is gone after a restart of the container"
    """

    file: str
    dockerfile: str = "Dockerfile"
    port_variable: str = "PORT"
    start_within: float = 20
    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    # Where it is not given it is not told, so that a lab that knows nothing of it stays as it was.
    fixtures: Mapping[str, Mapping[str, Any]] | UnsetType = UNSET
    needs_tools: tuple[str, ...] = ()

    @property
    def test_files(self) -> tuple[str, ...]:
        """The files of the lab's `tests/` that the check runs."""
        return (self.path,)

    @property
    def path(self) -> str:
        """The path of the test file, without the test in it that may be chosen."""
        return self.file.partition("::")[0]

    @property
    def chosen(self) -> str:
        """The one test of the file that is run, as in `Class::test`; "" for all."""
        return self.file.partition("::")[2]

    @classmethod
    def find_value_types(cls) -> Mapping[str, Mapping[str, type[msgspec.Struct]]]:
        """Of `fixtures`: the parameters that families declare for theirs."""
        return {
            "fixtures": {
                name: family.load_parameters(name)
                for name, family in find_fixtures().items()
                if family.fixtures[name].parameters
            }
        }

    @property
    def builds(self) -> tuple[str, ...]:
        """The Dockerfiles of all fixtures: a test may ask for their images."""
        every = self.parameters.values()
        return tuple(dict.fromkeys(path for one in every for path in one.builds))

    @cached_property
    def parameters(self) -> Mapping[str, FixtureParameters]:
        """The parameters of every family's fixtures, by name."""
        given = self.fixtures or {}
        filled = {}
        for name, family in find_fixtures().items():
            short = {field: getattr(self, field) for field in SHORT_FORMS.get(name, ())}
            asked = {**short, **given.get(name, {})}
            filled[name] = msgspec.convert(asked, family.load_parameters(name))
        return filled

    def requirements(self, lab_root: Path) -> frozenset[Tool]:
        """Return what the fixtures need that the tests, or what they share, ask for by name."""
        asked = _list_parameters(lab_root / self.path, self.chosen)
        needed = {TRUST, SANDBOX, *self._list_named_tools()}
        for name, family in find_fixtures().items():
            if name in asked:
                needed |= family.fixtures[name].requires
        return frozenset(needed)

    def _list_named_tools(self) -> tuple[Tool, ...]:
        return tuple(one for one in list_tools() if one.id in self.needs_tools)

    def run(self, context: Context) -> Verdict:
        """Run the file and judge by what it told."""
        run = context.run
        if not run.trusted:
            pack = run.lab_id.partition("/")[0]
            return unavailable(
                f"this check runs a test file of the pack {pack}, {self.file}, and the pack is not"
                " trusted",
                hint=f"look at the file, then: devlab pack trust {pack}",
            )
        root = run.lab_root.resolve()
        context.say(f"running {self.file}")
        transcript = transcribe(
            context,
            self.parameters,
            self._list_named_tools(),
            root / self.path,
            root / FOLDER,
            self.chosen,
        )
        return judge_transcript(self.file, transcript, context.timeout)


def _list_parameters(test_file: Path, chosen: str) -> set[str]:
    """Return the names of all parameters in a test file and the conftest.py beside it.

    Of its tests only the `chosen` one counts, if one is.
    """
    asked: set[str] = set()
    name = chosen.rpartition("::")[2].partition("[")[0]
    for file in {test_file, test_file.parent / "conftest.py"}:
        # A file that cannot be read is the check's to complain of.
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            for node in ast.walk(python_syntax.parse(file.read_bytes())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    if name and node.name.startswith("test") and node.name != name:
                        continue
                    every = (node.args.posonlyargs, node.args.args, node.args.kwonlyargs)
                    asked |= {one.arg for arguments in every for one in arguments}
    return asked
