"""The environment that a suite of tests runs in: a Python, the packages that the work names."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.session import Session
from scaffolder.core.errors import NotShownError, UnavailableError
from scaffolder.model import Evidence, Finding
from scaffolder.sandbox import list_python_parts
from scaffolder.tools import processes, uv_cache, wheelhouse
from scaffolder.tools.processes import CancelToken, Completed
from scaffolder.workspace import read_text

_SECONDS = 180.0
_FILES = 20


@dataclass(frozen=True)
class SuiteEnvironment:
    """A virtual environment with what the work requires; `visible` is what commands see of it."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    @property
    def visible(self) -> tuple[Path, ...]:
        """What a command must see to run it."""
        return (self.folder, *list_python_parts(self.python))


class EnvironmentSession(Session[None]):
    """The environments of a run: wheels are got once, each list of packages is installed once."""

    opening = "the preparation of the packages"

    def open(self, context: Context) -> None:  # noqa: ARG002
        self._maker = prepare_environments(self.run)

    def find_environment(self, context: Context, work: Path) -> SuiteEnvironment:
        """Return the environment for what is required in the folder `work`, made at first use.

        Raises CheckFailedError where what is required does not go together or is not there,
        NotShownError where it cannot be got here.
        """
        wanted = read_requirements(work)

        def make() -> SuiteEnvironment:
            return self._maker.make(wanted, self.run.cancel)

        return self.run_step(context, "the installation", make, about=wanted)


@dataclass(frozen=True)
class EnvironmentMaker:
    """Makes environments for one Python, `base`, from wheels that are here, in the new `folder`.

    `start` is what the lab's start requires, `variables` is what uv runs with.
    """

    start: tuple[str, ...]
    minor: int
    base: Path
    folder: Path
    variables: Mapping[str, str]

    def make(self, wanted: tuple[str, ...], cancel: CancelToken) -> SuiteEnvironment:
        """Install what is wanted; raises as EnvironmentSession.find_environment."""
        made = SuiteEnvironment(self.folder / secrets.token_hex(4))
        done = self._run_uv(cancel, "venv", "--python", str(self.base), str(made.folder))
        if not done.ok:
            raise RuntimeError(f"no environment can be made: {' '.join(done.tail(3))}")
        install = ("pip", "install", "--python", str(made.python), "--", *wanted)
        done = self._run_uv(cancel, *install)
        if not done.ok and self._fetch(wanted, cancel):
            done = self._run_uv(cancel, *install)
        if not done.ok:
            raise _fail_installation(done)
        if not list(made.folder.glob("lib/python3.*/site-packages/pytest/__init__.py")):
            raise CheckFailedError(
                "the requirements of the work do not name pytest, so no test can be run",
                hint="name it in requirements-dev.txt",
            )
        return made

    def _fetch(self, wanted: tuple[str, ...], cancel: CancelToken) -> bool:
        """Get what the start does not require; False where the package index has none such."""
        more = tuple(one for one in wanted if one not in self.start)
        try:
            return bool(more) and wheelhouse.add_wheels(more, self.minor, cancel)
        except UnavailableError as error:
            # What the start requires is here, so the machine has what the lab needs.
            raise NotShownError(
                f"the tests need {', '.join(more)[:200]}, which is not here: {error.message}",
                hint=error.hint,
            ) from error

    def _run_uv(self, cancel: CancelToken, *words: str) -> Completed:
        argv: tuple[str | Path, ...] = (wheelhouse.find_uv(), "--no-config", "--quiet", *words)
        return processes.run(argv, env=self.variables, timeout=_SECONDS, cancel=cancel)


def prepare_environments(run: Run) -> EnvironmentMaker:
    """Get the wheels of what the lab's start requires, and a cache of them that is warm.

    Raises UnavailableError where they are not here and cannot be got.
    """
    start = wheelhouse.list_requirements(run.start())
    minor, base, wheels = _prepare_wheels(start, run)
    prepared = uv_cache.prepare({minor: wheels}, {minor: base}, run.cancel)
    folder = run.folder("environments")
    uv_cache.copy(prepared, folder / "uv-cache", run.cancel)
    variables = {
        **wheelhouse.make_environment({minor: wheels}),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "UV_LINK_MODE": "hardlink",
    }
    return EnvironmentMaker(start, minor, base, folder, run.sandbox.environment(variables))


def _fail_installation(done: Completed) -> CheckFailedError:
    return CheckFailedError(
        "what the requirements of the work name cannot be installed together",
        Finding("cannot be installed", path="requirements.txt", rule="requirements"),
        evidence=Evidence(
            ran="uv pip install -r requirements*.txt",
            expected="an environment with all of it",
            actual=f"exit code {done.returncode}",
            log=done.tail(),
        ),
        hint="is each name right, and does each version exist?",
        lasting=False,
    )


def _prepare_wheels(wanted: tuple[str, ...], run: Run) -> tuple[int, Path, Path]:
    """Return the first Python that has wheels for what the start requires, devlab's own first."""
    found = wheelhouse.find_pythons(run.cancel)
    own = sys.version_info.minor
    trouble: UnavailableError | None = None
    for minor in sorted(found, key=lambda one: (one != own, -one)):
        try:
            return minor, found[minor], wheelhouse.prepare(wanted, minor, run.cancel)
        except UnavailableError as error:
            trouble = trouble or error
    raise trouble or UnavailableError("no Python to run tests with was found here")


def read_requirements(work: Path) -> tuple[str, ...]:
    """Return what the requirements files of somebody's work name; each plain one, once.

    Raises UnusableFileError for a file that cannot be read.
    """
    wanted: dict[str, None] = {}
    for file in sorted(work.glob("requirements*.txt"))[:_FILES]:
        text = read_text(work, file.name)
        wanted |= dict.fromkeys(wheelhouse.parse_requirements(text))
    return tuple(wanted)
