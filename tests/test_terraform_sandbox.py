"""What a configuration that gets past the gate finds of the machine: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder import sandbox
from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import reads
from scaffolder.checks.terraform.session import find_terraform
from tests.test_terraform_checks import MISSING, run_with

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.skipif(not sandbox.is_isolated(), reason="bubblewrap does not work here"),
]

BUCKET = 'resource "aws_s3_bucket" "b" { bucket = "a-bucket" }\n'


@pytest.fixture(autouse=True)
def _open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "find_objections", lambda *_: ())


def applied(run: Run) -> Iterator[object]:
    context = Context(run, "check", 120.0)
    try:
        yield from find_terraform(context, "infra", {}).applied(context).state.outputs.values()
    finally:
        run.shared.close()


def test_a_provider_reads_the_work_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    text = BUCKET + (
        'resource "aws_s3_object" "o" {\n  bucket = aws_s3_bucket.b.bucket\n  key = "k"\n'
        '  source = "%s"\n}\n'
    )
    run = run_with(tmp_path, text % "files/page.txt")
    (tmp_path / "work/infra/files").mkdir()
    (tmp_path / "work/infra/files/page.txt").write_text("a page")
    assert list(applied(run)) == []

    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(CheckFailedError, match="no such file"):
        list(applied(run_with(other, text % (tmp_path / "secret"))))


def test_terraform_itself_sees_no_more(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    places = (tmp_path / "secret", Path(sandbox.__file__), Path("/etc/shadow"))
    seen = ", ".join(f'fileexists("{place}")' for place in places)
    run = run_with(tmp_path, f'output "seen" {{\n  value = [{seen}]\n}}\n')
    (found,) = applied(run)
    assert found == [False, False, False]
