"""Run containers from a learner's image: bounded, labelled, published to this machine only."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from scaffolder.core.errors import UnavailableError
from scaffolder.tools.engine import machine
from scaffolder.tools.engine.connection import RUN_LABEL, Engine, translate_engine_errors
from scaffolder.tools.processes import CancelToken

T = TypeVar("T")

# Seconds between two questions: what comes soon is seen at once, and what takes long is not asked
# for so often that the asking takes the processor from it.
_FIRST_PAUSE = 0.03
_LONGEST_PAUSE = 0.12
_NANOSECONDS = 1_000_000_000
# Seconds to wait before asking again what an engine refuses to say of a container that, as it says,
# runs: it may be about to end, and its last process gone already.
_ENDING_PAUSES = (0.05, 0.2, 0.8)
# The exit code of a container that somebody removed.
_GONE = 137
# What the engine says when it is the image that cannot be started, not the engine.
_IMAGE_AT_FAULT = (
    "no command specified",
    "oci runtime",
    "runc create failed",
    "executable file not found",
    "no such file or directory",
    "permission denied",
    "exec format error",
    "unable to find user",
    "unable to find group",
    "no matching entries in passwd",
    "invalid ",
)


@dataclass(frozen=True)
class ContainerLimits:
    """Bounds of one container: memory in MB (no swap), processes and threads, cores."""

    memory_mb: int = 512
    pids: int = 256
    cpus: float = 1.5


@dataclass(frozen=True)
class Hardening:
    """A read-only root, no capabilities, no new privileges; `tmpfs` are the writable places."""

    tmpfs: tuple[str, ...] = ()


@dataclass(frozen=True)
class HealthTiming:
    """How often the image's own health check command runs here; seconds.

    `timeout` None keeps the image's.
    """

    interval: float
    retries: int
    timeout: float | None = None


class StartFailedError(Exception):
    """The engine could not start a container from the image; the message says why.

    `expected` tells whether those are words that an engine has for the image's own fault. Where
    they are not, `suspected` is what to say of the machine, should it prove to be at fault.
    """

    def __init__(self, said: str) -> None:
        super().__init__(said)
        found = machine.recognize_trouble(said)
        self.expected = found is None and any(sign in said.lower() for sign in _IMAGE_AT_FAULT)
        self.suspected = found or UnavailableError(
            f"the Docker Engine starts no container: {said}", hint="restart it, then check again"
        )


@dataclass(frozen=True)
class HealthProbe:
    """One run of the health check command, ended: when it began, its exit code and output."""

    started: str
    exit_code: int
    output: str


@dataclass(frozen=True)
class ContainerState:
    """What the engine says about a container now. `health` is empty without a health check."""

    running: bool
    exit_code: int
    out_of_memory: bool
    health: str
    probes: tuple[HealthProbe, ...]


@dataclass(frozen=True)
class Process:
    """One process of a container, as the engine's machine sees it.

    `uids` are its effective, real and saved user ids: it may become any of them.
    """

    pid: int
    uids: tuple[int, ...]
    command: str


@dataclass(frozen=True)
class Container:
    """A container that was started. `host` and `port` are where its port is reached from here."""

    engine: Engine
    id: str
    host: str
    port: int

    def state(self) -> ContainerState:
        """Ask the engine how the container is."""
        from docker.errors import NotFound  # slow to import

        with translate_engine_errors():
            try:
                raw = self.engine.api.inspect_container(self.id)["State"]
            except NotFound:
                return ContainerState(False, _GONE, False, "", ())
        health = raw.get("Health") or {}
        return ContainerState(
            running=bool(raw["Running"]),
            exit_code=int(raw["ExitCode"]),
            out_of_memory=bool(raw.get("OOMKilled")),
            health=health.get("Status", ""),
            probes=tuple(
                HealthProbe(probe["Start"], int(probe["ExitCode"]), probe["Output"].strip())
                for probe in health.get("Log") or ()
            ),
        )

    def logs(self, lines: int = 15) -> tuple[str, ...]:
        """Return the last lines that the container printed; none where it is gone."""
        raw = self._ask(lambda: self.engine.api.logs(self.id, tail=lines), b"")
        return tuple(line for line in raw.decode(errors="replace").splitlines() if line.strip())

    def processes(self) -> tuple[Process, ...]:
        """Return every process that runs in the container; none where it has ended."""
        asked = "-eo pid,euid,ruid,suid,args"
        told: list[list[str]] = self._ask(
            lambda: self.engine.api.top(self.id, ps_args=asked)["Processes"], []
        )
        return tuple(
            Process(int(row[0]), tuple(int(uid) for uid in row[1:4]), " ".join(row[4:]))
            for row in told or ()
        )

    def _ask(self, question: Callable[[], T], ended: T) -> T:
        """Return the engine's answer, or `ended` where it refuses one and the container has ended.

        It may end between two questions, and engines have many words for that.
        """
        from docker.errors import APIError

        with translate_engine_errors():
            for pause in _ENDING_PAUSES:
                try:
                    return question()
                except APIError:
                    if not self.state().running:
                        return ended
                time.sleep(pause)
            return question()

    def kill(self, signal: str) -> None:
        """Send a signal to the container's first process; harmless when it has ended."""
        from docker.errors import APIError

        with translate_engine_errors(), contextlib.suppress(APIError):
            self.engine.api.kill(self.id, signal=signal)

    def wait_until(
        self, met: Callable[[ContainerState], bool], seconds: float, cancel: CancelToken
    ) -> ContainerState | None:
        """Return the first state for which `met` holds, or None when the time is over."""
        deadline = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            state = self.state()
            if met(state):
                return state
            if time.monotonic() >= deadline:
                return None
            cancel.wait(pause)
            pause = min(_LONGEST_PAUSE, 1.3 * pause)

    def remove(self) -> None:
        """Kill and remove the container with its anonymous volumes; harmless when it is gone."""
        with contextlib.suppress(Exception):
            self.engine.api.remove_container(self.id, force=True, v=True)


@contextlib.contextmanager
def start_container(
    engine: Engine,
    image: str,
    *,
    run_id: str,
    port: int,
    env: Mapping[str, str],
    limits: ContainerLimits | None = None,
    hardening: Hardening | None = None,
    health: HealthTiming | None = None,
) -> Iterator[Container]:
    """Run a container for as long as the block lasts; its `port` is published.

    Its own command and user run. The health check command of the image runs as `health` says, and
    not at all without it. Raises StartFailedError where the engine does not start it,
    UnavailableError where the engine does not answer.
    """
    container_id = _create(
        engine,
        image,
        run_id,
        port,
        env,
        make_host_config(
            engine,
            limits or ContainerLimits(),
            hardening,
            port_bindings={port: (engine.published_on,)},
        ),
        health,
    )
    container = Container(engine, container_id, engine.reached_at, 0)
    try:
        with translate_start_refusals():
            engine.api.start(container_id)
            published = find_port(engine, container_id)
        yield Container(engine, container_id, engine.reached_at, published)
    finally:
        container.remove()


def _create(
    engine: Engine,
    image: str,
    run_id: str,
    port: int,
    env: Mapping[str, str],
    host_config: Any,
    health: HealthTiming | None,
) -> str:
    with translate_start_refusals():
        created = engine.api.create_container(
            image,
            environment=dict(env),
            ports=[port],
            labels={RUN_LABEL: run_id},
            host_config=host_config,
            healthcheck=_health_config(health),
        )
    return str(created["Id"])


def make_host_config(
    engine: Engine, limits: ContainerLimits, hardening: Hardening | None, **more: Any
) -> dict[str, Any]:
    """Return what bounds a container, in the engine's words; `more` is as the SDK has it."""
    hardened: dict[str, Any] = {}
    if hardening:
        hardened = {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "tmpfs": dict.fromkeys(hardening.tmpfs, ""),
        }
    bounds: dict[str, Any] = {
        "mem_limit": f"{limits.memory_mb}m",
        "memswap_limit": f"{limits.memory_mb}m",
        "pids_limit": limits.pids,
        "nano_cpus": int(limits.cpus * _NANOSECONDS),
        "log_config": {"type": "json-file", "config": {"max-size": "1m", "max-file": "2"}},
        **({"userns_mode": "host"} if _remaps_users(engine) else {}),
    }
    config: dict[str, Any] = engine.api.create_host_config(**{**bounds, **hardened, **more})
    return config


@functools.lru_cache(maxsize=4)
def _remaps_users(engine: Engine) -> bool:
    """Whether the engine shifts user ids, so that `processes` would not see root as 0.

    Its daemon decides about that when it starts; to tell takes it as long as to make a container.
    """
    with translate_engine_errors():
        options = engine.api.info().get("SecurityOptions") or ()
    return any("name=userns" in option for option in options)


def _health_config(health: HealthTiming | None) -> dict[str, Any]:
    """Return the engine's health settings; what is 0 or left out is taken from the image."""
    if health is None:
        return {"Test": ["NONE"]}
    config: dict[str, Any] = {
        "Interval": int(health.interval * _NANOSECONDS),
        "Retries": health.retries,
        "StartPeriod": _NANOSECONDS // 1000,
    }
    if health.timeout is not None:
        config["Timeout"] = int(health.timeout * _NANOSECONDS)
    return config


@contextlib.contextmanager
def translate_start_refusals() -> Iterator[None]:
    """Turn a refusal into StartFailedError, and no answer in time: an image can ask for a lot."""
    import requests
    from docker.errors import APIError

    with translate_engine_errors():
        try:
            yield
        except APIError as error:
            raise StartFailedError(str(error.explanation or error)) from error
        except requests.exceptions.Timeout as error:
            raise StartFailedError("the engine did not come to an end with it in time") from error


def find_port(engine: Engine, container_id: str) -> int:
    """Return the port on the engine's machine, or 0 where the container ended at once."""
    with translate_engine_errors():
        ports = engine.api.inspect_container(container_id)["NetworkSettings"]["Ports"] or {}
    bindings = [binding for bound in ports.values() for binding in bound or ()]
    return int(bindings[0]["HostPort"]) if bindings else 0
