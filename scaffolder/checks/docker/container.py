"""Check kinds that run the image as a service: `container.*`."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType, field

from scaffolder.checks.context import Context
from scaffolder.checks.docker.container_runs import ContainerCase, run_container_case
from scaffolder.checks.docker.containers import (
    ContainerKind,
    exchange,
    find_patient_limit,
    find_shared_service,
    report_end,
    run_service,
    wait_until_answers,
)
from scaffolder.checks.docker.jobs import WatchedJob, report_silent_job, watch_job
from scaffolder.checks.expectations.files import list_fixture_files
from scaffolder.checks.http import Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.engine import Hardening, Process


class Serves(ContainerKind, frozen=True, kw_only=True):
    """The service answers from outside its container, on the port that its environment names.

    Starts a container with an unusual port in the environment, publishes that port, and sends the
    requests in order.

    Parameters:
        requests: what to ask (`path`, `method`, `body`: sent as JSON) and what to expect (`status`,
            `contains`: what the JSON of the answer must hold; of an object the keys named, of a
            list one element that fits). `{token}` stands for a word and `{number}` for a number
            that nobody can know beforehand, the same ones in all requests of the check. `keep`
            gives names to what the answer's object has under some keys, for requests that follow:
            with `keep: {item: id}` they can say `{item}`.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: every request is answered as expected.

    Fails: nothing answers on that port, the container ends, an answer is another one.

    Example:
        - id: answers-on-the-given-port
          kind: container.serves
          requests:
            - {path: /healthz, contains: {status: ok}}
            - method: POST
              path: /api/items
              body: {name: "{token}", quantity: "{number}"}
              status: 201
              keep: {item: id}
            - {path: "/api/items/{item}", contains: {name: "{token}"}}
    """

    requests: tuple[Request, ...] = (Request(),)

    def run(self, context: Context) -> Verdict:
        """Start the container, or join whoever did, and ask."""
        service = find_shared_service(context, self)
        context.say("waiting for the service to answer")
        wait_until_answers(context, self, service)
        exchange(self, service, self.requests)
        asked = ", ".join(str(request) for request in self.requests)
        return passed(f"answers on port {service.port} from outside: {asked}")


class User(ContainerKind, frozen=True, kw_only=True):
    """No process of the container runs as root.

    Looks at the processes that run once the service answers, as the engine's machine sees them,
    not at what the Dockerfile says: a USER that the entry point changes back does not help, an
    entry point that drops its rights does. A process that can go back to root (its real or saved
    user id is 0) counts as root. An image that is no service is looked at while a job of it runs.

    Parameters:
        while: a job, instead of a service: `arguments` in the place of the image's CMD, `stdin`,
            which stays open, `env`, `mounts` as in container.runs, and `at`, a regular expression
            of the line of output at which it is looked at; its first line unless given.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: there are processes, and no user id of any is 0.

    Fails: one is 0, or nothing runs.

    Example:
        - id: process-is-not-root
          kind: container.user
    """

    job: WatchedJob | UnsetType = field(default=UNSET, name="while")

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """What the job is handed of the lab's fixtures/."""
        return tuple(list_fixture_files(self.job))

    def run(self, context: Context) -> Verdict:
        """List the processes of the running service, or job."""
        if isinstance(self.job, WatchedJob):
            seconds = find_patient_limit(context, self.start_within)
            with watch_job(context, self.dockerfile, self.job, seconds) as running:
                processes = running.container.processes()
                if not processes:
                    raise report_silent_job(running, self.job, seconds)
            return self._judge(processes)
        service = find_shared_service(context, self)
        wait_until_answers(context, self, service)
        processes = service.container.processes()
        if not processes:
            raise report_end(context, self, service, "running processes")
        return self._judge(processes)

    def _judge(self, processes: Sequence[Process]) -> Verdict:
        roots = [process for process in processes if 0 in process.uids]
        if roots:
            return failed(
                f"{len(roots)} of {len(processes)} processes run as root",
                *(Finding(f"uid 0: {process.command}") for process in roots[:5]),
                evidence=Evidence(
                    ran="docker top CONTAINER -eo pid,euid,ruid,suid,args",
                    expected="no process with user id 0",
                    actual=f"user ids {_uids(processes)}",
                ),
                hint="add a user in the Dockerfile and switch to it with USER before CMD",
            )
        return passed(f"all {len(processes)} processes run as uid {_uids(processes)}")


def _uids(processes: Sequence[Process]) -> str:
    found = sorted({uid for process in processes for uid in process.uids})
    return ", ".join(str(uid) for uid in found)


class Hardened(ContainerKind, frozen=True, kw_only=True):
    """The service runs without any right that it does not need.

    Starts a container with a read-only root file system, all capabilities dropped and no new
    privileges, and sends the requests. The folders in `tmpfs` are writable memory, as an operator
    would mount them.

    An image that is no service runs a job.

    Parameters:
        requests: what to ask and what to expect, as in container.serves.
        while: a job, instead of a service: `arguments`, `stdin`, `env`, `mounts`, `within`, and
            what is expected of it, `exit`, `stdout`, `stderr`, as in container.runs.
        tmpfs: folders that may be written to; /dev/shm always may.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: every request is answered as expected.

    Fails: the container ends, or does not answer as expected.

    Example:
        - id: runs-hardened
          kind: container.hardened
          requests: [{path: /healthz}]
    """

    requests: tuple[Request, ...] = (Request(),)
    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108
    job: ContainerCase | UnsetType = field(default=UNSET, name="while")

    def __post_init__(self) -> None:
        """Refuse what a job cannot have, and that has a service."""
        if isinstance(self.job, ContainerCase):
            self.job.refuse_contradictions()
            if self.job.files:
                raise ValueError("a hardened job has no folder of `writes` to look into")

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """What the job is handed, or compared with, of the lab's fixtures/."""
        return tuple(list_fixture_files(self.job))

    def run(self, context: Context) -> Verdict:
        """Start the container with few rights, and ask, or wait for its end."""
        if isinstance(self.job, ContainerCase):
            hardening = Hardening(self.tmpfs)
            try:
                run_container_case(context, self.dockerfile, self.job, hardening=hardening)
            except CheckFailedError as error:
                raise _because_hardened(error) from error
            return passed("runs with a read-only root, no capabilities and no new privileges")
        with run_service(context, self, hardening=Hardening(self.tmpfs)) as service:
            context.say("waiting for the hardened service to answer")
            try:
                wait_until_answers(context, self, service)
                exchange(self, service, self.requests)
            except CheckFailedError as error:
                raise _because_hardened(error) from error
        return passed("serves with a read-only root, no capabilities and no new privileges")


def _because_hardened(error: CheckFailedError) -> CheckFailedError:
    verdict = error.verdict
    return CheckFailedError(
        f"with a read-only root and without capabilities: {verdict.message}",
        *verdict.findings,
        evidence=verdict.evidence,
        hint="docker run --read-only --cap-drop ALL --security-opt no-new-privileges shows it:"
        " write nowhere but /tmp, and start as the user that you run as",
        lasting=verdict.lasting,
    )
