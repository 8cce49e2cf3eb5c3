"""The check kind that stops a service in the middle of a request: `container.stops`."""

from __future__ import annotations

import concurrent.futures
import http.client
import random
import time
from dataclasses import dataclass

from scaffolder.checks.context import Context
from scaffolder.checks.docker.building import build_reference_image, require_engine
from scaffolder.checks.docker.containers import (
    ContainerKind,
    Service,
    run_reference_service,
    run_service,
    wait_until_answers,
)
from scaffolder.checks.docker.images import build_work_image
from scaffolder.checks.http import Answer, Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Verdict, passed
from scaffolder.tools import engine

_KILLED = 137
_JITTER = 0.4
# How often a late one is stopped again, and how often it must be late beside one in good time: an
# engine that is busy tells now and then seconds later that a container has ended.
_ROUNDS = 3
_LATE_ENOUGH = 2


class _TimingError(CheckFailedError):
    """The container did not end in time, or the request in flight was cut off."""


@dataclass(frozen=True)
class _Stop:
    """A container that ended: seconds from the signal, the signal, and the exit code.

    `spare` are the seconds that it would still have had.
    """

    took: float
    signal: str
    exit_code: int
    spare: float


class Stops(ContainerKind, frozen=True, kw_only=True):
    """Told to stop, the service finishes the request in flight and is gone soon after.

    Sends a request that takes a known number of seconds by itself, and, while it is in flight, the
    signal that `docker stop` sends: SIGTERM, or what the image names with STOPSIGNAL. The request
    must get its whole right answer, and the container must have ended at most `within` seconds
    after the moment at which that answer was due (start of the request plus what it takes).

    One that is late is stopped again, together with a container of the lab's own answer: where that
    one is in good time, with a third of `within` to spare, twice, the machine is not to blame.

    Parameters:
        request: a request that the service answers after `takes` seconds. `{seconds}` in it stands
            for that number, drawn anew for each request and up to 0.4 larger than `takes`.
        takes: seconds.
        within: seconds.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: the answer is whole and right, and the container ends in time by itself.

    Fails: the request is cut off, the container still runs, or it was killed (exit code 137). Where
    the lab's own answer is not in good time either, it is `unavailable`.

    Example:
        - id: stops-gracefully
          kind: container.stops
          request: {path: "/api/items/changes?wait={seconds}", contains: {changed: false}}
          takes: 2
    """

    request: Request
    takes: float = 2
    within: float = 3

    def run(self, context: Context) -> Verdict:
        """Stop the service in the middle of a request, again beside the lab's own where it is late.

        A busy machine can hold up the best of services, and one that cannot stop fails every time.
        """
        own = self._try(context)
        if isinstance(own, _TimingError):
            # Built before: what builds beside the two would make them late.
            build_reference_image(context, self.dockerfile)
        late = 0
        for _ in range(_ROUNDS):
            if isinstance(own, _Stop):
                return self._passed(own)
            own, control = self._try_both(context)
            if isinstance(own, _TimingError) and not self._in_good_time(control):
                # Late together: alone, nothing of the learner's can hold up the other.
                control = self._control(context)
                own = self._try(context) if self._in_good_time(control) else own
            late += self._in_good_time(control)
            if isinstance(own, _TimingError) and late == _LATE_ENOUGH:
                raise own
        if isinstance(own, _Stop):
            return self._passed(own)
        raise UnavailableError(
            f"{own.verdict.message}, and the lab's own answer was not in good time either: this"
            " machine is too busy to say whose doing that is",
            hint="check again when less runs beside it",
        )

    def _in_good_time(self, control: _Stop | _TimingError) -> bool:
        """Whether the machine has time to spare: who is late beside such a one is late by itself.

        One that is in time by a hair shows only how much chance is in it.
        """
        return isinstance(control, _Stop) and control.spare >= self.within / 3

    def _try_both(self, context: Context) -> tuple[_Stop | _TimingError, _Stop | _TimingError]:
        """Stop the learner's container and one of the lab's own answer at the same time."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            control = pool.submit(self._control, context)
            own = self._try(context)
            return own, control.result()

    def _try(self, context: Context) -> _Stop | _TimingError:
        try:
            return self._stop(context)
        except _TimingError as error:
            return error

    def _control(self, context: Context) -> _Stop | _TimingError:
        """Stop the lab's own answer in the same way; return how it went."""
        image = engine.inspect_image(
            require_engine(context.run), build_reference_image(context, self.dockerfile)
        )
        signal = (image.config.get("StopSignal") if image else None) or "SIGTERM"
        with run_reference_service(context, self) as service:
            try:
                return self._stop_service(context, service, signal)
            except _TimingError as error:
                return error
            except CheckFailedError as error:
                return _TimingError(error.verdict.message)

    def _stop(self, context: Context) -> _Stop:
        signal = (
            build_work_image(context, self.dockerfile).image.config.get("StopSignal") or "SIGTERM"
        )
        with run_service(context, self) as service:
            return self._stop_service(context, service, signal)

    def _stop_service(self, context: Context, service: Service, signal: str) -> _Stop:
        takes = round(self.takes + random.SystemRandom().uniform(0, _JITTER), 2)
        seconds = takes if "{seconds}" in self.request.path else self.takes
        request = self.request.filled({"seconds": seconds})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            wait_until_answers(context, self, service)
            context.say(f"sending {signal} while a request is in flight")
            began = time.monotonic()
            asked = pool.submit(service.ask, request, seconds + self.within + 2)
            context.run.cancel.wait(min(0.5, self.takes / 2))
            self._require_in_flight(service, asked)
            service.container.kill(signal)
            signalled = time.monotonic()
            limit = began + seconds + self.within
            state = service.container.wait_until(
                lambda state: not state.running,
                limit - time.monotonic(),
                context.run.cancel,
            )
            ended = time.monotonic()
            if state is None:
                raise self._still_running(service)
            self._require_answer(service, asked, request)
            if state.exit_code == _KILLED:
                raise self._failed(service, "the container was killed", "exit code 137")
        return _Stop(ended - signalled, signal, state.exit_code, limit - ended)

    def _passed(self, stop: _Stop) -> Verdict:
        return passed(
            f"finished the request in flight and ended {stop.took:.1f} s after {stop.signal}"
            f" with exit code {stop.exit_code}"
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

    def _require_answer(
        self, service: Service, asked: concurrent.futures.Future[Answer], request: Request
    ) -> None:
        try:
            trouble = asked.result().differs(request)
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
