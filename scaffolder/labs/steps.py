"""What an answer to a lab with a history does besides its files: shell commands, run for real.

A file `.steps.yaml` in `solution/` or an alternative names them. They run in the sandbox, in the
folder of the answer, one after the other, once its files are laid there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs.history import has_history, read_history
from scaffolder.labs.lab_file import LabSource
from scaffolder.labs.schema import HISTORY
from scaffolder.model import Lab
from scaffolder.model.history import Steps
from scaffolder.sandbox import Command, OwnWork
from scaffolder.tools.git_building import CLOSED
from scaffolder.tools.processes import CancelToken

STEPS = ".steps.yaml"
# What comes after all of the solution's.
LAST = "finally"
_SECONDS = 120.0
_WHO = ("Devlab Learner", "learner@example.org")


def read_steps(lab: Lab, overlay: Path) -> Steps:
    """Return the commands of an answer by name, those of the solution where it has no others.

    Raises DevlabError, with file and line, for a step that the solution does not have.
    """
    solution = _read(lab, lab.root / "solution")
    if overlay == lab.root / "solution":
        return solution
    return replace_steps(lab, solution, _read(lab, overlay), overlay / STEPS)


def replace_steps(lab: Lab, steps: Steps, other: Steps, where: Path) -> Steps:
    """Return steps with others in the place of those of the same names."""
    for name in other:
        if name not in steps and name != LAST:
            known = [*steps, LAST]
            source = LabSource(where)
            if where.name == STEPS:
                raise source.unknown("step", name, known, name)
            raise DevlabError(f"{where}: unknown step {name!r}", hint=f"known: {', '.join(known)}")
    last = {LAST: other[LAST]} if LAST in other else {}
    return {name: other.get(name, text) for name, text in steps.items() if name != LAST} | (
        last or {name: text for name, text in steps.items() if name == LAST}
    )


def _read(lab: Lab, overlay: Path) -> Steps:
    path = overlay / STEPS
    if not path.is_file():
        return {}
    source = LabSource(path)
    if not has_history(lab):
        raise source.error(f"steps are for labs with a {HISTORY}, and this one has none")
    return source.convert(source.document.data or {}, dict[str, str])


def run_steps(
    lab: Lab, steps: Steps, labels: Mapping[str, str], values: Mapping[str, str], folder: Path
) -> None:
    """Run the commands of an answer in its folder; raises DevlabError for one that fails.

    The shell has each variable of the lab by its name, and each commit of the start's that has an
    id as `commit_ID`. Time stands still: what they commit has the same names each time.
    """
    if not any(text.strip() for text in steps.values()):
        return
    if not lab.trusted:
        raise DevlabError(
            f"{lab.root}: the steps of an answer are the pack's own commands, and do not run "
            "before the pack is trusted",
            hint=f"devlab pack trust {lab.id.partition('/')[0]}",
        )
    environment = _make_environment(lab, labels, values)
    with make_run_folder() as scratch:
        sandbox = OwnWork(scratch)
        for name, text in steps.items():
            done = sandbox.run(
                Command(
                    argv=("/bin/bash", "-eu", "-o", "pipefail", "-c", text),
                    cwd=folder,
                    timeout=_SECONDS,
                    env=environment,
                ),
                CancelToken(),
            )
            if not done.ok:
                raise DevlabError(
                    f"{lab.root}: the step {name!r} {done.ending.value} with {done.returncode}: "
                    f"{' / '.join(done.tail(6))}",
                    hint="its commands run as: bash -eu -o pipefail",
                )


def _make_environment(
    lab: Lab, labels: Mapping[str, str], values: Mapping[str, str]
) -> dict[str, str]:
    _, file = read_history(lab, values)
    later = max(int(one.date.timestamp()) for one in file.commits) + 3600
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", _WHO[0]), ("EMAIL", _WHO[1]), ("DATE", f"{later} +0000"))
    }
    names = {f"commit_{_as_name(label)}": name for label, name in labels.items()}
    quiet = {"GIT_EDITOR": "true", "FILTER_BRANCH_SQUELCH_WARNING": "1"}
    return {**{_as_name(name): one for name, one in values.items()}, **names, **CLOSED, **who, **quiet}


def _as_name(text: str) -> str:
    """Return what a shell takes for the name of a variable."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)
