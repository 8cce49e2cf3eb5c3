"""The kinds `terraform.*` and `cloud.*`, mostly on one really applied solution."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import moto, terraform, terraform_places, terraform_provider
from scaffolder.checks.terraform.cloud import Cloud
from scaffolder.checks.terraform.near import Values
from scaffolder.checks.terraform.session import find_terraform
from scaffolder.checks.terraform.variables import Variables
from scaffolder.core.errors import UnavailableError
from scaffolder.grading.judge import judge
from scaffolder.labs import catalog, generate
from scaffolder.model import CheckSpec, Lab, Outcome, Verdict
from scaffolder.sandbox import OwnWork


def _reason() -> str:
    try:
        terraform.find_program()
        terraform_provider.find()
        moto.require()
    except UnavailableError as error:
        return error.message
    return ""


MISSING = _reason()


def new_run(folder: Path, work: Path) -> Run:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    return Run(
        id="test",
        snapshot=work,
        scratch=scratch,
        sandbox=OwnWork(scratch),
        lab_root=folder,
        variables={},
        faults={},
        start=lambda: work,
    )


@pytest.fixture(scope="session")
def lab() -> Lab:
    return catalog.load_lab("terraform-stubs")


@pytest.fixture(scope="session")
def solved(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("solved")
    generate.build_state(lab, "solution", {}, folder / "work")
    run = new_run(folder, folder / "work")
    yield run
    run.shared.close()


def verdict(lab: Lab, run: Run, check_id: str) -> Verdict:
    spec = next(spec for task in lab.tasks for spec in task.checks if spec.id == check_id)
    return judge(spec, Context(run, spec.id, spec.timeout))


def run_with(tmp_path: Path, text: str) -> Run:
    work = tmp_path / "work"
    (work / "infra").mkdir(parents=True)
    (work / "infra" / "main.tf").write_text(text, "utf-8")
    return new_run(tmp_path, work)


ORDER = (
    # The destroying one stands early on purpose: whatever comes after it must still be right.
    "validate-finds-nothing",
    "nothing-is-left",
    "bucket-is-safe",
    "role-is-least-privileged",
    "outputs-exist-in-the-cloud",
    "all-resources-are-tagged",
    "greeting-changes-the-parameter-only",
    # In other environments it holds the first greeting, not the one that was changed to.
    "parameter-holds-the-settings",
    "second-plan-is-empty",
)


@pytest.mark.terraform
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_the_solution_passes_whatever_the_order(lab: Lab, solved: Run) -> None:
    for check_id in ORDER:
        found = verdict(lab, solved, check_id)
        assert found.outcome is Outcome.PASS, (check_id, found.message)


HANG = """
variable "n" {
  type = number
  validation {
    condition = length([
      for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]
    ]) < var.n
    error_message = "Never."
  }
}
"""


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_that_hangs_is_stopped_and_fails_in_words(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    (reference / "infra").mkdir(parents=True)
    (reference / "infra" / "main.tf").write_text('variable "n" {\n  type = number\n}\n')
    run = dataclasses.replace(run_with(tmp_path, HANG), reference=lambda: reference)
    check = Variables(variables={"n": Values(good=(1,), bad=("x",))})
    started = time.monotonic()
    found = judge(CheckSpec("c", "k", check, 3), Context(run, "c", 3))
    assert found.outcome is Outcome.FAIL
    assert "did not end within 3 s" in found.message
    assert time.monotonic() - started < 30


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ('contains(["dev", "prod"], var.stage)', Outcome.PASS),
        ('can(regex("^(dev|prod)$", var.stage))', Outcome.PASS),
        ("contains(local.stages, var.stage)", Outcome.PASS),
        ('var.stage != ""', Outcome.FAIL),
        ('var.stage == "dev"', Outcome.FAIL),
    ],
)
def test_values_are_really_tried(condition: str, outcome: Outcome, tmp_path: Path) -> None:
    text = (
        'locals {\n  stages = ["dev", "prod"]\n}\n'
        'variable "stage" {\n  type = string\n  validation {\n'
        f'    condition     = {condition}\n    error_message = "No."\n  }}\n}}\n'
        'resource "aws_s3_bucket" "b" {\n  bucket = var.stage\n}\n'
    )
    check = Variables(variables={"stage": Values(good=("dev", "prod"), bad=("test", ""))})
    run = run_with(tmp_path, text)
    assert judge(CheckSpec("c", "k", check, 60), Context(run, "c", 60)).outcome is outcome


def test_without_terraform_the_structure_is_judged(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.build_state(lab, "solution", {}, tmp_path / "work")
    monkeypatch.setenv("PATH", str(tmp_path))
    run = new_run(tmp_path, tmp_path / "work")
    for task in lab.tasks:
        for spec in task.checks:
            found = verdict(lab, run, spec.id)
            assert found.outcome is Outcome.UNAVAILABLE, (spec.id, found.message)
            assert "install" in found.hint
    main = tmp_path / "work" / "infra" / "main.tf"
    main.write_text(main.read_text().replace('"ssm:GetParameter"', '"ssm:*"'))
    (tmp_path / "work" / "infra" / "outputs.tf").write_text("")
    variables = tmp_path / "work" / "infra" / "variables.tf"
    variables.write_text(variables.read_text().replace("type        = number", ""))
    again = new_run(tmp_path / "again", tmp_path / "work")
    for check_id in (
        "role-is-least-privileged",
        "outputs-exist-in-the-cloud",
        "values-are-validated",
    ):
        assert verdict(lab, again, check_id).outcome is Outcome.FAIL, check_id


def test_what_is_refused_never_starts_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr(moto, "start", never)
    monkeypatch.setattr(terraform_provider, "start", never)
    run = run_with(tmp_path, 'data "external" "x" {\n  program = ["id"]\n}\n')
    with pytest.raises(CheckFailedError) as caught:
        find_terraform(Context(run, "c", 5), "infra", {}).applied(Context(run, "c", 5))
    assert caught.value.verdict.findings[0].line == 1


def test_the_cloud_is_only_ever_on_this_machine() -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        Cloud("https://s3.amazonaws.com")


def test_a_mirror_named_in_terraforms_settings_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("TF_PLUGIN_CACHE_DIR", raising=False)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
    with pytest.raises(UnavailableError, match="not on this machine"):
        terraform_provider.find()
    settings = tmp_path / "settings"
    settings.write_text(
        'provider_installation {\n  filesystem_mirror {\n    path = "$HOME/mirror"\n  }\n}\n'
    )
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    for version in ("5.9.0", "5.100.0"):
        place = tmp_path / "mirror" / terraform_places.SOURCE / version
        program = place / f"{sys.platform}_{machine}" / "terraform-provider-aws_x"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(settings))
    assert "5.100.0" in str(terraform_provider.find())


@pytest.mark.skipif("moto" in MISSING, reason="the cloud extra is not installed")
def test_the_local_cloud_dies_with_a_killed_devlab(tmp_path: Path) -> None:
    moto.require()
    script = (
        "import pathlib, sys, time\n"
        "from scaffolder.checks.terraform import moto\n"
        "from scaffolder.tools.processes import CancelToken\n"
        "from scaffolder.sandbox import OwnWork, list_own_code\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "server = moto.start(OwnWork(place), place, list_own_code(), CancelToken())\n"
        "print(server.url, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as devlab:
        assert devlab.stdout is not None
        url = devlab.stdout.readline().strip()
        assert Cloud(url).picture().names == ()
        devlab.kill()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and _answers(url):
        time.sleep(0.2)
    assert not _answers(url)


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, int(port))) == 0
