"""The machine that rehearsals pretend to have: its Pythons, wheels, programs and actions."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from scaffolder.checks.base import Kind, Run
from scaffolder.errors import UnavailableError
from scaffolder.readiness import Requirement
from scaffolder.sandbox import SYSTEM_PATH, isolated
from scaffolder.tools import act, uv_cache, wheelhouse

# An address that is nobody's: https://www.rfc-editor.org/rfc/rfc5737
_NOBODY = "192.0.2.1:2375"

# What a rehearsal needs; the sandbox keeps the pipeline in.
_REQUIRES = frozenset(
    {Requirement.ACT, Requirement.GIT, Requirement.WHEELS, Requirement.SANDBOX},
)

_COMMAND = """\
#!/bin/sh
exec {command} "$@"
"""
# act 0.2.89 reads what a step prints through a terminal, and where the step fails it goes on
# without waiting for its own reader: the last lines are lost, on a busy machine all of them. A
# terminal holds some 17 KB that nobody has read. So where more than that was taken after the last
# word of a step, that word has arrived. No line ends there, so none of it gets into the log.
_SHELL = """\
#!/bin/sh
[ -z "$DEVLAB_IN_STEP" ] || exec {command} "$@"
DEVLAB_IN_STEP=1 {command} "$@"
code=$?
[ $code -eq 0 ] || printf '\\n%65536s' ''
exit $code
"""

STANDINS = Path(__file__).parent.parent / "standins"


class RehearsedKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that rehearse a pipeline."""

    requires: ClassVar[frozenset[Requirement]] = _REQUIRES


@dataclass(frozen=True)
class Stage:
    """What all rehearsals of a run share: the Pythons, the wheels, the programs, the stand-ins."""

    pythons: Mapping[int, Path]
    environment: Mapping[str, str]
    folder: Path


def build_stage(run: Run) -> Stage:
    """Find Pythons, prepare their wheels and lay out the programs that rehearsals use."""
    if shutil.which("git") is None:
        raise UnavailableError("git is not installed, and act needs it", hint="install git")
    act.program()
    found = wheelhouse.pythons(run.cancel)
    wanted = wheelhouse.requirements_of(run.start())
    wheels = _prepared(wanted, found, run)
    folder = run.folder("stage")
    pythons = {minor: found[minor] for minor in wheels}
    uv_cache.copy(uv_cache.prepare(wheels, pythons, run.cancel), folder / "uv-cache", run.cancel)
    return Stage(
        pythons=pythons,
        folder=folder,
        environment={**wheelhouse.environment(wheels), **_programs(folder, pythons)},
    )


def _prepared(wanted: tuple[str, ...], found: Mapping[int, Path], run: Run) -> dict[int, Path]:
    """Return the wheelhouse of every Python that has one; raises where none has."""

    def prepare(minor: int) -> Path | UnavailableError:
        try:
            return wheelhouse.prepare(wanted, minor, run.cancel)
        except UnavailableError as error:
            return error

    with ThreadPoolExecutor() as pool:
        made = dict(zip(found, pool.map(prepare, found), strict=True))
    wheels = {minor: folder for minor, folder in made.items() if isinstance(folder, Path)}
    if not wheels:
        raise next(error for error in made.values() if isinstance(error, UnavailableError))
    return wheels


def _programs(folder: Path, pythons: Mapping[int, Path]) -> dict[str, str]:
    """Lay out what a runner has on PATH, and return the variables that stand-ins read."""
    programs = "scaffolder.standins.programs"
    runner, own, links = folder / "bin", folder / "uv", folder / "pythons"
    for place in (runner, own, links):
        place.mkdir()
    for minor, python in pythons.items():
        (links / f"python3.{minor}").symlink_to(python)
    for name in ("python", "python3", "pip", "pip3"):
        _script(runner / name, f'"$DEVLAB_PYTHON" -I -m {programs}.default_python {name}')
    for name in ("uv", "uvx"):
        _script(own / name, f'"$DEVLAB_PYTHON" -I -m {programs}.uv {name}')
    for name in ("bash", "sh"):
        if shell := shutil.which(name, path=SYSTEM_PATH):
            _script(runner / name, shell, template=_SHELL)
    return {
        "PATH": f"{runner}:{SYSTEM_PATH}",
        "DEVLAB_PYTHON": sys.executable,
        "DEVLAB_PYTHONS": json.dumps({str(key): str(path) for key, path in pythons.items()}),
        "DEVLAB_UV": str(wheelhouse.uv_program()),
        "DEVLAB_PYTHON_LINKS": str(links),
        "DEVLAB_UV_PROGRAMS": str(own),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        # Nobody answers there, and without a network an attempt shows at once.
        "DOCKER_HOST": f"tcp://{_NOBODY}" if isolated() else "unix:///nonexistent/docker.sock",
    }


def _script(path: Path, command: str, template: str = _COMMAND) -> None:
    path.write_text(template.format(command=command), "utf-8")
    path.chmod(0o755)


def stand_ins(references: Set[str], folder: Path) -> dict[str, Path]:
    """Return the folder that plays each action's repository, made where devlab has none.

    One that is made fails when it is reached and says its name: whether it matters shows then.
    """
    chosen: dict[str, Path] = {}
    for reference in references:
        path, _, ref = reference.partition("@")
        repository = "/".join(path.split("/")[:2])
        if repository.lower() == "actions/checkout":
            continue
        known = STANDINS / repository.lower()
        inside = path.split("/")[2:]
        if (known.joinpath(*inside) / "action.yml").is_file():
            chosen[f"{repository}@{ref}"] = known
            continue
        made = folder / re.sub(r"[^\w.-]", "-", f"{repository}@{ref}")
        action = made.joinpath(*(part for part in inside if part not in ("..", ".")))
        action.mkdir(parents=True, exist_ok=True)
        (action / "action.yml").write_text(_failing_action(reference), "utf-8")
        chosen[f"{repository}@{ref}"] = made
    return chosen


def _failing_action(reference: str) -> str:
    words = "devlab has no local equivalent of"
    script = f'echo "$WHAT" > "$DEVLAB_LACKING/$$"; echo "{words} $WHAT"; exit 1'
    step = {"shell": "bash", "env": {"WHAT": f"the action {reference}"}, "run": script}
    return json.dumps(
        {"name": "none", "runs": {"using": "composite", "steps": [step]}}, ensure_ascii=False
    )
