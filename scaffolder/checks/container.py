"""Check kinds that run the image as a service: `container.*`."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import time
from collections.abc import Sequence

from scaffolder.checks._containers import (
    ContainerKind,
    Service,
    ended,
    exchange,
    patience,
    serving,
    shared_service,
    wait_until_answers,
)
from scaffolder.checks._http import Answer, Request
from scaffolder.checks._images import built
from scaffolder.checks.base import CheckFailedError, Context
from scaffolder.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.engine import Hardening, Process

_KILLED = 137


class Serves(ContainerKind, frozen=True, kw_only=True):
    """The service answers from outside its container, on the port that its environment names.

    Starts a container with an unusual port in the environment, publishes that port, and sends the
    requests in order.

    Parameters:
        requests: what to ask (`path`, `method`, `body`: sent as JSON) and what to expect (`status`,
            `contains`: what the JSON of the answer must hold; of an object the keys named, of a
            list one element that fits). `{token}` stands for a word that nobody can know
            beforehand, the same one in all requests of the check.
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
            - {method: POST, path: /api/items, body: {name: "{token}"}, status: 201}
            - {path: /api/items, contains: {items: [{name: "{token}"}]}}
    """

    requests: tuple[Request, ...] = (Request(),)

    def run(self, context: Context) -> Verdict:
        """Start the container, or join whoever did, and ask."""
        service = shared_service(context, self)
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
    user id is 0) counts as root.

    Parameters:
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: there are processes, and no user id of any is 0.

    Fails: one is 0, or nothing runs.

    Example:
        - id: process-is-not-root
          kind: container.user
    """

    def run(self, context: Context) -> Verdict:
        """List the processes of the running service."""
        service = shared_service(context, self)
        wait_until_answers(context, self, service)
        processes = service.container.processes()
        if not processes:
            raise ended(self, service, "running processes")
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


class _TimingError(CheckFailedError):
    """The container did not end in time, or the request in flight was cut off."""


class Stops(ContainerKind, frozen=True, kw_only=True):
    """Told to stop, the service finishes the request in flight and is gone soon after.

    Sends a request that takes a known number of seconds by itself, and, while it is in flight, the
    signal that `docker stop` sends: SIGTERM, or what the image names with STOPSIGNAL. The request
    must get its whole right answer, and the container must have ended at most `within` seconds
    after the moment at which that answer was due (start of the request plus `takes`).

    Parameters:
        request: a request that the service answers after `takes` seconds.
        takes: seconds.
        within: seconds.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: the answer is whole and right, and the container ends in time by itself.

    Fails: the request is cut off, the container still runs, or it was killed (exit code 137). What
    ended late, and only on a machine that is busy with other things, is `unavailable`.

    Example:
        - id: stops-gracefully
          kind: container.stops
          request: {path: "/api/items/changes?wait=2", contains: {changed: false}}
          takes: 2
    """

    request: Request
    takes: float = 2
    within: float = 3

    def run(self, context: Context) -> Verdict:
        """Stop the service in the middle of a request.

        One that is late, or cuts the request off, is tried again: a busy machine can hold up the
        best of services and the request itself, and one that cannot stop fails every time. What
        ended late while the machine was busy is nobody's fault that can be proven: no fail, and no
        pass either.
        """
        with contextlib.suppress(_TimingError):
            return self._stop(context, self.within)
        if patience() == 1:
            return self._stop(context, self.within)
        try:
            return self._stop(context, self.within * patience())
        except UnavailableError:
            with contextlib.suppress(_TimingError):
                return self._stop(context, self.within)
            raise

    def _stop(self, context: Context, within: float) -> Verdict:
        with (
            serving(context, self) as service,
            concurrent.futures.ThreadPoolExecutor(1) as pool,
        ):
            wait_until_answers(context, self, service)
            signal = built(context, self.dockerfile).image.config.get("StopSignal") or "SIGTERM"
            context.say(f"sending {signal} while a request is in flight")
            began = time.monotonic()
            asked = pool.submit(service.ask, self.request, self.takes + within + 2)
            context.run.cancel.wait(min(0.5, self.takes / 2))
            self._require_in_flight(service, asked)
            service.container.kill(signal)
            signalled = time.monotonic()
            state = service.container.wait_until(
                lambda state: not state.running,
                began + self.takes + within - time.monotonic(),
                context.run.cancel,
            )
            took = time.monotonic() - signalled
            late = time.monotonic() - began - self.takes
            if state is None:
                raise self._still_running(service)
            self._require_answer(service, asked)
            if state.exit_code == _KILLED:
                raise self._failed(service, "the container was killed", "exit code 137")
        if late > self.within < within:
            raise UnavailableError(
                f"the container ended {late:.1f} s after the last request was due, and this machine"
                " is too busy to say whether that is the container's doing",
                hint="check again when less runs beside it",
            )
        return passed(
            f"finished the request in flight and ended {took:.1f} s after {signal}"
            f" with exit code {state.exit_code}"
        )

    def _require_in_flight(
        self, service: Service, asked: concurrent.futures.Future[Answer]
    ) -> None:
        if not asked.done():
            return
        try:
            said = f"status {asked.result().status}: {asked.result().shown}"
        except (OSError, http.client.HTTPException) as error:
            said = f"{type(error).__name__}: {error}"
        raise CheckFailedError(
            f"{self.request} ended at once, though it takes {self.takes:g} seconds",
            evidence=Evidence(
                ran=str(self.request),
                expected="a slow answer",
                actual=said,
                log=service.container.logs(8),
            ),
            lasting=False,
        )

    def _still_running(self, service: Service) -> CheckFailedError:
        first = next((process.command for process in service.container.processes()), "nothing")
        service.container.kill("SIGKILL")
        return self._failed(
            service,
            f"the container still runs {self.within:.3g} s after the last request was due",
            f"still running; its first process is: {first}",
            hint="does the first process get the signal? a shell in front of the server does not"
            " hand it on: use the exec form of CMD, or exec in the entry point",
            error=_TimingError,
            # Given every chance before; the learner should not wait for it again.
            lasting=True,
        )

    def _require_answer(self, service: Service, asked: concurrent.futures.Future[Answer]) -> None:
        try:
            trouble = asked.result().differs(self.request)
        except (OSError, http.client.HTTPException) as error:
            trouble = f"no answer: {type(error).__name__}: {error}"
        if trouble:
            raise self._failed(
                service,
                "the request in flight was cut off",
                trouble,
                hint="does the server itself get SIGTERM, and time to finish its requests?",
                error=_TimingError,
            )

    def _failed(
        self,
        service: Service,
        message: str,
        actual: str,
        hint: str = "",
        error: type[CheckFailedError] = CheckFailedError,
        *,
        lasting: bool = False,
    ) -> CheckFailedError:
        return error(
            message,
            evidence=Evidence(
                ran=f"docker stop, {min(0.5, self.takes / 2):g} s after {self.request}",
                expected="its whole answer, then the end of the container",
                actual=actual,
                log=service.container.logs(8),
            ),
            hint=hint,
            lasting=lasting,
        )


class Hardened(ContainerKind, frozen=True, kw_only=True):
    """The service runs without any right that it does not need.

    Starts a container with a read-only root file system, all capabilities dropped and no new
    privileges, and sends the requests. The folders in `tmpfs` are writable memory, as an operator
    would mount them.

    Parameters:
        requests: what to ask and what to expect, as in container.serves.
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

    def run(self, context: Context) -> Verdict:
        """Start the container with few rights, and ask."""
        with serving(context, self, hardening=Hardening(self.tmpfs)) as service:
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
