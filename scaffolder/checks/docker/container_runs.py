"""The check kind that runs the image to its end: `container.runs`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.context import Context
from scaffolder.checks.docker.images import ImageKind, build_work_image
from scaffolder.checks.docker.jobs import mount_files, refuse_bad_mounts, start_work_job
from scaffolder.checks.expectations.cases import (
    WITHIN,
    Exit,
    RunCase,
    Signal,
    list_cases,
    refuse_bad_cases,
    show_command,
)
from scaffolder.checks.expectations.draws import Draw, draw_values, fill_values
from scaffolder.checks.expectations.files import FileExpectation, list_fixture_files
from scaffolder.checks.expectations.given import GivenFile, read_fixture
from scaffolder.checks.expectations.judging import (
    fail_run,
    list_file_misses,
    list_misses,
    read_exit_code,
    require_end,
)
from scaffolder.checks.expectations.listings import READ_LIMIT, Item, Look, list_archive
from scaffolder.checks.expectations.texts import FixtureFile, OutputExpectation
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Evidence, Finding, Verdict, passed
from scaffolder.sandbox import Limits
from scaffolder.tools import engine
from scaffolder.tools.engine import Container, ContainerJob, ContainerLimits, Hardening
from scaffolder.tools.processes import Completed

_BOUNDS = ContainerLimits()
LIMITS = Limits(total_memory_mb=_BOUNDS.memory_mb, processes=_BOUNDS.pids)


class ContainerCase(RunCase, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of the image: what it says goes before what the check says for all."""

    mounts: tuple[GivenFile, ...] | UnsetType = UNSET
    user: str | UnsetType = UNSET

    @property
    def given_paths(self) -> tuple[str, ...]:
        """The paths of the files that are mounted, as the lab says them."""
        mounts = () if isinstance(self.mounts, UnsetType) else self.mounts
        return tuple(dict.fromkeys(one.path for one in mounts))

    def refuse_contradictions(self) -> None:
        """Raise ValueError where what is said cannot be meant."""
        RunCase.refuse_contradictions(self)
        refuse_bad_mounts(() if isinstance(self.mounts, UnsetType) else self.mounts)


class ContainerRuns(ImageKind, frozen=True, kw_only=True):
    """The image runs as a job should: exit code, output, files.

    Runs the image of the learner's Dockerfile, with 512 MB of memory, without a network unless
    asked, and waits for its end. What is given and what is expected can hold `${name}`, for a value
    of `draw`: an answer that is written down beforehand cannot be right then. Several `cases` are
    several containers; what a case does not say, the check says for all of them.

    Findings have these rules, for hints: `exit-code`, `stdout`, `stderr`, `file`, `cannot-start`,
    `never-ends`, `endless-output`, `endless-files`, `too-much-memory`, `no-signal` (it ended before
    its signal).

    Parameters:
        arguments: what stands behind the image in `docker run`: its CMD, or the arguments of its
            ENTRYPOINT.
        stdin: what it reads: a text, or {file: fixtures/...}; else it has none.
        env: environment variables.
        mounts: files that are mounted, read-only: `path` in the container, and what `given` of
            command.runs can have besides. Folders are mounted: that of a file, or the `path` of a
            folder of the lab's fixtures/.
        writes: folders that are mounted empty, and that anybody may write to.
        user: the user as whom it runs, a name or number; the image's own unless given.
        network: whether it has the engine's usual network; none unless given.
        signal: a signal that its first process gets while it runs: `send`, and the moment, `after`
            seconds or `at`, a regular expression that a line of its output matches.
        within: seconds that one run may take; 20 unless given.
        exit: the exit code: a number, a list of several, or {not: 0}; 0 unless given.
        stdout, stderr: what it prints, as in command.runs.
        then: what files in the folders of `writes` are afterwards, as in command.runs; `path` is
            the path in the container.
        draw: values that are drawn for each run of the check, as in command.runs.
        cases: several runs; each has a `name`, and any of `arguments`, `stdin`, `env`, `mounts`,
            `user`, `signal`, `within`, `exit`, `stdout`, `stderr`, `then`.
        dockerfile: the file to build from.

    Passes: each run ends by itself, and all that is expected holds.

    Fails: it does not; the finding says where the texts differ. An image that cannot be built or
    started fails, too.

    Example:
        - id: sums-orders
          kind: container.runs
          draw: {amount: {number: [1, 900]}, total: {sum: [amount, 100]}}
          mounts:
            - {path: /data/orders.csv, content: "id,amount\\n1,100\\n2,${amount}\\n"}
          cases:
            - name: a file of orders
              arguments: [/data/orders.csv]
              stdout: {json: {has: {total: "${total}"}}}
            - name: a file that is not there
              arguments: [/data/nothing.csv]
              exit: 2
              stderr: {contains: nothing.csv}
    """

    arguments: tuple[str, ...] = ()
    stdin: str | FixtureFile = ""
    env: Mapping[str, str] = {}
    mounts: tuple[GivenFile, ...] = ()
    writes: tuple[Annotated[str, Meta(pattern=r"^(/[^/]+)+$")], ...] = ()
    user: str = ""
    network: bool = False
    signal: Signal | UnsetType = UNSET
    within: Annotated[float, Meta(gt=0, le=3600)] = WITHIN
    exit: Exit | UnsetType = UNSET
    stdout: OutputExpectation | UnsetType = UNSET
    stderr: OutputExpectation | UnsetType = UNSET
    then: tuple[FileExpectation, ...] = ()
    draw: Mapping[str, Draw] = {}
    cases: tuple[ContainerCase, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and values that are named and not drawn."""
        refuse_bad_cases(ContainerCase, self, self.draw)
        for case in list_cases(ContainerCase, self):
            for one in case.files:
                if not any(f"{one.path}/".startswith(f"{place}/") for place in self.writes):
                    raise ValueError(f"`then` looks into `writes`, and {one.path} is in none of it")
                if one.unchanged:
                    raise ValueError("what is in `writes` is empty before: nothing is unchanged")

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """What it hands to the container, or compares with, of the lab's fixtures/."""
        return tuple(dict.fromkeys(list_fixture_files(list_cases(ContainerCase, self))))

    def run(self, context: Context) -> Verdict:
        """Run the image, once for each case."""
        values = draw_values(context.run, self.draw, context.check_id)
        told = [
            run_container_case(
                context,
                self.dockerfile,
                fill_values(case, values),
                writes=self.writes,
                network=self.network,
            )
            for case in list_cases(ContainerCase, self)
        ]
        return passed("; ".join(dict.fromkeys(told)))


def run_container_case(
    context: Context,
    dockerfile: str,
    case: ContainerCase,
    *,
    writes: tuple[str, ...] = (),
    network: bool = False,
    hardening: Hardening | None = None,
) -> str:
    """Run the learner's image as a case says and return in words what was seen.

    Raises CheckFailedError where something is not as expected.
    """
    image = build_work_image(context, dockerfile).image.id
    read = functools.partial(read_fixture, context.run.lab_root)
    arguments = () if isinstance(case.arguments, UnsetType) else case.arguments
    ran = show_command(("docker", "run", "--rm", "IMAGE", *arguments), case)
    mounts = () if isinstance(case.mounts, UnsetType) else case.mounts
    context.say(ran)
    with mount_files(context, image, mounts, writes) as volumes:
        job = ContainerJob(
            arguments=arguments,
            stdin=_read_stdin(case, read),
            env={} if isinstance(case.env, UnsetType) else case.env,
            user="" if isinstance(case.user, UnsetType) else case.user,
            network=network,
            mounts=volumes,
            writable=frozenset(writes),
            hardening=hardening,
        )
        signal = case.signal
        with start_work_job(context, dockerfile, job) as running:
            plan = None if isinstance(signal, UnsetType) else signal.make_interruption()
            done = running.finish(case.seconds, context.run.cancel, plan)
            done = dataclasses.replace(done, argv=arguments)
            require_end(case, ran, done, LIMITS)
            after = _look(running.container, ran, writes if case.files else ())
    misses = [*list_misses(case, done, read), *list_file_misses(case, Look({}, {}), after, read)]
    if misses:
        raise fail_run(case, ran, done, misses)
    return _tell(case, done)


def _look(container: Container, ran: str, places: tuple[str, ...]) -> Look:
    """Return what lies in the folders that the container could write to."""
    found: dict[str, Item] = {}
    for place in places:
        try:
            packed = engine.read_folder(container, place, READ_LIMIT)
            if packed is None:
                raise UnusableFileError(f"holds more than {READ_LIMIT // 2**20} MB", place)
            for name, item in list_archive(packed, place).items():
                inside = name.partition("/")[2]
                found[f"{place}/{inside}" if inside else place] = item
        except UnusableFileError as error:
            words = f"{error.path} {error.message}"
            raise CheckFailedError(
                f"what the container writes has no bounds: {words}",
                Finding(words, rule="endless-files"),
                evidence=Evidence(ran=ran, expected="files that end", actual=words),
            ) from error
    return Look(found, {})


def _read_stdin(case: ContainerCase, read: functools.partial[bytes]) -> bytes | None:
    if isinstance(case.stdin, FixtureFile):
        return read(case.stdin.file)
    return case.stdin.encode() if isinstance(case.stdin, str) and case.stdin else None


def _tell(case: ContainerCase, done: Completed) -> str:
    label = f"{case.name}: " if case.name else ""
    return f"{label}the container ended with exit code {read_exit_code(done)}"
