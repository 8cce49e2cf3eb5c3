"""The check kind that watches a container's health: `container.health`."""

from __future__ import annotations

import contextlib
import http.client
import random
import secrets
import time

from scaffolder.checks.context import Context
from scaffolder.checks.docker.containers import (
    ContainerKind,
    Service,
    poll,
    report_end,
    run_reference_service,
    run_service,
    wait_until_answers,
)
from scaffolder.checks.docker.images import build_work_image, draw_change_token, rebuild_with_fault
from scaffolder.checks.http import Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Verdict, failed, passed
from scaffolder.tools.engine import ContainerState, HealthProbe, HealthTiming, Image

_NANOSECONDS = 1_000_000_000
# So many runs of the health check in a row are no accident. The engine remembers the last five.
_ENOUGH = 3
_PATIENCE = 4.0
# At most so many runs are waited for before a service is broken.
_MOST_RUNS = 6
# What is broken answers at once: who asks it needs no time-out to notice.
_WITH_TIME = HealthTiming(interval=0.25, retries=2, timeout=10)


class Health(ContainerKind, frozen=True, kw_only=True):
    """The health check tells a healthy service from a broken one.

    Runs the image built again with a fault of the lab that makes the health endpoint fail. With
    `breaks` that one is healthy, until a request breaks it while it runs: then nothing but the
    running service can tell. Without, a container of the learner's image is watched before it, and
    must be healthy. The image's own health check command runs. Only how often is overridden, so
    that the check is quick: every quarter of a second instead of the image's interval, unhealthy
    after two failures in a row, no start period, and at most five seconds for one run (ten where
    the service is broken from the beginning; a run that was only slow notices nothing). That is
    fair, for it changes when the verdict comes, not which one: the first success makes a container
    healthy, and it may fail as often as it likes before.

    Parameters:
        fault: the fault of the lab that makes the health endpoint fail.
        path: the health endpoint.
        breaks: the path of a request that breaks the service with the fault in it; `{token}` in it
            and in the fault's files stands for a word of this run. The answer to that request
            itself should look as any other, and with another word it should break nothing: it is
            sent with one before. Without, it is broken from the beginning.
        healthy_within: seconds until the learner's image must be healthy.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: the healthy service becomes healthy, the broken one unhealthy.

    Fails: there is no HEALTHCHECK; a container never becomes healthy that should; the broken one
    counts as healthy.

    Example:
        - id: health-is-watched
          kind: container.health
          fault: health-breaks
          breaks: "/healthz?{token}"
    """

    fault: str
    path: str = "/healthz"
    breaks: str = ""
    healthy_within: float = 20

    @property
    def faults(self) -> tuple[str, ...]:
        """The fault that breaks the health endpoint."""
        return (self.fault,)

    def run(self, context: Context) -> Verdict:
        """Watch a healthy and a broken service."""
        image = build_work_image(context, self.dockerfile).image
        test = (image.config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        if test == ["NONE"]:
            return failed(
                "the image has no HEALTHCHECK",
                evidence=Evidence(ran="docker inspect IMAGE", expected="a HEALTHCHECK"),
                hint="add a HEALTHCHECK that asks the health endpoint of the service",
            )
        if self.breaks:
            seconds = self._watch_breaking(context, _timing(image))
        else:
            self._watch_healthy(context, image)
            seconds = self._watch_broken(context)
        return passed(f"healthy where {self.path} is, unhealthy {seconds:.1f} s after it broke")

    def _watch_healthy(self, context: Context, image: Image) -> None:
        with run_service(context, self, health=_timing(image)) as service:
            context.say("waiting until the container is healthy")
            self._require_healthy(context, service)

    def _require_healthy(self, context: Context, service: Service) -> None:
        wait_until_answers(context, self, service)
        watched = _Watched(service)
        state = (
            service.container.wait_until(
                lambda state: (
                    state.health == "healthy"
                    or not state.running
                    or (watched.seconds > _PATIENCE and watched.ended(state, ok=False))
                ),
                self.healthy_within,
                context.run.cancel,
            )
            or service.container.state()
        )
        if not state.running:
            raise report_end(context, self, service, "a healthy container")
        if state.health != "healthy":
            raise self._never_healthy(context, state.probes)

    def _never_healthy(
        self, context: Context, probes: tuple[HealthProbe, ...]
    ) -> CheckFailedError | UnavailableError:
        last = probes[-1] if probes else None
        if not any(probe.exit_code > 0 for probe in probes):
            # None came to its end: is it the machine, on which nothing does?
            trouble = context.run.control(
                ("health", self.dockerfile), lambda: self._watch_reference(context)
            )
            if trouble:
                return UnavailableError(trouble.message, trouble.hint)
        return CheckFailedError(
            "the service answers, but its health check says that it is not healthy",
            evidence=Evidence(
                ran="the command of HEALTHCHECK, in the running container",
                expected="exit code 0",
                actual=f"exit code {last.exit_code}" if last else "it did not end",
                log=tuple(last.output.splitlines()[-8:]) if last else (),
            ),
            lasting=False,
            hint="does it ask the port that the environment names? is its program in the image?",
        )

    def _watch_reference(self, context: Context) -> None:
        """Raise UnavailableError where the lab's own answer does not become healthy either."""
        with run_reference_service(context, self, health=_WITH_TIME) as service:
            service.container.wait_until(
                lambda state: state.health == "healthy" or not state.running,
                self.healthy_within,
                context.run.cancel,
            )
            if service.container.state().health != "healthy":
                raise UnavailableError(
                    "the lab's own answer does not become healthy either: this machine is too busy"
                    " to say whose doing that is",
                    hint="check again when less runs beside it",
                )

    def _watch_breaking(self, context: Context, timing: HealthTiming) -> float:
        """Break a healthy service; return the seconds until the engine called it unhealthy."""
        asleep = rebuild_with_fault(context, self.dockerfile, self.fault)
        with run_service(context, self, image=asleep, health=timing) as service:
            context.say("waiting until the container is healthy")
            self._require_healthy(context, service)
            self._require_still_healthy(context, service)
            self._ask(service, draw_change_token(context.run))
            return self._wait_until_noticed(context, service)

    def _watch_broken(self, context: Context) -> float:
        """Return the seconds from the first answer until the engine called it unhealthy."""
        broken = rebuild_with_fault(context, self.dockerfile, self.fault)
        with run_service(context, self, image=broken, health=_WITH_TIME) as service:
            wait_until_answers(context, self, service)
            self._require_broken(context, service)
            return self._wait_until_noticed(context, service)

    def _wait_until_noticed(self, context: Context, service: Service) -> float:
        context.say("waiting until the broken container is unhealthy")
        watched = _Watched(service)
        state = (
            service.container.wait_until(
                lambda state: (
                    (state.health == "unhealthy" and watched.noticed(state))
                    or watched.ended(state, ok=True)
                ),
                self.healthy_within,
                context.run.cancel,
            )
            or service.container.state()
        )
        # Only now: whoever listens to what others ask would hear of the fault by that.
        self._require_broken(context, service)
        if state.health != "unhealthy" or not watched.noticed(state):
            raise self._not_noticed(state.health)
        return watched.seconds

    def _require_still_healthy(self, context: Context, service: Service) -> None:
        """Ask with another word, which breaks nothing, and wait: for how long, nobody knows."""
        self._ask(service, secrets.token_hex(8))
        watched = _Watched(service)
        runs = random.SystemRandom().randint(2, _MOST_RUNS)
        state = service.container.wait_until(
            lambda state: (
                state.health == "unhealthy" or not state.running or watched.count(state) >= runs
            ),
            self.healthy_within,
            context.run.cancel,
        )
        if state and state.running and state.health == "unhealthy" and watched.noticed(state):
            raise CheckFailedError(
                "the health check calls the service unhealthy before anything is wrong with it",
                evidence=Evidence(
                    ran="docker build . with a fault that is still asleep, docker run, inspect",
                    expected="healthy for as long as the service is",
                    actual="unhealthy",
                ),
                lasting=False,
                hint=f"the health check must ask {self.path}, and end with 0 when that is fine",
            )

    def _ask(self, service: Service, word: str) -> None:
        """Send the request that breaks the service, if `word` is the one of this run."""
        asked = Request(path=self.breaks.replace("{token}", word))
        with contextlib.suppress(OSError, http.client.HTTPException):
            service.ask(asked)

    def _require_broken(self, context: Context, service: Service) -> None:
        """Make sure that the fault reached the running service: otherwise nothing is proven."""

        def fails() -> bool:
            try:
                return service.ask(Request(path=self.path)).status != Request().status
            except (OSError, http.client.HTTPException):
                return True

        if not poll(context, fails, 2):
            raise CheckFailedError(
                f"{self.path} is still fine after it was broken in the application's code",
                evidence=Evidence(
                    ran="docker build . with the fault planted, docker run, then asked",
                    expected=f"an error from {self.path}",
                    actual="status 200",
                ),
                lasting=False,
                hint="the image must run the code that lies in this folder",
            )

    def _not_noticed(self, health: str) -> CheckFailedError:
        return CheckFailedError(
            f"{self.path} fails, and the container is still {health or 'not watched'}",
            evidence=Evidence(
                ran="docker build . with the fault planted, docker run, docker inspect",
                expected="unhealthy",
                actual=health or "no health",
            ),
            lasting=False,
            hint=f"the health check must ask {self.path}, and end with 1 when that is an error",
        )


class _Watched:
    """A container from now on: which runs of its health check began to count, and for how long."""

    def __init__(self, service: Service) -> None:
        self._since = time.monotonic()
        self._seen: set[str] = set()
        self._before = {probe.started for probe in service.container.state().probes}

    @property
    def seconds(self) -> float:
        """Seconds since watching began."""
        return time.monotonic() - self._since

    def count(self, state: ContainerState) -> int:
        """Return how many runs ended since, also those that the engine has forgotten."""
        self._seen |= {probe.started for probe in self.new(state)}
        return len(self._seen)

    def new(self, state: ContainerState) -> list[HealthProbe]:
        """Return the runs that ended since."""
        return [probe for probe in state.probes if probe.started not in self._before]

    def noticed(self, state: ContainerState) -> bool:
        """Whether a new run said by itself that something is wrong.

        One that was only too slow did not: on a busy machine each can be.
        """
        return any(probe.exit_code > 0 for probe in self.new(state))

    def ended(self, state: ContainerState, *, ok: bool) -> bool:
        """Whether enough of the new runs ended well (or, without `ok`, badly), none otherwise."""
        new = self.new(state)
        return len(new) >= _ENOUGH and all((probe.exit_code == 0) == ok for probe in new)


def _timing(image: Image) -> HealthTiming:
    own = int((image.config.get("Healthcheck") or {}).get("Timeout") or 0) / _NANOSECONDS
    return HealthTiming(interval=0.25, retries=2, timeout=min(own or 5.0, 5.0))
