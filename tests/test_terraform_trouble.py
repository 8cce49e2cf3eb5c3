"""The grader's own trouble is nobody's fail: commands and servers that die, clouds that lack."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import botocore.exceptions
import botocore.parsers
import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import moto, terraform
from scaffolder.checks.terraform.answers import require_end
from scaffolder.checks.terraform.cloud import Cloud
from scaffolder.checks.terraform.kinds import Applies, Formatted
from scaffolder.checks.terraform.near import Values
from scaffolder.checks.terraform.session import find_terraform
from scaffolder.checks.terraform.terraform import Diagnostic, Terraform, TerraformResult
from scaffolder.checks.terraform.variables import Variables
from scaffolder.core.errors import UnavailableError
from scaffolder.grading.judge import judge
from scaffolder.labs import catalog, generate
from scaffolder.model import Cause, CheckSpec, Outcome
from scaffolder.sandbox import OwnWork, list_own_code
from scaffolder.tools.lifeline import tie_command
from scaffolder.tools.processes import CancelToken, Completed, Daemon, Ending

# What bubblewrap says when a container ends elsewhere while it sets up: its file system goes away.
UNMOUNTED = (
    "bwrap: Can't bind mount /oldroot/ on /newroot/: Unable to apply mount flags: "
    'remount "/newroot/var/lib/docker/overlay2/x/merged": Invalid argument\n'
)


def ended(code: int, stdout: str = "", stderr: str = "") -> Completed:
    return Completed(("terraform",), code, stdout, stderr, 0.1, Ending.EXITED)


class Scripted:
    """A sandbox whose commands come to what was told, one after the other."""

    def __init__(self, *completed: Completed) -> None:
        self.left = list(completed)

    def run(self, *_: object, **__: object) -> Completed:
        return self.left.pop(0)


def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *completed: Completed) -> Terraform:
    monkeypatch.setattr(terraform, "find_program", lambda: Path("/usr/bin/terraform"))
    return Terraform(tmp_path, Scripted(*completed), CancelToken(), 5)


def test_a_plan_says_which_outputs_it_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outputs = {"a": {"action": "noop"}, "b": {"action": "update"}, "c": {"value": 1}}
    said = ended(0, json.dumps({"type": "outputs", "outputs": outputs}))
    assert scripted(monkeypatch, tmp_path, said).plan({}).outputs == ("b",)


def run_with(tmp_path: Path, text: str) -> Run:
    (tmp_path / "work" / "infra").mkdir(parents=True)
    (tmp_path / "work" / "infra" / "main.tf").write_text(text, "utf-8")
    return new_run(tmp_path)


def new_run(folder: Path) -> Run:
    (folder / "scratch").mkdir(parents=True)
    return Run(
        id="test",
        snapshot=folder / "work",
        scratch=folder / "scratch",
        sandbox=OwnWork(folder / "scratch"),
        lab_root=folder,
        variables={},
        faults={},
        start=lambda: folder,
    )


STAGE = 'variable "stage" {\n  type = string\n}\n'


@pytest.mark.parametrize("stderr", ["", UNMOUNTED, "Killed\n"])
@pytest.mark.parametrize("here", [True, False], ids=["only the work", "the reference too"])
def test_silence_is_the_machines_trouble_where_the_lab_meets_it_too(
    here: bool, stderr: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a value above all: Terraform did not take it, it said nothing."""
    monkeypatch.setattr(terraform, "find_program", lambda: Path("/usr/bin/terraform"))
    monkeypatch.setattr(OwnWork, "run", lambda *_, **__: ended(1, stderr=stderr))
    run = run_with(tmp_path, STAGE)
    trouble = None if here else UnavailableError("the lab's own answer fails here too")
    monkeypatch.setattr(Run, "control", lambda *_: trouble)
    expected = Outcome.FAIL if here else Outcome.UNAVAILABLE
    for check in (Variables(variables={"stage": Values(good=("a",), bad=("b",))}), Formatted()):
        found = judge(CheckSpec("c", "k", check, 5), Context(run, "c", 5))
        assert found.outcome is expected, found.message


def test_a_command_that_gives_no_reason_did_not_come_to_its_end() -> None:
    late = Completed(("terraform",), -9, "", "", 5, Ending.TIMED_OUT)
    starved = ended(2, stderr="fatal error: runtime: out of memory\n\ngoroutine 1:\n")
    for completed in (late, starved, ended(-9)):
        with pytest.raises(CheckFailedError):
            require_end(TerraformResult(completed), "plan", 5)
    require_end(TerraformResult(ended(1), (Diagnostic("error", "No."),)), "plan", 5)


@pytest.mark.terraform
def test_the_cloud_tells_by_itself_what_it_cannot_do(tmp_path: Path) -> None:
    """Whatever its clients say: they can be made to say anything."""
    server = moto.start(OwnWork(tmp_path), tmp_path, list_own_code(), CancelToken())
    try:
        assert server.answers
        known = boto3_client(server.url, "iam")
        with contextlib.suppress(botocore.exceptions.ClientError):
            known.get_role(RoleName="NotImplemented")
        assert server.refusals() == ()
        errors = (botocore.exceptions.ClientError, botocore.parsers.ResponseParserError)
        with pytest.raises(errors):
            known.get_service_last_accessed_details(JobId="0" * 36)
        (line,) = set(server.refusals())
        assert line.startswith("iam: ")
    finally:
        server.stop()
    assert not server.answers


def boto3_client(url: str, service: str) -> Any:
    return Cloud(url)._client(service)


def test_a_server_that_died_is_known_to_be_dead(tmp_path: Path) -> None:
    with Daemon(tie_command(["/bin/sh", "-c", "exit 1"]), log=tmp_path / "log") as daemon:
        deadline = time.monotonic() + 5
        while daemon.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not daemon.alive


@pytest.mark.terraform
@pytest.mark.parametrize("here", [True, False], ids=["only the work", "the reference too"])
def test_a_provider_that_dies_in_the_middle_is_never_bought(
    here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.build_state(catalog.load_lab("terraform-stubs"), "solution", {}, tmp_path / "work")
    run = new_run(tmp_path)
    trouble = None if here else UnavailableError("the lab's own answer fails here too")
    monkeypatch.setattr(Run, "control", lambda *_: trouble)
    try:
        context = Context(run, "c", 60)
        values = {"service_name": "parcel-tracker", "environment": "staging"}
        shared = find_terraform(context, "infra", values)
        assert shared.validated(context).ok
        assert shared._provider is not None
        shared._provider.daemon.stop()
        found = judge(CheckSpec("c", "k", Applies(variables=values), 60), context)
    finally:
        run.shared.close()
    assert found.outcome is Outcome.UNAVAILABLE, found.message
    assert found.cause is (Cause.WORK if here else Cause.MACHINE)
    assert "the AWS provider ended while terraform apply ran" in found.message
