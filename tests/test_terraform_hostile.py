"""What somebody who knows the checks would hand in: nothing is bought, and nothing breaks."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import (
    cloud_policy,
    cloud_worlds,
    files,
    hcl,
    hcl_lexis,
    moto,
    trials,
)
from scaffolder.checks.terraform.hcl import HclSyntaxError
from scaffolder.checks.terraform.near import Values, breaks_stated, derive_near_misses
from scaffolder.checks.terraform.terraform import Resource, TerraformResult
from scaffolder.checks.terraform.terraform_output import read_json, read_messages
from scaffolder.checks.terraform.values import draw_bad_values, draw_good_values
from scaffolder.core import json_text
from scaffolder.core.errors import UnusableFileError, WorkFaultError
from scaffolder.sandbox import OwnWork
from scaffolder.tools.processes import Completed, Ending

LONG = "9" * 5000
SCRIPT = """
resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "id"
  }
}
"""


@pytest.mark.parametrize(
    "text",
    [
        # Terraform ends a here-document at its word, whatever blanks stand around it.
        f"locals {{\n  a = <<EOT\nx\nEOT \n}}\n{SCRIPT}locals {{\n  b = <<EOT\ny\nEOT\n}}\n",
        f"locals {{\n  a = <<-EOT\nx\nEOT\u00a0\n}}\n{SCRIPT}locals {{\n  b = <<EOT\ny\nEOT\n}}\n",
        # `$${` is two characters of a text, not the beginning of anything that a brace closes.
        'locals {\n  a = "$${"\n}\nresource terraform_data x {\n}\n# "}\n',
        'locals {\n  a = "%%{"\n}\nresource terraform_data x {\n}\n# "}\n',
        'locals {\n  a = "$$${x}"\n}\n',
        # A line within an expression is none of the document's.
        "locals {\n  a = <<EOT\n${[\nEOT\n][0]}\nEOT\n}\n",
    ],
)
def test_nothing_hides_in_what_two_readers_end_in_different_places(text: str) -> None:
    with pytest.raises(HclSyntaxError):
        hcl.parse_hcl(text, "x.tf")


@pytest.mark.parametrize(
    "text",
    [
        'a = "x ${ "in ${ "side" } }" } $${no} \\" # no"\n# "\n/* " */ b = "y" // "\n',
        'a = <<EOT\n"${ "x" }" # EOT\n  EOTX\n  EOT\nb = "$${y}"\n',
        'a = <<-E\n  $${x}\r\n  E\r\nb = "z"\n',
        'a = <<EOT\nEOT\nk "k" {\n}\n',
    ],
)
def test_texts_stand_where_both_readers_see_them(text: str) -> None:
    hcl.parse_hcl(text, "x.tf")
    assert all(text[start] in '"<' for start, _ in hcl_lexis.find_texts(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.tf", f"locals {{\n  n = {LONG}\n}}\n"),
        ("x.tf", f"locals {{\n  n = [-{LONG}]\n}}\n"),
        ("x.tf.json", f'{{"locals": {{"n": {LONG}}}}}'),
    ],
)
def test_numbers_without_end_are_the_works_fault(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UnusableFileError, match="thousands of digits"):
        files.read_configuration(tmp_path, ".")


def test_a_folder_whose_name_is_too_long_is_the_works_fault(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError):
        files.read_configuration(tmp_path, "a" * 5000)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_json_of_any_sort_is_read_or_no_json() -> None:
    assert json_text.load_json(LONG) == float(LONG)
    assert json_text.load_json('{"a": [1, 2.5]}') == {"a": [1, 2.5]}
    assert json_text.load_json(nested(json_text.DEPTH_LIMIT - 1))
    for text in (nested(json_text.DEPTH_LIMIT + 1), nested(200_000)):
        with pytest.raises(json_text.TooDeepError):
            json_text.load_json(text)
    with pytest.raises(ValueError, match="Expecting"):
        json_text.load_json("{")


def test_no_message_of_terraforms_is_lost_behind_a_value() -> None:
    line = json.dumps({"type": "outputs", "outputs": {"a": {"action": "update"}}})
    hidden = line.replace('"update"', f'"update", "value": {LONG}')
    assert [one["type"] for one in read_messages(f"{line}\n{hidden}\nno json\n")] == ["outputs"] * 2
    with pytest.raises(WorkFaultError, match="nested"):
        list(read_messages(nested(5000)))
    with pytest.raises(WorkFaultError, match="nested"):
        read_json(nested(5000))


PORT = Values(good=(1024, 8080), bad=(80, "http"), range=(1024, 65535), whole=True)
NAME = Values(good=("api", "a1-b"), bad=("", "-api"), pattern="[a-z][a-z0-9-]{1,38}[a-z0-9]")
GREETING = Values(good=("Hello!",), bad=("", "  "), length=(1, 100))
LISTED = Values(good=("dev", "prod"), bad=("", "production"), only=True)


@pytest.mark.parametrize("values", [PORT, NAME, GREETING, LISTED])
def test_values_are_drawn_on_either_side_of_what_is_stated(values: Values) -> None:
    def draw(seed: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        source = random.Random(seed)
        return draw_bad_values(values, source), draw_good_values(values, source)

    bad, good = draw(1)
    assert len(bad) == 4
    assert all(breaks_stated(values, one) for one in bad)
    assert len(good) == (0 if values.only else 2)
    assert not any(breaks_stated(values, one) or one in values.good for one in good)
    assert draw(1) == (bad, good) != draw(2)


def test_nothing_is_drawn_where_the_lab_does_not_say_all() -> None:
    source = random.Random(1)
    more_than_stated = Values(good=("api",), bad=("aws",), pattern="[a-z]+")
    assert draw_good_values(more_than_stated, source) == ()
    assert draw_good_values(Values(good=("api",), bad=("",)), source) == ()
    silent = Values(good=("a",), bad=("b",), only=True, near_misses=False)
    assert draw_bad_values(silent, source) == draw_good_values(silent, source) == ()


def test_the_module_of_a_value_says_nothing_of_it() -> None:
    rows = [{"a": number} for number in range(40)]
    one, other = (trials._named(list(rows), random.Random(seed)) for seed in (1, 2))
    assert sorted(row["a"] for row in one.values()) == list(range(40))
    assert [row["a"] for row in one.values()] != list(range(40))
    assert not {*one} & {*other}
    assert all(re.fullmatch("c[0-9a-f]{10}", name) for name in one)


BLOCK = dict.fromkeys(cloud_worlds.BLOCKS, True)


def planned(kind: str, **values: Any) -> Resource:
    return Resource(f"{kind}.x", kind, values)


def problems(resources: Iterable[Resource]) -> list[str]:
    found = cloud_worlds.find_bucket_faults(
        [*resources], private=True, versioned=True, encrypted=False
    )
    return [*found]


def test_settings_of_another_bucket_are_none_of_this_one() -> None:
    bucket = planned("aws_s3_bucket", bucket="ours")
    enabled: dict[str, Any] = {"versioning_configuration": [{"status": "Enabled"}]}
    block = planned("aws_s3_bucket_public_access_block", **BLOCK)
    assert problems([bucket, block, planned("aws_s3_bucket_versioning", **enabled)]) == []
    foreign = planned("aws_s3_bucket_versioning", bucket="theirs", **enabled)
    (found,) = problems([bucket, block, foreign])
    assert "theirs" in found
    unknown = planned("aws_s3_bucket")
    assert problems([unknown, block, foreign]) == []


def test_what_a_plan_leaves_open_is_known_to_be_open() -> None:
    block = planned("aws_s3_bucket_public_access_block", **BLOCK)
    told = planned("aws_s3_bucket_versioning", versioning_configuration=[{"status": "Enabled"}])
    assert not cloud_worlds.hides_buckets([block, told])
    assert cloud_worlds.hides_buckets([planned("aws_s3_bucket_public_access_block")])
    for part in ({}, {"mfa_delete": None}):
        open_one = planned("aws_s3_bucket_versioning", versioning_configuration=[part])
        assert cloud_worlds.hides_buckets([block, open_one])
    assert cloud_worlds.hides_buckets([planned("aws_s3_bucket_versioning")])
    tagged = planned("aws_iam_role", tags_all={"Service": "x"})
    assert not cloud_worlds.hides_tags([tagged], {"Service": ""}, {"aws_iam_role"})
    for unknown in (planned("aws_iam_role"), planned("aws_iam_role", tags_all={})):
        assert cloud_worlds.hides_tags([unknown], {"Service": ""}, {"aws_iam_role"})
    assert cloud_worlds.list_parameters([planned("aws_ssm_parameter")]) is None
    assert cloud_worlds.list_parameters([planned("aws_ssm_parameter", value="{}")]) == ["{}"]
    assert cloud_worlds.find_kept_buckets([planned("aws_s3_bucket", force_destroy=False)]) == [
        "aws_s3_bucket.x"
    ]
    assert cloud_worlds.find_kept_buckets([planned("aws_s3_bucket", force_destroy=True)]) == []


def test_who_is_denied_the_role_cannot_assume_it() -> None:
    def trust(*effects: str, **more: Any) -> dict[str, Any]:
        one = {"Principal": {"Service": "ecs"}, "Action": "sts:AssumeRole", **more}
        return {"Statement": [{"Effect": effect, **one} for effect in effects]}

    assert cloud_policy.list_assumers(trust("Allow")) == ["ecs"]
    assert cloud_policy.list_assumers(trust("Allow", "Deny")) == []
    assert cloud_policy.list_assumers(trust("Allow", "Deny", Condition={"Bool": {}})) == ["ecs"]
    assert cloud_policy.list_assumers(trust("Allow", "Deny", Principal="*")) == []


@pytest.mark.parametrize("path", ["/moto-api/reset", "moto-api/config", "//moto-api/seed"])
def test_the_work_does_not_steer_the_local_cloud(path: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def inner(environ: dict[str, Any], start: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start("200 OK", [])
        return [b""]

    said: list[str] = []
    app = moto._Recording(inner, tmp_path / "record")
    app({"PATH_INFO": path, "REQUEST_METHOD": "POST"}, lambda status, *_: said.append(status))
    for good in ("/moto-api/", "/bucket/moto-api/reset"):
        app({"PATH_INFO": good}, lambda status, *_: said.append(status))
    assert said == ["403 Forbidden", "200 OK", "200 OK"]
    assert asked == ["/moto-api/", "/bucket/moto-api/reset"]


class _Slow:
    """A session whose every plan takes half of what a plan may take, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.plans = 0

    def monotonic(self) -> float:
        return self.now

    def tried(self, *_: object) -> TerraformResult:
        self.plans += 1
        self.now += 30
        return TerraformResult(Completed((), 0, "", "", 30, Ending.EXITED))

    def find_machine_trouble(self, _: object) -> None:
        return None


@pytest.mark.parametrize(("count", "ends"), [(7, True), (40, False)])
def test_many_slow_plans_are_bounded_together(
    monkeypatch: pytest.MonkeyPatch, count: int, ends: bool
) -> None:
    slow = _Slow()
    monkeypatch.setattr(trials, "find_terraform", lambda *_: slow)
    monkeypatch.setattr(trials, "time", slow)
    nowhere = Path("/nowhere")
    context = Context(
        Run("t", nowhere, nowhere, nowhere, {}, {}, lambda: nowhere, sandbox=OwnWork(nowhere)),
        "c",
        60,
    )
    cases = [trials.TrialCase({"a": number}, "a") for number in range(count)]
    cases += [trials.TrialCase({"a": -1}, "a", derived=True)]

    def attempt() -> Any:
        return trials._try_whole(context, ".", hcl.Configuration(()), cases)

    if ends:
        # What is derived is left out when time is short.
        assert len(attempt()) == count
    else:
        with pytest.raises(CheckFailedError, match="a plan takes too long"):
            attempt()
        assert slow.plans < count


def test_the_shortest_good_text_has_neighbours_that_are_too_short() -> None:
    values = Values(
        good=("parcel-tracker", "api", "a1b"), bad=("",), pattern="[a-z][a-z0-9-]{1,38}[a-z0-9]"
    )
    assert {"ap", "pi", "a1", "1b"} <= {*derive_near_misses(values)}
