"""What the grader does for the fixtures `image` and `container`: each method is one request.

The image is the run's own, and containers carry its label.
"""

from __future__ import annotations

import base64
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.docker.containers import (
    ContainerKind,
    Service,
    report_end,
    run_service,
    wait_until_answers,
)
from scaffolder.checks.docker.distributions import list_distributions
from scaffolder.checks.docker.images import build_work_image, count_base_layers, read_file_system
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.checks.docker.serving_jobs import run_image_job
from scaffolder.checks.serving import (
    OUTPUT_LIMIT,
    FixtureParameters,
    FixtureService,
    TimeBudget,
)
from scaffolder.tools.engine import Container, ContainerJob, operating
from scaffolder.tools.engine.operating import ContainerEndedError


class DockerFixtureService(FixtureService):
    """Builds the image, and runs it for `container`. The parameters are those of `container.*`."""

    def __init__(self, context: Context, parameters: FixtureParameters, budget: TimeBudget) -> None:
        super().__init__(context, parameters, budget)
        self._kind = ContainerKind(**msgspec.structs.asdict(parameters))
        self._stack = contextlib.ExitStack()
        self._containers: dict[int, tuple[Service, contextlib.ExitStack]] = {}

    def close(self) -> None:
        """Remove the containers that are left."""
        self._stack.close()

    @property
    def requests(self) -> Mapping[str, Callable[..., Any]]:
        """The methods that answer, by the names of requests."""
        return {
            "image": self.build_image,
            "image.files": self.list_files,
            "image.read": self.read_files,
            "image.distributions": self.list_distributions,
            "image.run": self.run_image,
            "container.start": self.start_container,
            "container.await": self.await_container,
            "container.status": self.read_status,
            "container.logs": self.read_logs,
            "container.exec": self.execute,
            "container.stop": self.stop_container,
            "container.again": self.start_again,
            "container.remove": self.remove_container,
        }

    def build_image(self) -> dict[str, Any]:
        """Build the image, or join whoever does."""
        read_dockerfile(self.context.run, self._kind.dockerfile)
        image = build_work_image(self.context, self._kind.dockerfile).image
        labels = image.config.get("Labels") or {}
        own = {name: value for name, value in labels.items() if not name.startswith("devlab.")}
        return {
            "id": image.id,
            "config": {**image.config, "Labels": own},
            "size": image.size,
            "layers": len(image.diff_ids),
        }

    def list_files(self) -> list[list[Any]]:
        """List the files of the image, and whether its base has them."""
        context, dockerfile = self.context, self._kind.dockerfile
        first = count_base_layers(context, dockerfile)
        return [
            [
                *(file.path, file.kind, file.mode, file.uid, file.size, file.link),
                *(file.layer < first, file.executable),
            ]
            for file in read_file_system(context, dockerfile).files.values()
        ]

    def read_files(self, paths: Sequence[str], limit: int) -> dict[str, str]:
        """Return the beginnings of files of the image, in base64."""
        system = read_file_system(self.context, self._kind.dockerfile)
        found = system.read(set(paths), min(limit, OUTPUT_LIMIT))
        return {path: base64.b64encode(content).decode() for path, content in found.items()}

    def list_distributions(self) -> list[dict[str, Any]]:
        """List the Python distributions in the image."""
        context, dockerfile = self.context, self._kind.dockerfile
        system = read_file_system(context, dockerfile)
        first = count_base_layers(context, dockerfile)
        return [
            {
                **{name: getattr(one, name) for name in ("name", "version", "folder", "intact")},
                "files": one.files,
                "base": one.layer < first,
            }
            for one in list_distributions(system)
        ]

    def run_image(
        self,
        args: Sequence[str],
        stdin: str,
        mounts: Mapping[str, str],
        env: Mapping[str, str],
        user: str,
        timeout: float | None,
        check: bool,
    ) -> dict[str, Any]:
        """Run the image to its end; `stdin` is in base64, `mounts` are sources by their targets."""
        dockerfile = self._kind.dockerfile
        read_dockerfile(self.context.run, dockerfile)
        allowed = self.budget.limit(timeout)
        given = base64.b64decode(stdin)
        job = ContainerJob(arguments=args, stdin=given or None, env=env, user=user)
        done = run_image_job(self.context, dockerfile, job, mounts, allowed)
        return self.budget.conclude(done, allowed, check=check)

    def start_container(self) -> int:
        read_dockerfile(self.context.run, self._kind.dockerfile)
        own = contextlib.ExitStack()
        self._stack.callback(own.close)
        service = own.enter_context(run_service(self.context, self._kind))
        number = len(self._containers) + 1
        self._containers[number] = (service, own)
        return number

    def await_container(self, number: int) -> str:
        """Wait until the service answers, and say where."""
        service, _ = self._containers[number]
        self.context.say("waiting for the service to answer")
        wait_until_answers(self.context, self._kind, service)
        return f"http://{service.container.host}:{service.container.port}"

    def read_status(self, number: int) -> dict[str, Any]:
        """Return how a container is, whether or not it has ended."""
        state = self._containers[number][0].container.state()
        return {
            "running": state.running,
            "exit_code": None if state.running else state.exit_code,
            "out_of_memory": state.out_of_memory,
        }

    def read_logs(self, number: int, lines: int) -> str:
        """Return the last lines that a container printed."""
        return "\n".join(self._containers[number][0].container.logs(lines))

    def execute(self, number: int, argv: Sequence[str], timeout: float) -> dict[str, Any]:
        """Run a command in a container."""
        allowed = self.budget.limit(timeout)
        with self._running(number) as container:
            done = operating.execute(
                container,
                argv,
                timeout=allowed,
                cancel=self.context.run.cancel,
                output_limit=OUTPUT_LIMIT,
            )
        return self.budget.conclude(done, allowed, prefix="docker exec CONTAINER ")

    def stop_container(self, number: int, timeout: float) -> int:
        """Stop a container and return its exit code; one that has ended by itself is a fail."""
        began = time.monotonic()
        with self._running(number) as container:
            code = operating.stop(container, math.ceil(timeout))
        self.budget.spend(time.monotonic() - began)
        return code

    @contextlib.contextmanager
    def _running(self, number: int) -> Iterator[Container]:
        """Yield a container; raises what tells the learner of its end where it ends meanwhile."""
        service, _ = self._containers[number]
        try:
            yield service.container
        except ContainerEndedError as error:
            wanted = "a container that runs"
            raise report_end(self.context, self._kind, service, wanted) from error

    def start_again(self, number: int) -> None:
        """Start a container that was stopped."""
        service, own = self._containers[number]
        container = operating.start_again(service.container)
        self._containers[number] = (Service(container, service.port), own)

    def remove_container(self, number: int) -> None:
        """Remove a container; harmless when it is gone."""
        self._containers[number][1].close()
