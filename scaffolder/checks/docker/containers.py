"""Start the learner's image as a service and wait until it answers, for `container.*`."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scaffolder.checks.context import Context, Run
from scaffolder.checks.docker.building import build_reference_image, require_engine
from scaffolder.checks.docker.images import Built, ImageKind, build_work_image
from scaffolder.checks.docker.scripts import find_windows_script
from scaffolder.checks.http import Answer, Request, send_request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.session import Session, find_session
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence
from scaffolder.tools import engine
from scaffolder.tools.engine import (
    Container,
    ContainerLimits,
    Hardening,
    HealthTiming,
    StartFailedError,
)

LIMITS = ContainerLimits()
_ASK_SECONDS = 5.0
_PAUSE = 0.04
_OUT_OF_MEMORY = 137
_MOST_PATIENCE = 4.0
_LARGEST_NUMBER = 100_000
# What an engine says of an image, for the message alone.
_REASONS = (
    (
        "unable to find user",
        "the image has no such user",
        "USER names a user that /etc/passwd of the image does not know: create it in the last stage"
        " (useradd), or give a number",
    ),
    (
        "unable to find group",
        "the image has no such group",
        "USER names a group that /etc/group of the image does not know: create it in the last"
        " stage (groupadd), or give a number",
    ),
    (
        "no matching entries in passwd",
        "the image has no such user",
        "create the user in the last stage (useradd), or give USER a number",
    ),
    (
        "not a directory",
        "its WORKDIR is no folder",
        "WORKDIR must be a folder when the container starts: which step made a file of it?",
    ),
    (
        "chdir to cwd",
        "its user may not enter its WORKDIR",
        "give the folder to the user of USER (COPY --chown), or choose another WORKDIR",
    ),
    (
        "did not come to an end with it in time",
        "the engine needs too long for it",
        "which EXPOSE, VOLUME or HEALTHCHECK asks for so much? One port is enough",
    ),
    (
        "argument list too long",
        "its command and environment are too long",
        "which ENV or CMD is so long?",
    ),
    (
        "exec format error",
        "its program is none of this machine's",
        "a script needs a first line such as #!/bin/sh; a program one for this kind of processor",
    ),
    (
        "o command specified",
        "the image says no command",
        "say with CMD what the container runs",
    ),
)


class ContainerKind(ImageKind, frozen=True, kw_only=True):
    """Base of the kinds that run the image: where it listens and how long it may take to start."""

    port_variable: str = "PORT"
    start_within: float = 20


@dataclass(frozen=True)
class Service:
    """A running container, and the port inside it that it was told to listen on."""

    container: Container
    port: int

    def ask(self, request: Request, timeout: float = _ASK_SECONDS) -> Answer:
        """Send a request from outside the container."""
        return send_request(self.container.host, self.container.port, request, timeout)


@contextlib.contextmanager
def run_service(
    context: Context,
    kind: ContainerKind,
    *,
    image: Built | None = None,
    hardening: Hardening | None = None,
    health: HealthTiming | None = None,
) -> Iterator[Service]:
    """Run the learner's image for as long as the block lasts, told an unusual port to listen on."""
    image = image or build_work_image(context, kind.dockerfile)
    try:
        with _started(context, kind, image.image.id, hardening, health) as service:
            yield service
    except StartFailedError as error:
        raise _not_started(context, kind, error, hardening) from error


@contextlib.contextmanager
def run_reference_service(
    context: Context,
    kind: ContainerKind,
    *,
    hardening: Hardening | None = None,
    health: HealthTiming | None = None,
) -> Iterator[Service]:
    """Run the lab's own answer in the same way; UnavailableError where this machine cannot."""
    image = build_reference_image(context, kind.dockerfile)
    try:
        with _started(context, kind, image, hardening, health) as service:
            yield service
    except StartFailedError as error:
        raise error.suspected from error


@contextlib.contextmanager
def _started(
    context: Context,
    kind: ContainerKind,
    image: str,
    hardening: Hardening | None,
    health: HealthTiming | None,
) -> Iterator[Service]:
    port = random.SystemRandom().randrange(20_000, 30_000)
    with engine.start_container(
        require_engine(context.run),
        image,
        run_id=context.run.id,
        port=port,
        env={kind.port_variable: str(port)},
        limits=LIMITS,
        hardening=hardening,
        health=health,
    ) as container:
        yield Service(container, port)


def _not_started(
    context: Context, kind: ContainerKind, error: StartFailedError, hardening: Hardening | None
) -> CheckFailedError | UnavailableError:
    """Return what to raise where the engine does not start the learner's image.

    Where it says so in words that it does not have for images, the lab's own answer is started in
    the same way: if that runs, it is the image all the same.
    """
    if not error.expected:

        def attempt() -> None:
            with run_reference_service(context, kind, hardening=hardening):
                pass

        trouble = context.run.control(("start", kind.dockerfile, bool(hardening)), attempt)
        if trouble:
            return UnavailableError(trouble.message, trouble.hint)
    why, hint = explain_start_failure(str(error))
    if script := find_windows_script(context, kind.dockerfile):
        why, hint = explain_windows_lines(script)
    return CheckFailedError(
        f"the container cannot be started: {why}" if why else "the container cannot be started",
        evidence=Evidence(
            ran=f"docker run -e {kind.port_variable}=PORT IMAGE",
            expected="a running process",
            actual=str(error),
        ),
        hint=hint,
        lasting=False,
    )


def explain_start_failure(said: str) -> tuple[str, str]:
    """Return in words what an engine says of an image, and what to do about it."""
    for sign, why, hint in _REASONS:
        if sign in said:
            return why, hint
    return "", "look at CMD and ENTRYPOINT: does that file exist in the image, may it be run?"


def explain_windows_lines(script: str) -> tuple[str, str]:
    return (
        f"the lines of {script} end as Windows ends them (CR LF)",
        "so its first line names a program that is not there: save the script with the line ends of"
        " Unix (LF), and let git keep them: *.sh text eol=lf in .gitattributes",
    )


class ServiceSession(Session[ContainerKind]):
    """The one container that checks which only look at it share; `key` says how it is started."""

    opening = "docker run"

    def __init__(self, run: Run, key: ContainerKind) -> None:
        super().__init__(run, key)
        self._stack = contextlib.ExitStack()

    def open(self, context: Context) -> None:
        self._service = self._stack.enter_context(run_service(context, self.key))

    def close(self) -> None:
        self._stack.close()

    def find_service(self, context: Context) -> Service:
        """Return the container, which may have ended."""
        return self.run_step(context, self.opening, lambda: self._service)


def find_shared_service(context: Context, kind: ContainerKind) -> Service:
    """Return the one container that checks which only look at it share in a run."""
    key = ContainerKind(dockerfile=kind.dockerfile, port_variable=kind.port_variable)
    return find_session(context.run, ServiceSession, key).find_service(context)


def wait_until_answers(context: Context, kind: ContainerKind, service: Service) -> Answer:
    """Return the service's first answer to `GET /`, whatever its status.

    Raises CheckFailedError where the container ends, or does not answer within
    `kind.start_within` seconds, or longer where the machine is busy.
    """
    allowed = find_patient_limit(context, kind.start_within)
    deadline = time.monotonic() + allowed
    while True:
        context.run.cancel.raise_if_cancelled()
        try:
            return service.ask(Request(), timeout=max(0.2, deadline - time.monotonic()))
        except (OSError, http.client.HTTPException) as error:
            trouble = error
        if not service.container.state().running:
            raise report_end(context, kind, service, "a service that keeps running")
        if time.monotonic() >= deadline:
            raise _silent(kind, service, trouble, allowed)
        context.run.cancel.wait(_PAUSE)


def report_end(
    context: Context, kind: ContainerKind, service: Service, expected: str
) -> CheckFailedError:
    """Return the failure of a container that is not running any more."""
    state = service.container.state()
    why = f"exit code {state.exit_code}"
    hint = "run the command above; what it prints last says why"
    if script := find_windows_script(context, kind.dockerfile):
        said, hint = explain_windows_lines(script)
        why = f"{why}; {said}"
    if state.out_of_memory or state.exit_code == _OUT_OF_MEMORY:
        why += f"; it was killed, as for using more than {LIMITS.memory_mb} MB of memory"
    return CheckFailedError(
        f"the container ended by itself ({why})",
        evidence=Evidence(
            ran=_command(kind, service.port),
            expected=expected,
            actual=why,
            log=service.container.logs(),
        ),
        hint=hint,
        lasting=False,
    )


def _silent(
    kind: ContainerKind, service: Service, trouble: Exception, seconds: float
) -> CheckFailedError:
    processes = "; ".join(process.command for process in service.container.processes())
    return CheckFailedError(
        f"nothing answers on port {service.port}, the value of {kind.port_variable},"
        f" within {seconds:.0f} seconds",
        evidence=Evidence(
            ran=_command(kind, service.port),
            expected=f"an HTTP answer on 0.0.0.0:{service.port}",
            actual=f"{type(trouble).__name__}: {trouble}; what runs: {processes or 'nothing'}",
            log=service.container.logs(),
        ),
        hint=f"listen on 0.0.0.0 (127.0.0.1 is the container's own) and on ${kind.port_variable}",
        lasting=False,
    )


def _command(kind: ContainerKind, port: int) -> str:
    return f"docker run -e {kind.port_variable}={port} -p 127.0.0.1::{port} IMAGE"


def exchange(kind: ContainerKind, service: Service, requests: Sequence[Request]) -> None:
    """Send the requests in order; raises CheckFailedError at the first answer that is wrong."""
    values: dict[str, Any] = {
        "token": secrets.token_hex(6),
        "number": secrets.randbelow(_LARGEST_NUMBER) + 1,
    }
    for template in requests:
        request = template.filled(values)
        try:
            answer = service.ask(request)
            trouble = answer.differs(request)
            values |= answer.kept(request) if not trouble else {}
        except KeyError as missing:
            trouble = f"{answer.shown}, which has no {missing}"
        except (OSError, http.client.HTTPException) as error:
            trouble = f"no answer: {type(error).__name__}: {error}"
        if trouble:
            raise CheckFailedError(
                f"{request} is answered wrongly",
                evidence=Evidence(
                    ran=_command(kind, service.port),
                    expected=f"status {request.status}",
                    actual=trouble,
                    log=service.container.logs(),
                ),
                hint="start the same container and ask it with curl",
                lasting=False,
            )


def poll(context: Context, met: Callable[[], bool], seconds: float) -> bool:
    """Whether `met` became true within the seconds; asks again and again."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() >= deadline:
            return False
        context.run.cancel.wait(_PAUSE)
    return True


def find_patient_limit(context: Context, seconds: float) -> float:
    """Return for how long to wait for what takes so many seconds at most on an idle machine."""
    return min(seconds * measure_patience(), context.timeout)


def measure_patience() -> float:
    """Return how many times longer than on an idle machine something may take right now.

    That is the number of processes that want a processor, for each that there is: from 1 to
    _MOST_PATIENCE. A machine that does not tell counts as idle.
    """
    try:
        wanting = os.getloadavg()[0]
    except (AttributeError, OSError):
        return 1.0
    return min(max(wanting / (os.cpu_count() or 1), 1.0), _MOST_PATIENCE)
