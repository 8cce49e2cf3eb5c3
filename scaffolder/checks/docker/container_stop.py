"""The check kind that stops a service in the middle of a request: `container.stops`."""

from __future__ import annotations

import concurrent.futures
import http.client
import random
import time

from msgspec import UNSET, UnsetType, field

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
from scaffolder.checks.docker.stopping import (
    KILLED,
    SeenStop,
    StoppedJob,
    StopTimingError,
    stop_job,
)
from scaffolder.checks.expectations.files import list_fixture_files
from scaffolder.checks.http import Answer, Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Verdict, passed
from scaffolder.tools import engine

_JITTER = 0.4
# How often a late one is stopped again, and how often it must be late beside one in good time: an
# engine that is busy tells now and then seconds later that a container has ended.
_ROUNDS = 3
_LATE_ENOUGH = 2


class Stops(ContainerKind, frozen=True, kw_only=True):
    """Told to stop, the service finishes the request in flight and is gone soon after.

    Sends a request that takes a known number of seconds by itself, and, while it is in flight, the
    signal that `docker stop` sends: SIGTERM, or what the image names with STOPSIGNAL. The request
    must get its whole right answer, and the container must have ended at most `within` seconds
    after the moment at which that answer was due (start of the request plus what it takes).

    One that is late is stopped again, together with a container of the lab's own answer: where that
    one is in good time, with a third of `within` to spare, twice, the machine is not to blame.

    An image that is no service is told to stop while a job of it works: it must have ended at most
    `within` seconds after the signal, by itself and with an exit code that is allowed.

    Parameters:
        request: a request that the service answers after `takes` seconds. `{seconds}` in it stands
            for that number, drawn anew for each request and up to 0.4 larger than `takes`.
        while: a job, instead of a service and its request: `arguments` in the place of the image's
            CMD, `stdin`, which stays open, `env`, `mounts` as in container.runs, `at`, a regular
            expression of the line of output at which the signal is sent (its first line unless
            given), and `exit`: a number, a list, or {not: ...}; any but 137 unless given.
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

    request: Request | UnsetType = UNSET
    job: StoppedJob | UnsetType = field(default=UNSET, name="while")
    takes: float = 2
    within: float = 3

    def __post_init__(self) -> None:
        """Refuse to stop nothing, or two things."""
        if (self.request is UNSET) == (self.job is UNSET):
            raise ValueError(
                "say what it does when it is stopped: a `request`, or a job in `while`"
            )

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """What the job is handed of the lab's fixtures/."""
        return tuple(list_fixture_files(self.job))

    def run(self, context: Context) -> Verdict:
        """Stop the service in the middle of a request, again beside the lab's own where it is late.

        A busy machine can hold up the best of services, and one that cannot stop fails every time.
        """
        own = self._try(context)
        if isinstance(own, StopTimingError):
            # Built before: what builds beside the two would make them late.
            build_reference_image(context, self.dockerfile)
        late = 0
        for _ in range(_ROUNDS):
            if isinstance(own, SeenStop):
                return self._passed(own)
            own, control = self._try_both(context)
            if isinstance(own, StopTimingError) and not self._in_good_time(control):
                # Late together: alone, nothing of the learner's can hold up the other.
                control = self._control(context)
                own = self._try(context) if self._in_good_time(control) else own
            late += self._in_good_time(control)
            if isinstance(own, StopTimingError) and late == _LATE_ENOUGH:
                raise own
        if isinstance(own, SeenStop):
            return self._passed(own)
        raise UnavailableError(
            f"{own.verdict.message}, and the lab's own answer was not in good time either: this"
            " machine is too busy to say whose doing that is",
            hint="check again when less runs beside it",
        )

    def _in_good_time(self, control: SeenStop | StopTimingError) -> bool:
        """Whether the machine has time to spare: who is late beside such a one is late by itself.

        One that is in time by a hair shows only how much chance is in it.
        """
        return isinstance(control, SeenStop) and control.spare >= self.within / 3

    def _try_both(
        self, context: Context
    ) -> tuple[SeenStop | StopTimingError, SeenStop | StopTimingError]:
        """Stop the learner's container and one of the lab's own answer at the same time."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            control = pool.submit(self._control, context)
            own = self._try(context)
            return own, control.result()

    def _try(self, context: Context) -> SeenStop | StopTimingError:
        try:
            return self._stop(context)
        except StopTimingError as error:
            return error

    def _control(self, context: Context) -> SeenStop | StopTimingError:
        """Stop the lab's own answer in the same way; return how it went."""
        image = engine.inspect_image(
            require_engine(context.run), build_reference_image(context, self.dockerfile)
        )
        signal = (image.config.get("StopSignal") if image else None) or "SIGTERM"
        if isinstance(self.job, StoppedJob):
            return self._control_job(context, self.job, signal)
        with run_reference_service(context, self) as service:
            try:
                return self._stop_service(context, service, signal)
            except StopTimingError as error:
                return error
            except CheckFailedError as error:
                return StopTimingError(error.verdict.message)

    def _stop(self, context: Context) -> SeenStop:
        signal = (
            build_work_image(context, self.dockerfile).image.config.get("StopSignal") or "SIGTERM"
        )
        if isinstance(self.job, StoppedJob):
            return self._stop_job(context, self.job, signal)
        with run_service(context, self) as service:
            return self._stop_service(context, service, signal)

    def _stop_job(
        self, context: Context, job: StoppedJob, signal: str, image: str = ""
    ) -> SeenStop:
        return stop_job(
            context,
            self.dockerfile,
            job,
            signal,
            within=self.within,
            start_within=self.start_within,
            image=image,
        )

    def _control_job(
        self, context: Context, job: StoppedJob, signal: str
    ) -> SeenStop | StopTimingError:
        image = build_reference_image(context, self.dockerfile)
        try:
            return self._stop_job(context, job, signal, image)
        except CheckFailedError as error:
            return StopTimingError(error.verdict.message)

    def _stop_service(self, context: Context, service: Service, signal: str) -> SeenStop:
        takes = round(self.takes + random.SystemRandom().uniform(0, _JITTER), 2)
        seconds = takes if "{seconds}" in self._asked.path else self.takes
        request = self._asked.filled({"seconds": seconds})
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
            if state.exit_code == KILLED:
                raise self._failed(service, "the container was killed", "exit code 137")
        return SeenStop(ended - signalled, signal, state.exit_code, limit - ended)

    @property
    def _asked(self) -> Request:
        return Request() if isinstance(self.request, UnsetType) else self.request

    def _passed(self, stop: SeenStop) -> Verdict:
        did = "" if self.request is UNSET else "finished the request in flight and "
        return passed(
            f"{did}ended {stop.took:.1f} s after {stop.signal} with exit code {stop.exit_code}"
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
            f"{self._asked} ended at once, though it takes {self.takes:g} seconds",
            evidence=Evidence(
                ran=str(self._asked),
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
            error=StopTimingError,
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
                error=StopTimingError,
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
                ran=f"docker stop, {min(0.5, self.takes / 2):g} s after {self._asked}",
                expected="its whole answer, then the end of the container",
                actual=actual,
                log=service.container.logs(8),
            ),
            hint=hint,
            lasting=lasting,
        )
