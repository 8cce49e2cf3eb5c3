"""Run the learner's image to its end for a test, with files of the lab's or the test's."""

from __future__ import annotations

import dataclasses
import os
import posixpath
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.docker.images import build_work_image
from scaffolder.checks.docker.jobs import find_mounted_folder, mount_folders, start_work_job
from scaffolder.checks.expectations.listings import COUNT_LIMIT, READ_LIMIT
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.serving import OUTPUT_LIMIT, find_tester_folder
from scaffolder.tools.engine import ContainerJob
from scaffolder.tools.processes import Completed


def run_image_job(
    context: Context, dockerfile: str, job: ContainerJob, mounts: Mapping[str, str], seconds: float
) -> Completed:
    """Run a job of the learner's image and return what it came to; `mounts` are sources by places.

    A file is mounted with its folder, in which nothing else is then. Raises ValueError for a place
    where nothing can be mounted and for a source that is not the test's to give, and
    CheckFailedError where the image cannot be started, or the work made something of a source that
    cannot be handed over.
    """
    image = build_work_image(context, dockerfile).image.id
    folders = _copy_sources(context, mounts)
    with mount_folders(context, image, folders) as volumes:
        job = dataclasses.replace(job, mounts=volumes)
        with start_work_job(context, dockerfile, job, output_limit=OUTPUT_LIMIT) as running:
            done = running.finish(seconds, context.run.cancel)
    return dataclasses.replace(done, argv=("docker", "run", "IMAGE", *job.arguments))


def _copy_sources(context: Context, mounts: Mapping[str, str]) -> Mapping[str, Path]:
    """Copy what is mounted, by the folders in a container, for any user of it to read."""
    copies = Path(tempfile.mkdtemp(prefix="mounts-", dir=find_tester_folder(context)))
    folders: dict[str, Path] = {}
    for target, source in mounts.items():
        real = _find_source(context, source)
        place = find_mounted_folder(target, whole=real.is_dir())
        folder = folders.setdefault(place, copies / str(len(folders)))
        _copy_source(real, folder, "" if real.is_dir() else posixpath.basename(target))
    return folders


def _find_source(context: Context, source: str) -> Path:
    homes = (context.run.lab_root.resolve(), find_tester_folder(context))
    real = Path(source).resolve()
    if any(real.is_relative_to(home) for home in homes):
        return real
    if any(Path(os.path.normpath(source)).is_relative_to(home) for home in homes):
        raise CheckFailedError(f"{Path(source).name} leads outside, and devlab does not follow")
    raise ValueError(f"{source} is no file of the lab's or the test's, and cannot be mounted")


def _copy_source(real: Path, folder: Path, name: str) -> None:
    """Copy a folder, or a file under a name into one; raises CheckFailedError where that fails."""
    try:
        sizes = [path.lstat().st_size for path in (real, *real.rglob("*"))]
        if len(sizes) > COUNT_LIMIT or sum(sizes) > READ_LIMIT:
            raise CheckFailedError(f"{real.name} holds too much to be mounted")
        if name:
            folder.mkdir(exist_ok=True)
            shutil.copyfile(real, folder / name)
        else:
            shutil.copytree(real, folder, symlinks=True, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise CheckFailedError(f"{real.name} cannot be read, to be mounted") from error
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
