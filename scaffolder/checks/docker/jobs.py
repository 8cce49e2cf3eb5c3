"""Run the learner's image as a job: with arguments, input and mounts, to its end."""

from __future__ import annotations

import contextlib
import io
import posixpath
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from scaffolder.checks.context import Context
from scaffolder.checks.docker.building import build_reference_image, require_engine
from scaffolder.checks.docker.containers import explain_start_failure, explain_windows_lines
from scaffolder.checks.docker.images import build_work_image
from scaffolder.checks.docker.scripts import find_windows_script
from scaffolder.checks.expectations.given import GivenFile, find_fixture, put_files
from scaffolder.checks.expectations.patterns import is_in_line, refuse_bad_pattern
from scaffolder.checks.expectations.texts import Words
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import DevlabError, UnavailableError
from scaffolder.model import Evidence, Finding
from scaffolder.tools import engine
from scaffolder.tools.engine import ContainerJob, RunningJob, StartFailedError
from scaffolder.tools.processes import DEFAULT_OUTPUT_LIMIT

# What an image cannot do without, as a whole; and in what of it nothing can be mounted at all.
_SYSTEM = frozenset(
    (
        "bin",
        "boot",
        "dev",
        "etc",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "usr",
        "var",
    )
)
_CLOSED = frozenset(("bin", "dev", "lib", "lib64", "proc", "sbin", "sys"))
_EVERYBODY = 0o777


class WatchedJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that is looked at while it runs.

    `arguments` stand in the place of the image's CMD; `stdin` is what it reads first, and stays
    open, so that a job which reads waits; `env` and `mounts` are as in container.runs. It is looked
    at when a line of its output matches `at`, a regular expression; else when it has printed
    something.
    """

    arguments: tuple[str, ...] = ()
    stdin: str | UnsetType = UNSET
    env: Mapping[str, str] = {}
    mounts: tuple[GivenFile, ...] = ()
    at: Words | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what is no pattern, and mounts where nothing can be mounted."""
        if isinstance(self.at, str):
            refuse_bad_pattern(self.at)
        refuse_bad_mounts(self.mounts)

    def make_job(self) -> ContainerJob:
        """Return it for the engine, without its mounts."""
        stdin = self.stdin.encode() if isinstance(self.stdin, str) else None
        return ContainerJob(arguments=self.arguments, stdin=stdin, holds_stdin=True, env=self.env)


def refuse_bad_mounts(mounts: Iterable[GivenFile]) -> None:
    """Raise ValueError for what cannot be mounted where it is to be."""
    for one in mounts:
        find_mounted_folder(one.path, whole=one.folder or one.file is not UNSET)


def find_mounted_folder(path: str, *, whole: bool) -> str:
    """Return the folder that is mounted for a path in a container: itself, if `whole`, or its own.

    Raises ValueError where nothing can be mounted.
    """
    if not path.startswith("/") or posixpath.normpath(path) != (path.rstrip("/") or "/"):
        raise ValueError(f"{path!r} is no place in a container: it begins with a slash")
    place = path.rstrip("/") if whole else posixpath.dirname(path)
    parts = place.strip("/").split("/")
    if parts == [""]:
        raise ValueError(f"{path!r}: put it into a folder, which is what is mounted")
    if parts[0] in _CLOSED or (len(parts) == 1 and parts[0] in _SYSTEM):
        raise ValueError(f"{path!r}: nothing can be mounted over an image's own {place}")
    return place


@contextlib.contextmanager
def mount_files(
    context: Context, image: str, mounts: Iterable[GivenFile], writes: Iterable[str] = ()
) -> Iterator[Mapping[str, str]]:
    """Make volumes with given files, and empty ones that anybody may write to; by their places.

    Raises DevlabError, an author's error, where one place lies in another.
    """
    folder = context.run.folder("mounts")
    places: dict[str, Path | None] = dict.fromkeys(writes)
    for number, (place, files) in enumerate(_by_place(context, mounts).items()):
        places[place] = made = folder / str(number)
        made.mkdir()
        put_files(files, context.run.lab_root, made)
    with mount_folders(context, image, places) as volumes:
        yield volumes


@contextlib.contextmanager
def mount_folders(
    context: Context, image: str, folders: Mapping[str, Path | None]
) -> Iterator[Mapping[str, str]]:
    """Make volumes that hold what folders do, by their places; None is an empty one to write to.

    Raises DevlabError, an author's error, where one place lies in another.
    """
    for place in folders:
        if any(other != place and f"{place}/".startswith(f"{other}/") for other in folders):
            raise DevlabError(f"{place} lies in another folder that is mounted")
    connected = require_engine(context.run)
    with contextlib.ExitStack() as stack:
        yield {
            place: stack.enter_context(
                engine.make_volume(connected, image, _pack(folder), run_id=context.run.id)
            )
            for place, folder in folders.items()
        }


def _by_place(context: Context, mounts: Iterable[GivenFile]) -> Mapping[str, list[GivenFile]]:
    """Return the given files by the folder that is mounted, with paths in that folder."""
    found: dict[str, list[GivenFile]] = {}
    for one in mounts:
        path = one.path.rstrip("/")
        whole = one.folder or (
            isinstance(one.file, str) and find_fixture(context.run.lab_root, one.file).is_dir()
        )
        place, name = (path, ".") if whole else posixpath.split(path)
        if place == "/":
            raise DevlabError(f"{path}: put it into a folder, which is what is mounted")
        found.setdefault(place, []).append(msgspec.structs.replace(one, path=name))
    return found


def _pack(folder: Path | None) -> bytes:
    """Return a folder as an archive that becomes a volume: root's, and readable for all."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        if folder is None:
            top = tarfile.TarInfo(engine.VOLUME)
            top.type, top.mode = tarfile.DIRTYPE, _EVERYBODY
            archive.addfile(top)
        else:
            archive.add(folder, engine.VOLUME, filter=_belong_to_root)
    return packed.getvalue()


def _belong_to_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    if info.isdir() or info.mode & stat.S_IXUSR:
        info.mode |= 0o755
    return info


@contextlib.contextmanager
def start_work_job(
    context: Context,
    dockerfile: str,
    job: ContainerJob,
    *,
    image: str = "",
    output_limit: int = DEFAULT_OUTPUT_LIMIT,
) -> Iterator[RunningJob]:
    """Run a job of the learner's image for as long as the block lasts.

    `image` is the id of another one, built the same way; `output_limit` is in bytes, over both
    streams. Raises CheckFailedError where the image
    cannot be started so, UnavailableError where the machine is to blame.
    """
    run = context.run
    used = image or build_work_image(context, dockerfile).image.id
    try:
        with engine.start_job(
            *(require_engine(run), used, job),
            run_id=run.id,
            cancel=run.cancel,
            output_limit=output_limit,
        ) as running:
            yield running
    except StartFailedError as error:
        if image:
            raise error.suspected from error
        raise _blame_start(context, dockerfile, job, error) from error


def _blame_start(
    context: Context, dockerfile: str, job: ContainerJob, error: StartFailedError
) -> CheckFailedError | UnavailableError:
    """Return what to raise where the engine does not start a job of the learner's image.

    Where it says so in words that it does not have for images, the lab's own answer decides.
    """
    if not error.expected:

        def attempt() -> None:
            reference = build_reference_image(context, dockerfile)
            # Volumes are of the work's run; whether they can be mounted is no question of images.
            with start_work_job(context, dockerfile, replace(job, mounts={}), image=reference):
                pass

        if trouble := context.run.control(("start job", dockerfile), attempt):
            return UnavailableError(trouble.message, trouble.hint)
    why, hint = explain_start_failure(str(error))
    if script := find_windows_script(context, dockerfile):
        why, hint = explain_windows_lines(script)
    message = "the container cannot be started"
    return CheckFailedError(
        f"{message}: {why}" if why else message,
        Finding(why or message, rule="cannot-start"),
        evidence=Evidence(
            ran=" ".join(["docker run IMAGE", *job.arguments]),
            expected="a running process",
            actual=str(error),
        ),
        hint=hint,
        lasting=False,
    )


@contextlib.contextmanager
def watch_job(
    context: Context, dockerfile: str, watched: WatchedJob, seconds: float, *, image: str = ""
) -> Iterator[RunningJob]:
    """Run a job, and let the block look at it when it has printed what it is looked at for.

    Raises CheckFailedError where it ends before, or does not get there within the seconds.
    """
    used = image or build_work_image(context, dockerfile).image.id
    pattern = watched.at
    with mount_files(context, used, watched.mounts) as volumes:
        job = replace(watched.make_job(), mounts=volumes)
        with start_work_job(context, dockerfile, job, image=image) as running:
            context.say("waiting for the job to work")
            if not running.wait_for(
                lambda line: isinstance(pattern, UnsetType) or is_in_line(pattern, line),
                seconds,
                context.run.cancel,
            ):
                raise report_silent_job(running, watched, seconds)
            yield running


def report_silent_job(running: RunningJob, watched: WatchedJob, seconds: float) -> CheckFailedError:
    """Return the failure of a job at which nobody could look while it worked."""
    state = running.container.state()
    wanted = f"a line that matches {watched.at}" if watched.at else "a line of output"
    what = f"did not print {wanted} within {seconds:.0f} seconds"
    if not state.running:
        what = f"ended with exit code {state.exit_code} before it printed {wanted}"
    return CheckFailedError(
        f"the job {what}, so nobody could look at it while it worked",
        Finding(what, rule="silent-job"),
        evidence=Evidence(
            ran=" ".join(["docker run IMAGE", *watched.arguments]),
            expected=f"{wanted}, and a job that still works then",
            actual=what,
            log=running.show_last_lines(),
        ),
        hint="does it print at once what it prints? what a program writes into a pipe may wait in a"
        " buffer until its end",
        lasting=False,
    )
