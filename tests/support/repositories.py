"""A lab that ships a repository, learners who work in it, and checks of what they did."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scaffolder import workspace
from scaffolder.checks.context import Context
from scaffolder.grading.judge import judge
from scaffolder.grading.preparation import prepare_run
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs.generate import build_original_history, create_workspace
from scaffolder.model import CheckSpec, Lab, Task, Verdict
from scaffolder.sandbox import OwnWork
from scaffolder.tools.processes import CancelToken
from tests.support.labs import HEAD, Catalog, task

EXAMPLES = Path(__file__).parent.parent / "examples" / "git"
VARY = """\
vary:
  variables:
    token: {default: nobodys0token, token: 12}
"""
# Whoever works in the repository is somebody, and has no settings that a test could trip over.
LEARNER = {
    "GIT_AUTHOR_NAME": "Lee Learner",
    "GIT_AUTHOR_EMAIL": "lee@example.org",
    "GIT_COMMITTER_NAME": "Lee Learner",
    "GIT_COMMITTER_EMAIL": "lee@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    "FILTER_BRANCH_SQUELCH_WARNING": "1",
}


def write_lab(catalog: Catalog, tasks: str = "") -> Path:
    """Write the examples' lab into a catalog, and return its folder."""
    folder = catalog.lab(tasks or task("first"), head=HEAD + VARY)
    shutil.copytree(EXAMPLES / "lab", folder, dirs_exist_ok=True)
    return folder


def begin(place: Path, learner: str = "") -> Path:
    """Make the workspace of a learner in the new folder `place`."""
    create_workspace(real_catalog.load_lab("tested", graded=False, learner=learner), {}, place)
    return place


def do(place: Path, script: str, **variables: str) -> str:
    """Run a learner's shell commands in a workspace; return what they print."""
    labels = {f"commit_{name.replace('-', '_')}": one for name, one in label_commits(place).items()}
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=place,
        env={**os.environ, **LEARNER, **labels, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def label_commits(place: Path) -> dict[str, str]:
    """Return the names of the commits that have an id, for the learner of a workspace."""
    found = workspace.find_workspace(place)
    lab = real_catalog.load_for_workspace(found.manifest, graded=False)
    target = place.parent / f"{place.name}-labels"
    try:
        return dict(build_original_history(lab, found.manifest.context, target).labels)
    finally:
        shutil.rmtree(target)


def judge_work(place: Path, specs: Sequence[CheckSpec], scratch: Path) -> list[Verdict]:
    """Return what checks say of a workspace, as one run of devlab has it."""
    found = workspace.find_workspace(place)
    lab: Lab = real_catalog.load_for_workspace(found.manifest)
    scratch.mkdir()
    one = Task("tried", "Tried", 1, tuple(specs))
    run = prepare_run(lab, found, [one], scratch, CancelToken(), OwnWork)
    try:
        return [judge(spec, Context(run, spec.id, spec.timeout)) for spec in specs]
    finally:
        run.shared.close()
