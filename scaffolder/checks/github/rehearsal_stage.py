"""The machine that rehearsals pretend to have: its Pythons, wheels, programs and actions."""

from __future__ import annotations

import compileall
import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Context, Run
from scaffolder.checks.github import act, standins
from scaffolder.checks.github.hosted_programs import HOSTED, NEVER_HERE
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.pipeline.pythons import Interpreters
from scaffolder.checks.session import Session
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnavailableError
from scaffolder.model import CheckParameters
from scaffolder.sandbox import list_python_parts
from scaffolder.tools import uv_cache, wheelhouse
from scaffolder.tools.system_facts import SYSTEM_PATH

# An address that is nobody's: https://www.rfc-editor.org/rfc/rfc5737
_NOBODY = "192.0.2.1:2375"

# A runner of GitHub's has no variable ACT, and says which image it runs.
_COMMAND = """\
#!/bin/sh
[ "$ACT" != true ] || unset ACT
DEVLAB_SETTINGS={settings} exec {command} "$@"
"""
# act 0.2.89 reads what a step prints through a terminal, and where the step fails it goes on
# without waiting for its own reader: the last lines are lost, on a busy machine all of them. A
# terminal holds some 17 KB that nobody has read. So where more than that was taken after the last
# word of a step, that word has arrived. No line ends there, so none of it gets into the log.
#
# What a step tried to reach in vain the kernel counts: without a route every attempt is refused at
# once, and a resolver on loopback is asked in vain. What starts a step reads the counters before
# and after it. https://docs.kernel.org/networking/snmp_counter.html
_SHELL = """\
#!/bin/sh
[ -z "$RUNNER_STEP_SHELL" ] || exec {command} "$@"
count() {{
  tried=0
  [ -r /proc/net/snmp ] || return
  while read -r name a b c d e f g h i j k l rest; do
    case $name$l in Ip:[0-9]*) tried=$((tried + l)) ;; esac
    case $name$b in Udp:[0-9]*) tried=$((tried + b)); break ;; esac
  done < /proc/net/snmp
  [ -r /proc/net/snmp6 ] || return
  while read -r name a; do
    case $name in
      Ip6OutNoRoutes) tried=$((tried + a)) ;;
      Udp6NoPorts) tried=$((tried + a)); break ;;
    esac
  done < /proc/net/snmp6
}}
count
before=$tried
[ "$ACT" != true ] || unset ACT
export ImageOS=ubuntu24 ImageVersion=20250929.60.1
RUNNER_STEP_SHELL=1 PATH="$PATH:${{GITHUB_WORKSPACE%/*}}/tools/bin" {command} "$@"
code=$?
count
[ "$tried" = "$before" ] ||
  DEVLAB_SETTINGS={settings} {python} -I -m {programs}.tell unreachable > /dev/null 2>&1
[ $code -eq 0 ] && exit 0
printf '\\n%65536s' ''
exit $code
"""
_MISSING = """\
#!/bin/sh
name=${{0##*/}}
# pip asks any rustc on PATH for its version, to tell servers about it, and goes on without one.
# Whatever else then stops pip would be excused with a program that nobody wanted.
if [ "$name $*" = "rustc --version" ] && tr '\\0' '\\n' <"/proc/$PPID/cmdline" 2>/dev/null |
  grep -Eqx 'pip|.*/pip[0-9.]*|.*/pip/__main__\\.py'; then
  exit 127
fi
DEVLAB_SETTINGS={settings} {python} -I -m {programs}.lacking "the program $name"
exit 127
"""
_PROGRAMS = "scaffolder.checks.github.standins.programs"

STANDINS = Path(__file__).parent / "standins"


@dataclass(frozen=True)
class RehearsalStage:
    """What all rehearsals of a run share: the Pythons, the wheels, the programs, the stand-ins.

    `python` runs what stand-ins do, and `visible` is what rehearsals see of all this.
    """

    pythons: Mapping[int, Path]
    environment: Mapping[str, str]
    folder: Path
    interpreters: Interpreters
    python: Path
    visible: tuple[Path, ...]
    prepared_cache: Path

    @property
    def uv_cache(self) -> Path:
        """The cache of uv, of which each rehearsal has its own."""
        return self.folder / "uv-cache"

    @property
    def act(self) -> Path:
        """The act that runs workflows, and that no step can look into."""
        return self.folder / "runner" / "act"


class RehearsalSession(Session[None]):
    """The stage of a run's rehearsals; each scene is a step."""

    opening = "the preparation of the pipelines"
    stage: RehearsalStage

    def open(self, context: Context) -> None:  # noqa: ARG002
        self.stage = build_stage(self.run)

    def is_shared_by(self, kind: CheckParameters) -> bool:
        """Whether a kind rehearses: two that ask for the same scene share how it goes."""
        return isinstance(kind, PipelineKind)


def build_stage(run: Run) -> RehearsalStage:
    """Find Pythons, prepare their wheels and lay out what rehearsals use."""
    if shutil.which("git", path=SYSTEM_PATH) is None:
        raise UnavailableError(
            "git is not among the system's programs, and actions/checkout needs it",
            hint="install git",
        )
    act.find_program()
    known = wheelhouse.list_interpreters(run.cancel)
    found = wheelhouse.choose_preferred(known)
    wanted = wheelhouse.list_requirements(run.start())
    wheels = _prepared(wanted, found, run)
    folder = run.folder("stage")
    pythons = {minor: found[minor] for minor in wheels}
    prepared = uv_cache.prepare(wheels, pythons, run.cancel)
    uv_cache.copy(prepared, folder / "uv-cache", run.cancel)
    (folder / "runner").mkdir()
    act.copy_unreadable(folder / "runner" / "act")
    (folder / "pythons").mkdir()
    for minor, python in pythons.items():
        (folder / "pythons" / f"python3.{minor}").symlink_to(python)
    return RehearsalStage(
        pythons=pythons,
        folder=folder,
        interpreters=Interpreters(known),
        python=lay_out_stand_ins(folder / "python"),
        visible=_visible(folder, pythons, wheels),
        prepared_cache=prepared,
        environment={
            **wheelhouse.make_environment(wheels),
            # Nobody answers there, and without a network an attempt shows at once.
            "DOCKER_HOST": f"tcp://{_NOBODY}"
            if run.sandbox.walled
            else "unix:///nonexistent/docker.sock",
        },
    )


def lay_out_stand_ins(folder: Path) -> Path:
    """Make an environment of devlab's Python with nothing in it but what stand-ins run.

    devlab's own has its packages, and labs with their solutions. Returns its Python.
    """
    real = Path(sys.executable).resolve()
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(real)
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\n", "utf-8")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    shutil.copytree(STANDINS, packages.joinpath(*standins.__name__.split(".")))
    compileall.compile_dir(packages, quiet=2)
    return python


def _visible(
    folder: Path, pythons: Mapping[int, Path], wheels: Mapping[int, Path]
) -> tuple[Path, ...]:
    uv = wheelhouse.find_uv()
    interpreters = (Path(sys.executable).resolve(), *pythons.values())
    return (
        *(folder / "pythons", folder / "python", folder / "runner", uv, uv.with_name("uvx")),
        *map(wheelhouse.find_extra_folder, wheels),
        *wheels.values(),
        *(part for python in interpreters for part in list_python_parts(python)),
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


def lay_out_programs(stage: RehearsalStage, folder: Path, line: Path) -> dict[str, str]:
    """Lay out in `folder` what a runner has on PATH; return the variables that steps get.

    `line` is where stand-ins report to. What they need beyond is in a file, not in the environment
    of steps.
    """
    runner, own = folder / "bin", folder / "uv"
    for place in (runner, own, folder / "caches"):
        place.mkdir()
    settings = folder / "settings.json"
    described = {
        "line": str(line),
        "pythons": {str(minor): str(path) for minor, path in stage.pythons.items()},
        "python_links": str(stage.folder / "pythons"),
        "uv": str(wheelhouse.find_uv()),
        "uv_programs": str(own),
        "caches": str(folder / "caches"),
    }
    settings.write_text(json.dumps(described), "utf-8")
    python = f"{shlex.quote(str(stage.python))} -I -m {_PROGRAMS}"
    told = {
        "settings": shlex.quote(str(settings)),
        "python": shlex.quote(str(stage.python)),
        "programs": _PROGRAMS,
    }
    for name in ("python", "python3", "pip", "pip3"):
        _script(runner / name, _COMMAND.format(command=f"{python}.default_python {name}", **told))
    for name in ("uv", "uvx"):
        _script(own / name, _COMMAND.format(command=f"{python}.uv {name}", **told))
    missing = _lay_out_hosted(folder, runner, python, told)
    for name in ("bash", "sh"):
        if shell := shutil.which(name, path=SYSTEM_PATH):
            _script(runner / name, _SHELL.format(command=shlex.quote(shell), **told))
    return {"PATH": f"{runner}:{SYSTEM_PATH}:{missing}"}


def _lay_out_hosted(folder: Path, runner: Path, python: str, told: Mapping[str, str]) -> Path:
    """Lay out what plays programs of GitHub's image, and return the folder, last on PATH, of those
    that nothing plays."""
    for name in ("sudo", "pipx"):
        if name == "sudo" or shutil.which(name, path=SYSTEM_PATH) is None:
            _script(runner / name, _COMMAND.format(command=f"{python}.{name}", **told))
    missing = folder / "missing"
    missing.mkdir()
    _script(folder / "no-program", _MISSING.format(**told))
    for name in HOSTED | NEVER_HERE:
        if name in NEVER_HERE:
            (runner / name).symlink_to(folder / "no-program")
        elif shutil.which(name, path=SYSTEM_PATH) is None:
            (missing / name).symlink_to(folder / "no-program")
    return missing


def choose_player(minor: int, here: Set[int]) -> int:
    """Return which of the Pythons that are here plays another one, as stand-ins choose it."""
    return min(here, key=lambda each: (abs(each - minor), -each))


def _script(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)


def make_stand_ins(
    references: Set[str], folder: Path, settings: Path, python: Path
) -> dict[str, Path]:
    """Return the folder that plays each action's repository, made in `folder`.

    One that devlab has no stand-in for fails when it is reached and says its name: whether it
    matters shows then. `settings` is what programs of actions read, `python` what runs them.
    """
    chosen: dict[str, Path] = {}
    for number, reference in enumerate(sorted(references)):
        path, _, ref = reference.partition("@")
        repository = "/".join(path.split("/")[:2])
        inside = [part for part in path.split("/")[2:] if part not in ("..", ".", "")]
        made = chosen.setdefault(f"{repository}@{ref}", folder / str(number))
        known = (STANDINS / repository.lower()).joinpath(*inside) / "action.yml"
        action = (
            _own_action(known, settings, python)
            if _is_ours(known)
            else _failing_action(reference, settings, python)
        )
        try:
            made.joinpath(*inside).mkdir(parents=True, exist_ok=True)
            made.joinpath(*inside, "action.yml").write_text(json.dumps(action), "utf-8")
        except OSError as error:
            raise CheckFailedError(
                f"uses: {reference[:80]}... is no name of an action: {error.strerror}"
            ) from error
    return chosen


def _is_ours(known: Path) -> bool:
    try:
        return known.is_file() and known.resolve().is_relative_to(STANDINS.resolve())
    except (OSError, ValueError):
        return False


def _own_action(known: Path, settings: Path, python: Path) -> dict[str, Any]:
    """Return a stand-in whose programs are ours, whatever the workflow's environment says."""
    action: dict[str, Any] = yaml_source.load_yaml(known.read_text("utf-8")).data
    for step in action["runs"]["steps"]:
        step["run"] = step["run"].replace('"$DEVLAB_PYTHON"', shlex.quote(str(python)))
        step["env"] = {**step.get("env", {}), "DEVLAB_SETTINGS": str(settings)}
    return action


def _failing_action(reference: str, settings: Path, python: Path) -> dict[str, Any]:
    run = f'exec {shlex.quote(str(python))} -I -m {_PROGRAMS}.lacking "$WHAT"'
    environment = {"WHAT": f"the action {reference}", "DEVLAB_SETTINGS": str(settings)}
    step = {"shell": "bash", "env": environment, "run": run}
    return {"name": "none", "runs": {"using": "composite", "steps": [step]}}
