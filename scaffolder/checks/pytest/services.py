"""What the grader does for a test that runs in the tester: each public method is one request.

All the rules of the other kinds hold here, because their code does the work: commands go through
the sandbox, the image and the apply are the run's own, containers carry its label.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import dataclasses
import math
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.docker.containers import (
    ContainerKind,
    Service,
    run_service,
    wait_until_answers,
)
from scaffolder.checks.docker.distributions import list_distributions
from scaffolder.checks.docker.images import build_work_image, count_base_layers, read_file_system
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pytest.tools import TRUST
from scaffolder.checks.terraform.session import find_terraform
from scaffolder.checks.terraform.stages import TerraformKind
from scaffolder.model import Evidence
from scaffolder.model.tool import Tool
from scaffolder.sandbox import Command, list_python_parts
from scaffolder.tools import python_syntax
from scaffolder.tools.engine import operating
from scaffolder.tools.processes import Completed, Ending
from scaffolder.tools.system_facts import SYSTEM_PATH

_OUTPUT_LIMIT = 1024 * 1024
_SERVICES = {
    "image": ContainerKind.requires,
    "container": ContainerKind.requires,
    "terraform": TerraformKind.requires,
}


class TestedKind(ContainerKind, frozen=True, kw_only=True):
    """Base of the kinds whose tests ask for these services: where image and configuration lie."""

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    @property
    def test_files(self) -> tuple[str, ...]:
        """The files of the lab's folder that the check runs."""
        return ()

    def requirements(self, lab_root: Path) -> frozenset[Tool]:
        """Return what the services need that the tests, or what they share, ask for by name."""
        asked = _parameters(lab_root, self.test_files)
        needed = {TRUST, SANDBOX}
        for service, requirements in _SERVICES.items():
            if service in asked:
                needed |= requirements
        return frozenset(needed)


def _parameters(lab_root: Path, test_files: Sequence[str]) -> set[str]:
    """Return the names of all parameters in test files and the conftest.py beside them."""
    files = {path for one in test_files for path in _with_shared(lab_root / one)}
    asked: set[str] = set()
    for file in files:
        # A file that cannot be read is the check's to complain of.
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            tree = python_syntax.parse(file.read_bytes())
            asked |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return asked


def _with_shared(file: Path) -> tuple[Path, ...]:
    return (file, file.parent / "conftest.py")


class Services:
    """The services of one check. `place` is a folder that no sandboxed command may write to.

    Times are in seconds. Every method answers with what JSON can hold; what it raises is judged
    as if the check itself had raised it.
    """

    def __init__(self, context: Context, kind: TestedKind, place: Path) -> None:
        self._context = context
        self._kind = kind
        self._left = context.timeout
        self._stack = contextlib.ExitStack()
        self._containers: dict[int, tuple[Service, contextlib.ExitStack]] = {}
        self._numbers = 0
        self.work = place / "work"
        self.work.mkdir()
        self._programs = place / "programs"
        self._programs.mkdir()
        # Not the environment that devlab is installed in: its packages are not the learner's.
        for name in ("python", "python3"):
            (self._programs / name).symlink_to(Path(sys.executable).resolve())

    def close(self) -> None:
        """Remove the containers that are left."""
        self._stack.close()

    def answer(self, what: str, parameters: Mapping[str, Any]) -> Any:
        """Do what a test asked for by its name."""
        known: Mapping[str, Callable[..., Any]] = {
            "workspace": self.workspace,
            "run": self.run,
            "image": self.image,
            "image.files": self.image_files,
            "image.read": self.read_image,
            "image.distributions": self.image_distributions,
            "terraform": self.terraform,
            "container.start": self.start_container,
            "container.await": self.await_container,
            "container.logs": self.logs,
            "container.exec": self.execute,
            "container.stop": self.stop_container,
            "container.again": self.start_again,
            "container.remove": self.remove_container,
        }
        return known[what](**parameters)

    def workspace(self) -> str:
        """Make a new copy of the learner's work."""
        self._numbers += 1
        folder = self.work / str(self._numbers)
        shutil.copytree(self._context.run.snapshot, folder, symlinks=True)
        return str(folder)

    def run(
        self,
        folder: str,
        argv: Sequence[str],
        timeout: float | None,
        env: Mapping[str, str] | None,
        check: bool,
    ) -> dict[str, Any]:
        """Run a command in a copy of the work, in the sandbox, without a network.

        All commands of a check together have the check's timeout.
        """
        run = self._context.run
        allowed = self._allowed(timeout)
        self._context.say(shlex.join(argv))
        with run.slots:
            command = Command(
                argv=argv,
                cwd=Path(folder),
                timeout=allowed,
                env={"PATH": f"{self._programs}:{SYSTEM_PATH}", **(env or {})},
                visible=(self._programs, *list_python_parts(self._programs / "python")),
                output_limit=_OUTPUT_LIMIT,
            )
            done = run.sandbox.run(command, run.cancel)
        # The bounds of the sandbox stand before the command that people know.
        return self._ended(dataclasses.replace(done, argv=tuple(argv)), allowed, check=check)

    def _allowed(self, timeout: float | None) -> float:
        return min(self._left, self._left if timeout is None else timeout)

    def _ended(
        self, done: Completed, allowed: float, *, prefix: str = "", check: bool = False
    ) -> dict[str, Any]:
        """Return what a command came to; raises CheckFailedError where it came to no end."""
        self._left = max(0.1, self._left - done.seconds)
        reason = ""
        if done.ending is Ending.TIMED_OUT:
            reason = f"did not end within {allowed:.3g} seconds and was stopped"
        elif done.ending is Ending.TOO_MUCH_OUTPUT:
            reason = "printed without end and was stopped"
        elif done.ending is not Ending.EXITED:
            reason = f"was stopped: {done.ending.value}"
        elif check and done.returncode:
            reason = f"ended with exit code {done.returncode}"
        if reason:
            raise CheckFailedError(
                f"{done.command} {reason}",
                evidence=Evidence(
                    ran=prefix + done.command,
                    expected="exit code 0" if check else "its end",
                    actual=reason,
                    log=done.tail(),
                ),
                hint="run the same command yourself; what it prints last says why",
                lasting=False,
            )
        return {
            "code": done.returncode,
            "out": done.stdout,
            "err": done.stderr,
            "seconds": done.seconds,
        }

    def image(self) -> dict[str, Any]:
        """Build the image, or join whoever does."""
        read_dockerfile(self._context.run, self._kind.dockerfile)
        image = build_work_image(self._context, self._kind.dockerfile).image
        labels = image.config.get("Labels") or {}
        own = {name: value for name, value in labels.items() if not name.startswith("devlab.")}
        return {
            "id": image.id,
            "config": {**image.config, "Labels": own},
            "size": image.size,
            "layers": len(image.diff_ids),
        }

    def image_files(self) -> list[list[Any]]:
        """List the files of the image, and whether its base has them."""
        context, dockerfile = self._context, self._kind.dockerfile
        first = count_base_layers(context, dockerfile)
        return [
            [
                *(file.path, file.kind, file.mode, file.uid, file.size, file.link),
                *(file.layer < first, file.executable),
            ]
            for file in read_file_system(context, dockerfile).files.values()
        ]

    def read_image(self, paths: Sequence[str], limit: int) -> dict[str, str]:
        """Return the beginnings of files of the image, in base64."""
        system = read_file_system(self._context, self._kind.dockerfile)
        found = system.read(set(paths), min(limit, _OUTPUT_LIMIT))
        return {path: base64.b64encode(content).decode() for path, content in found.items()}

    def image_distributions(self) -> list[dict[str, Any]]:
        """List the Python distributions in the image."""
        context, dockerfile = self._context, self._kind.dockerfile
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

    def terraform(self) -> dict[str, Any]:
        """Apply the configuration, or join whoever does, and return its outputs."""
        shared = find_terraform(self._context, self._kind.directory, self._kind.variables)
        return dict(shared.applied(self._context).state.outputs)

    def start_container(self) -> int:
        """Start a container of the image."""
        read_dockerfile(self._context.run, self._kind.dockerfile)
        own = contextlib.ExitStack()
        self._stack.callback(own.close)
        service = own.enter_context(run_service(self._context, self._kind))
        self._numbers += 1
        self._containers[self._numbers] = (service, own)
        return self._numbers

    def await_container(self, number: int) -> str:
        """Wait until the service answers, and say where."""
        service, _ = self._containers[number]
        self._context.say("waiting for the service to answer")
        wait_until_answers(self._context, self._kind, service)
        return f"http://{service.container.host}:{service.container.port}"

    def logs(self, number: int, lines: int) -> str:
        """Return the last lines that a container printed."""
        return "\n".join(self._containers[number][0].container.logs(lines))

    def execute(self, number: int, argv: Sequence[str], timeout: float) -> dict[str, Any]:
        """Run a command in a container."""
        container = self._containers[number][0].container
        allowed = self._allowed(timeout)
        done = operating.execute(
            container,
            argv,
            timeout=allowed,
            cancel=self._context.run.cancel,
            output_limit=_OUTPUT_LIMIT,
        )
        return self._ended(done, allowed, prefix="docker exec CONTAINER ")

    def stop_container(self, number: int, timeout: float) -> int:
        """Stop a container and return its exit code."""
        began = time.monotonic()
        code = operating.stop(self._containers[number][0].container, math.ceil(timeout))
        self._left = max(0.1, self._left - (time.monotonic() - began))
        return code

    def start_again(self, number: int) -> None:
        """Start a container that was stopped."""
        service, own = self._containers[number]
        container = operating.start_again(service.container)
        self._containers[number] = (Service(container, service.port), own)

    def remove_container(self, number: int) -> None:
        """Remove a container; harmless when it is gone."""
        self._containers[number][1].close()
