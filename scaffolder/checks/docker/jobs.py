"""Run the learner's image to its end, for tests that ask for it."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.docker.building import require_engine
from scaffolder.checks.docker.containers import ContainerKind, explain_refused_start
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.serving import find_tester_folder
from scaffolder.core.errors import UnavailableError
from scaffolder.tools import engine
from scaffolder.tools.engine import ImageJob, ReadOnlyMount, StartFailedError
from scaffolder.tools.processes import Completed

_UNSEEN = "bind source path does not exist"


def run_image_job(context: Context, kind: ContainerKind, image: str, job: ImageJob) -> Completed:
    """Run the image, and return what it came to.

    Raises CheckFailedError where the image cannot be started so, UnavailableError where no image
    can, or where the engine does not see the files of this machine.
    """
    run = context.run
    try:
        return engine.run_job(require_engine(run), image, job, run_id=run.id, cancel=run.cancel)
    except StartFailedError as error:
        # The sources are our own, and the image has no say in whether the engine sees them.
        if _UNSEEN in str(error) and any(str(one.source) in str(error) for one in job.mounts):
            raise UnavailableError(
                f"the Docker Engine does not see this machine's files: {error}",
                hint="set TMPDIR to a folder that the engine sees, or use one on this machine",
            ) from error
        ran = shlex.join(("docker", "run", "IMAGE", *job.arguments))
        raise explain_refused_start(context, kind, error, ran=ran) from error


def prepare_mount(context: Context, shared: Path, target: str, source: str) -> ReadOnlyMount:
    """Copy a file or folder of the tests' for containers to read, whatever user they have.

    `shared` is where such copies are kept. The source lies in the lab's folder or in that of the
    tests: ValueError where it does not. Raises CheckFailedError where what the work made of it
    leads elsewhere, or cannot be read.
    """
    homes = (context.run.lab_root.resolve(), find_tester_folder(context))
    real = Path(source).resolve()
    if not any(real.is_relative_to(home) for home in homes):
        if any(Path(os.path.normpath(source)).is_relative_to(home) for home in homes):
            raise CheckFailedError(f"{Path(source).name} leads outside, and devlab does not follow")
        raise ValueError(f"{source} is no file of the lab's or the test's, and cannot be mounted")
    shared.mkdir(exist_ok=True)
    copy = shared / str(len(list(shared.iterdir())))
    try:
        if real.is_dir():
            shutil.copytree(real, copy, symlinks=True)
        else:
            shutil.copyfile(real, copy)
    except (OSError, shutil.Error) as error:
        raise CheckFailedError(f"{real.name} cannot be read, to be mounted at {target}") from error
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return ReadOnlyMount(copy, target)
