"""The grader's own trouble is nobody's fail: commands and servers that die, clouds that lack."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scaffolder import catalog, generate
from scaffolder.checks.base import CheckFailedError, Context, Run
from scaffolder.checks.terraform import Applies, Formatted
from scaffolder.checks.terraform_answers import require_end, require_service
from scaffolder.checks.terraform_session import session
from scaffolder.checks.terraform_variables import Values, Variables
from scaffolder.errors import UnavailableError
from scaffolder.grading.judge import judge
from scaffolder.model import CheckSpec, Outcome
from scaffolder.sandbox import OwnWork
from scaffolder.tools import terraform, terraform_program
from scaffolder.tools.lifeline import tied
from scaffolder.tools.processes import CancelToken, Completed, Daemon, Ending
from scaffolder.tools.terraform import Answer, Diagnostic, Terraform

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

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        return self.left.pop(0)


def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *completed: Completed) -> Terraform:
    monkeypatch.setattr(terraform, "program", lambda: Path("/usr/bin/terraform"))
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
        lab_root=folder,
        variables={},
        faults={},
        start=lambda: folder,
    )


STAGE = 'variable "stage" {\n  type = string\n}\n'


@pytest.mark.parametrize("stderr", ["", UNMOUNTED, "Killed\n"])
def test_silence_is_no_verdict(
    stderr: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a value above all: Terraform did not take it, it said nothing."""
    monkeypatch.setattr(terraform, "program", lambda: Path("/usr/bin/terraform"))
    monkeypatch.setattr(OwnWork, "run", lambda *_, **__: ended(1, stderr=stderr))
    run = run_with(tmp_path, STAGE)
    checks = (Variables(variables={"stage": Values(good=("a",), bad=("b",))}), Formatted())
    for check in checks:
        found = judge(CheckSpec("c", "k", check, 5), Context(run, "c", 5))
        assert found.outcome is Outcome.ERROR, found.message


NO_PLUGIN = "Failed to load plugin schemas: timeout while waiting for plugin to start"


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Diagnostic("error", NO_PLUGIN), Outcome.ERROR),
        (Diagnostic("error", "Invalid index", path="main.tf", line=9), Outcome.FAIL),
    ],
)
def test_a_bad_value_is_taken_only_where_the_plan_stumbles_over_it(
    trouble: Diagnostic, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def plan(_: Terraform, values: Mapping[str, Any]) -> Answer:
        return Answer(ended(0)) if values["stage"] == "a" else Answer(ended(1), (trouble,))

    monkeypatch.setattr(terraform_program, "program", lambda: Path("/usr/bin/terraform"))
    monkeypatch.setattr(Terraform, "init", lambda _: Answer(ended(0)))
    monkeypatch.setattr(Terraform, "plan", plan)
    check = Variables(variables={"stage": Values(good=("a",), bad=("b",))})
    found = judge(CheckSpec("c", "k", check, 5), Context(run_with(tmp_path, STAGE), "c", 5))
    assert found.outcome is outcome, found.message


def test_a_bad_end_is_the_works_fault_only_where_it_was() -> None:
    late = Completed(("terraform",), -9, "", "", 5, Ending.TIMED_OUT)
    starved = ended(2, stderr="fatal error: runtime: out of memory\n\ngoroutine 1:\n")
    for completed in (late, starved):
        with pytest.raises(CheckFailedError):
            require_end(Answer(completed), "plan", 5)
    with pytest.raises(RuntimeError):
        require_end(Answer(ended(-9)), "plan", 5)
    require_end(Answer(ended(1), (Diagnostic("error", "No."),)), "plan", 5)


CLOUD = "http://127.0.0.1:40001"


def test_what_the_local_cloud_lacks_is_nobodys_fault() -> None:
    lacking = "operation error S3: PutX, https response error StatusCode: 501, NotImplemented"
    with pytest.raises(UnavailableError, match="local cloud"):
        require_service(Answer(ended(1), (Diagnostic("error", lacking),)), "apply", CLOUD)
    mistaken = "operation error S3: CreateBucket, StatusCode: 400, InvalidBucketName"
    require_service(Answer(ended(1), (Diagnostic("error", mistaken),)), "apply", CLOUD)


SENT = (
    "creating S3 Bucket (x): operation error S3: CreateBucket, https response error StatusCode: 0, "
    'RequestID: , HostID: , request send failed, Put "http://{host}/x": '
)
RESET = "read tcp 127.0.0.1:5->127.0.0.1:40001: read: connection reset by peer"
NO_HEADER = 'net/http: invalid header field value for "X-Amz-Meta-A"'


@pytest.mark.parametrize("host", ["127.0.0.1:40001", "123456789012.127.0.0.1:40001"])
def test_a_cloud_that_does_not_answer_is_nobodys_fault(host: str) -> None:
    """Although the provider gives its trouble with the network the resource's place."""
    error = Diagnostic("error", SENT.format(host=host) + RESET, path="main.tf", line=1)
    with pytest.raises(RuntimeError, match="no answer"):
        require_service(Answer(ended(1), (error,)), "apply", CLOUD)


@pytest.mark.parametrize(
    "text",
    [
        SENT.format(host="192.0.2.1") + "connect: connection refused",
        SENT.format(host="127.0.0.1:40001") + NO_HEADER,
        f"setting attributes of the queue ({CLOUD}/1/q): StatusCode: 400, InvalidAttributeName",
    ],
)
def test_what_the_work_got_wrong_is_no_trouble_with_the_cloud(text: str) -> None:
    error = Diagnostic("error", text, path="main.tf", line=1)
    require_service(Answer(ended(1), (error,)), "apply", CLOUD)


def test_a_server_that_died_is_known_to_be_dead(tmp_path: Path) -> None:
    with Daemon(tied(["/bin/sh", "-c", "exit 1"]), log=tmp_path / "log") as daemon:
        deadline = time.monotonic() + 5
        while daemon.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not daemon.alive


@pytest.mark.terraform
def test_a_provider_that_dies_in_the_middle_is_an_error(tmp_path: Path) -> None:
    generate.build_state(catalog.load("terraform-stubs"), "solution", {}, tmp_path / "work")
    run = new_run(tmp_path)
    try:
        context = Context(run, "c", 60)
        values = {"service_name": "parcel-tracker", "environment": "staging"}
        shared = session(context, "infra", values)
        assert shared.validated(context).ok
        assert shared._provider is not None
        shared._provider.stop()
        found = judge(CheckSpec("c", "k", Applies(variables=values), 60), context)
    finally:
        run.shared.close()
    assert found.outcome is Outcome.ERROR, found.message
    assert "the AWS provider ended while terraform apply ran" in found.message
