"""Run a learner's suite of tests on copies of the work in which something is planted, or nothing.

Who can write what a run comes to? The learner's code runs in pytest's own process, so it can say
what it likes, end early, or look at the code instead of running it. So no run is believed alone:

- Each copy has one more test, whose name, place among the others and answer were drawn for it. It
  must be seen to run, by an answer that only its code knows; in one copy it fails, and there the
  suite must be red by pytest's reports and by its exit code.
- All copies in which something may be broken hold the healthy code and every fault, each written
  otherwise: names, comments, the form of the code. Which of them runs is all in which they differ,
  so what tells a fault from none is what the code does.
- What turns a suite red does so again: each of these copies is run a second time before a suite
  passes.
- The code under test is the lab's own: where a learner changed it, there is no mark in it that only
  the healthy copies have.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from scaffolder.checks.context import Context, Run
from scaffolder.checks.drawing import make_random
from scaffolder.checks.planting import planting
from scaffolder.checks.planting.disguise import disguise
from scaffolder.checks.planting.rewriting import rewrite_files
from scaffolder.checks.python.environment import EnvironmentSession, SuiteEnvironment
from scaffolder.checks.python.reports import SuiteLine, SuiteNotes, TestEnd
from scaffolder.checks.session import Session, find_session
from scaffolder.core.errors import UnavailableError
from scaffolder.core.folders import UnboundedError, remove_tree, walk_folder
from scaffolder.model import Fault
from scaffolder.sandbox import Command
from scaffolder.tools.processes import Completed, Ending
from scaffolder.tools.system_facts import SYSTEM_PATH
from scaffolder.workspace import read_text, resolve_inside

PLUGIN = Path(__file__).parent / "plugin" / "reporter.py"
_SOURCE_LIMIT = 4 * 1024 * 1024

Sort = Literal["healthy", "failing", "rewritten", "faulty"]


@dataclass(frozen=True)
class Copy:
    """A copy of the work in which the suite is run: its sort, and which one of that sort.

    A `failing` one has a planted test that fails, a `faulty` one the fault of that name; in a
    `rewritten` one nothing is broken. One of the same sort and name has the same code, also where
    it is run `again`.
    """

    sort: Sort
    name: str = ""
    again: bool = False


@dataclass(frozen=True)
class SuiteKey:
    """What suites have in common that are the same: where they are, the faults that may be planted
    in what they test, and for how many seconds they run."""

    tests: tuple[str, ...]
    faults: tuple[str, ...]
    within: float


@dataclass(frozen=True)
class SuiteRun:
    """What a run of a suite came to.

    `planted` is the name of the planted test, `changed` are files of the code that are not what
    they were before.
    """

    copy: Copy
    done: Completed
    notes: SuiteNotes
    planted: str
    changed: tuple[str, ...]
    command: str
    too_much: str

    @property
    def is_through(self) -> bool:
        """Whether pytest came to its end, and said the same of it by its exit code."""
        end = self.notes.end
        ended = self.done.ending is Ending.EXITED and not self.notes.rivals and not self.too_much
        return ended and end is not None and end.code == self.done.returncode

    @property
    def failures(self) -> tuple[TestEnd, ...]:
        """The learner's tests that failed."""
        return tuple(
            one for one in self.notes.tests.values() if one.failed and not self._is_planted(one)
        )

    @property
    def own_tests(self) -> tuple[TestEnd, ...]:
        """The learner's tests, as far as they were run."""
        return tuple(one for one in self.notes.tests.values() if not self._is_planted(one))

    @property
    def passes(self) -> int:
        """How many of the learner's tests passed; one that is skipped or may fail did not."""
        return sum(one.outcome == "passed" for one in self.own_tests)

    @property
    def planted_outcome(self) -> str:
        """What became of the planted test, "" where it never ran."""
        ends = [one.outcome for one in self.notes.tests.values() if self._is_planted(one)]
        return ends[0] if ends and self.notes.planted else ""

    @property
    def is_green(self) -> bool:
        """Whether all of it ran and nothing failed."""
        return (
            self.is_through
            and self.done.returncode == 0
            and not self.failures
            and not self.notes.unread
            and self.planted_outcome == "passed"
        )

    def _is_planted(self, test: TestEnd) -> bool:
        return test.test.rpartition("::")[2] == f"test_{self.planted}"


class SuiteSession(Session[SuiteKey]):
    """The suite of a run's work on all of its copies; each copy is a step."""

    opening = "the preparation of the tests"

    def find_run(self, context: Context, copy: Copy, *, reference: bool = False) -> SuiteRun:
        """Return how the suite went on a copy, running it if no check did yet.

        With `reference` it is the suite of the lab's own answer. Raises as
        EnvironmentSession.find_environment.
        """

        def play() -> SuiteRun:
            run = self.run
            if reference:
                run = replace(run, snapshot=run.reference())
            packages = find_session(self.run, EnvironmentSession, None)
            environment = packages.find_environment(context, run.snapshot)
            return _Player(context, run, self.key, environment).play(copy)

        return self.run_step(context, "the tests", play, about=(copy, reference))

    def find_machine_trouble(self, context: Context) -> UnavailableError | None:
        """Return what keeps the lab's own suite from its end here, None where it gets there."""

        def attempt() -> None:
            done = self.find_run(context, Copy("healthy"), reference=True)
            if not done.is_through:
                raise UnavailableError(
                    "the lab's own tests do not come to an end on this machine now",
                    hint="check again when it has less to do, and enough memory and disk",
                )

        return self.run.control(("suite", self.key), attempt)


class _Player:
    """Runs the suite once."""

    def __init__(
        self, context: Context, run: Run, key: SuiteKey, environment: SuiteEnvironment
    ) -> None:
        self._context = context
        self._run = run
        self._key = key
        self._environment = environment

    def play(self, copy: Copy) -> SuiteRun:
        run = self._run
        draw = make_random(run, "suite", copy.sort, copy.name, str(copy.again))
        # No test may see what its copy is for: not in a path, either.
        root = Path(tempfile.mkdtemp(prefix="", dir=run.scratch))
        work = root / "work"
        shutil.copytree(run.snapshot, work, symlinks=True)
        self._plant(copy, work)
        folder = find_test_folder(work, self._key.tests)
        probe = planting.draw_probe(draw, work, folder)
        with SuiteLine(root, probe.quiz) as line:
            off_by = 1 + probe.given % 9 if copy.sort == "failing" else 0
            text = planting.write_test(probe.at(line.address, ""), off_by=off_by)
            resolve_inside(work, folder).joinpath(f"test_{probe.name}.py").write_text(text, "utf-8")
            plugin = _lay_plugin(root / "lib", line.address, draw.getrandbits(32))
            before = _digest_sources(work, self._key.tests)
            command = self._make_command(work, folder, probe.name, plugin, line)
            with run.slots:
                done = run.sandbox.run(command, run.cancel)
        after = _digest_sources(work, self._key.tests)
        changed = tuple(path for path, digest in before.items() if after.get(path) != digest)
        remove_tree(root)
        return SuiteRun(
            copy=copy,
            done=done,
            notes=line.notes,
            planted=probe.name,
            changed=changed,
            command=f"python -m pytest {' '.join(self._key.tests)}",
            too_much=line.too_much,
        )

    def _plant(self, copy: Copy, work: Path) -> None:
        """Make the copy what it is; only the healthy ones keep the code as it is written."""
        run, draw = self._run, make_random(self._run, "form", copy.sort, copy.name)
        faults = [run.faults[name] for name in self._key.faults]
        paths = list_code_under_test(faults)
        put_code_back(run, work, paths)
        if copy.sort in ("healthy", "failing"):
            return
        every = read_forms(run, faults)
        if copy.sort == "faulty":
            planting.change_work(run, planting.draw_form(run, run.faults[copy.name]), work)
        rewrite_files(work, paths, draw, every)
        disguise(work, frozenset(paths), draw)

    def _make_command(
        self, work: Path, folder: str, name: str, plugin: Path, line: SuiteLine
    ) -> Command:
        named = [one for one in self._key.tests if (work / one).is_file()]
        # Beside files that are named, what lies there is not run by itself.
        planted = [f"{folder}/test_{name}.py"] if named else []
        python = self._environment.python
        return Command(
            argv=(python, "-m", "pytest", "-p", plugin.stem, *self._key.tests, *planted),
            cwd=work,
            timeout=self._key.within,
            env={
                "PATH": f"{python.parent}{os.pathsep}{SYSTEM_PATH}",
                "VIRTUAL_ENV": str(self._environment.folder),
                "PYTHONPATH": str(plugin.parent),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            visible=(*self._environment.visible, plugin.parent),
            writable=(line.folder,),
        )


def list_code_under_test(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Return the files that faults are planted in, in any of their forms."""
    forms = (form for fault in faults for form in (fault.change, *fault.forms))
    return tuple(sorted({path for form in forms for path in form.paths}))


def find_test_folder(work: Path, tests: tuple[str, ...]) -> str:
    """Return the folder in which one more test is run with the others: the first that is named."""
    first = tests[0].rstrip("/")
    return first if (work / first).is_dir() else str(Path(first).parent)


def put_code_back(run: Run, work: Path, paths: tuple[str, ...]) -> None:
    """Put the files of the lab's start back that faults are planted in."""
    for path in paths:
        if (run.start() / path).is_file():
            target = resolve_inside(work, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(read_text(run.start(), path), "utf-8")


def read_forms(run: Run, faults: Iterable[Fault]) -> dict[str, tuple[str, ...]]:
    """Return what each file of the code under test is without a fault, and with each, by path."""
    faults = tuple(faults)
    paths = list_code_under_test(faults)
    forms: dict[str, dict[str, None]] = {}
    for fault in (None, *faults):
        with tempfile.TemporaryDirectory(dir=run.scratch) as folder:
            place = Path(folder)
            put_code_back(run, place, paths)
            if fault is not None:
                planting.change_work(run, planting.draw_form(run, fault), place)
            for path in paths:
                if (place / path).is_file():
                    forms.setdefault(path, {})[read_text(place, path)] = None
    return {path: tuple(texts) for path, texts in forms.items()}


def _lay_plugin(folder: Path, address: Path, number: int) -> Path:
    folder.mkdir()
    plugin = folder / f"notes_{number:08x}.py"
    text = PLUGIN.read_text("utf-8").replace('"@ADDRESS@"', json.dumps(str(address)))
    plugin.write_text(text, "utf-8")
    return plugin


def _digest_sources(work: Path, tests: tuple[str, ...]) -> dict[str, str]:
    """Return the Python files of a copy but for the tests, each with the digest of its content."""
    return dict(_walk_sources(work, tests))


def _walk_sources(work: Path, tests: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    own = [work / one for one in tests]
    try:
        for entry in walk_folder(work, {".git"}):
            path = Path(entry.path)
            if not entry.name.endswith(".py") or not entry.is_file(follow_symlinks=False):
                continue
            if not any(path == one or path.is_relative_to(one) for one in own):
                with path.open("rb") as file:
                    content = file.read(_SOURCE_LIMIT)
                yield path.relative_to(work).as_posix(), hashlib.sha256(content).hexdigest()
    except (OSError, UnboundedError):
        return
