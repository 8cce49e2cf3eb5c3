"""What `cloud.access` and `cloud.settings` make of what is in the cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.context import Context, Run
from scaffolder.checks.terraform import change, cloud_access, cloud_kinds
from scaffolder.checks.terraform import terraform as changes
from scaffolder.checks.terraform.change import _holds
from scaffolder.checks.terraform.cloud import Bucket, Parameter, Picture, Policy, Role
from scaffolder.checks.terraform.cloud_access import Access, Grant
from scaffolder.checks.terraform.cloud_kinds import Settings
from scaffolder.checks.terraform.cloud_refuses import find_refusals
from scaffolder.checks.terraform.stages import Applied, Changed
from scaffolder.checks.terraform.terraform import Resource, State, TerraformResult
from scaffolder.model import Outcome, Verdict
from scaffolder.sandbox import OwnWork
from scaffolder.tools.processes import Completed, Ending

BUCKET = "arn:aws:s3:::artifacts"
PARAMETER = "arn:aws:ssm:eu-central-1:123456789012:parameter/service/config"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
ROLE = "arn:aws:iam::123456789012:role/service"
MADE = (BUCKET, PARAMETER, KEY, ROLE)
SERVICE = {"Service": "ecs-tasks.amazonaws.com"}

CHECK = Access(
    grants=(
        Grant(action="s3:GetObject", on="object", key="releases/app"),
        Grant(action="ssm:GetParameter", on="parameter"),
    ),
    refuses=(Grant(action="s3:GetObject", on="object", key="other/app"),),
    may=("s3:GetObjectVersion", "s3:ListBucket", "ssm:GetParametersByPath", "kms:Decrypt"),
    trusts="ecs-tasks.amazonaws.com",
)


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


NEEDED = (
    allow("s3:GetObject", f"{BUCKET}/releases/*"),
    allow(["ssm:GetParameter"], [PARAMETER]),
)


def judged(
    monkeypatch: pytest.MonkeyPatch,
    *statements: dict[str, Any],
    bucket_policy: tuple[dict[str, Any], ...] = (),
    trust: Any = SERVICE,
    trusts: tuple[Any, ...] = (),
) -> Verdict:
    policy = Policy("p", {"Statement": list(statements)})
    doors = [
        {"Effect": "Allow", "Principal": one, "Action": "sts:AssumeRole"}
        for one in (trust, *trusts)
    ]
    picture = Picture(
        buckets=(Bucket("artifacts", {}, "", "", {"Statement": list(bucket_policy)}),),
        roles=(Role("service", ROLE, {"Statement": doors}, (policy,)),),
        parameters=(Parameter("/service/config", PARAMETER, "{}"),),
    )
    return run(monkeypatch, cloud_access, CHECK, picture)


def run(monkeypatch: pytest.MonkeyPatch, module: Any, check: Any, picture: Picture) -> Verdict:
    resources = tuple(Resource(arn, "t", {"arn": arn}) for arn in MADE)
    applied = Applied(State(resources), picture, 0.1)

    class Session:
        def applied(self, _: Context) -> Applied:
            return applied

    monkeypatch.setattr(module, "find_terraform", lambda *_: Session())
    nowhere = Path("/nowhere")
    bare = Run("t", nowhere, nowhere, nowhere, {}, {}, lambda: nowhere, sandbox=OwnWork(nowhere))
    verdict: Verdict = check.run(Context(bare, "c", 5))
    return verdict


def test_what_is_needed_and_what_nobody_minds(monkeypatch: pytest.MonkeyPatch) -> None:
    more = (
        allow("s3:ListBucket", BUCKET, Condition={"StringLike": {"s3:prefix": "releases/*"}}),
        allow(["s3:GetObjectVersion"], f"{BUCKET}/releases/*"),
        allow("ssm:GetParametersByPath", PARAMETER),
        allow("kms:Decrypt", KEY),
        {"Effect": "Deny", "NotAction": "s3:*", "Resource": f"{BUCKET}/*"},
    )
    found = judged(monkeypatch, *NEEDED, *more)
    assert found.outcome is Outcome.PASS, found.message


def test_a_bucket_policy_may_give_what_the_role_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    given = allow("s3:GetObject", f"{BUCKET}/releases/*", Principal={"AWS": ROLE})
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    found = judged(monkeypatch, NEEDED[1], bucket_policy=(given, insecure))
    assert found.outcome is Outcome.PASS, found.message


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (allow("s3:GetObject", f"{BUCKET}/*"), "on arn:aws:s3:::artifacts/other/app"),
        (allow("s3:GetObject", "arn:aws:s3:::elsewhere/releases/*"), "does not make"),
        (allow("ssm:GetParameter", PARAMETER.rpartition("/")[0] + "/*"), "does not make"),
        (allow("s3:DeleteObject", f"{BUCKET}/releases/*"), "s3:deleteobject"),
        (allow("ssm:Get*", PARAMETER), "allows the action ssm:Get*"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": BUCKET}, "NotAction"),
    ],
)
def test_too_much_is_named(
    statement: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(monkeypatch, *NEEDED, statement)
    assert found.outcome is Outcome.FAIL
    assert words in found.message
    given = {**statement, "Principal": {"AWS": [ROLE]}}
    by_bucket = judged(monkeypatch, *NEEDED, bucket_policy=(given,))
    assert by_bucket.outcome is Outcome.FAIL
    assert words in by_bucket.message


def test_nobody_else_may_have_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ({"AWS": "arn:aws:iam::210987654321:root"}, {"Service": "ec2.amazonaws.com"}, "*"):
        found = judged(monkeypatch, *NEEDED, trusts=(other,))
        assert found.outcome is Outcome.FAIL, other
    assert judged(monkeypatch, *NEEDED, trust={"Service": "x"}).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ('{"GREETING": "Hi \\u0026 \\"bye\\"", "PORT": 8080}', Outcome.PASS),
        ('{"PORT": "8080", "GREETING": "Hi & \\"bye\\"", "DEBUG": false}', Outcome.PASS),
        ('{"GREETING": "Hi & "bye"", "PORT": 8080}', Outcome.FAIL),
        ('{"GREETING": "Hi & \\"bye\\""}', Outcome.FAIL),
        ('["GREETING", "PORT"]', Outcome.FAIL),
        ("TODO", Outcome.FAIL),
    ],
)
def test_settings_are_read_as_json(
    value: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Settings(holds={"GREETING": 'Hi & "bye"', "PORT": 8080})
    picture = Picture(parameters=(Parameter("/c", PARAMETER, value),))
    assert run(monkeypatch, cloud_kinds, check, picture).outcome is outcome
    assert run(monkeypatch, cloud_kinds, check, Picture()).outcome is Outcome.FAIL


def test_a_value_is_found_however_it_is_escaped() -> None:
    assert _holds({"value": '{"a": ["\\u003cb\\u003e \\"c\\""]}'}, '<b> "c"')
    assert _holds({"value": "say <b>"}, "<b>")
    assert not _holds({"value": '{"a": "b"}', "n": 3}, "c")


@pytest.mark.parametrize(
    ("resource", "near"),
    [
        (f"{BUCKET}/releases*", "releases-old/app"),
        (f"{BUCKET}/rel*", "releasesx/app"),
        (f"{BUCKET}/*", "xreleases/app"),
    ],
)
def test_what_lies_beside_the_folder_is_not_the_folder(
    resource: str, near: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(monkeypatch, allow("s3:GetObject", resource), NEEDED[1])
    assert found.outcome is Outcome.FAIL
    assert f"s3:GetObject on {BUCKET}/{near}" in found.message


def test_what_lies_below_the_parameter_is_not_the_parameter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    below = allow("ssm:GetParameter", [PARAMETER, f"{PARAMETER}/*"])
    found = judged(monkeypatch, NEEDED[0], below)
    assert found.outcome is Outcome.FAIL
    assert f"ssm:GetParameter on {PARAMETER}/below" in found.message


WIDE = Policy("boundary", {"Statement": [allow(["s3:*", "ssm:*"], "*")]})
NARROW = Policy("boundary", {"Statement": [allow("s3:*", "*")]})


@pytest.mark.parametrize(
    ("boundary", "outcome"),
    [(None, Outcome.PASS), (WIDE, Outcome.PASS), (NARROW, Outcome.FAIL)],
)
def test_a_role_may_what_policies_and_boundary_allow(
    boundary: Policy | None, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(monkeypatch, cloud_access, CHECK, pictured(boundary=boundary))
    assert found.outcome is outcome, found.message
    if boundary is NARROW:
        assert "may not ssm:GetParameter" in found.message


def test_an_access_key_is_more_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    user = Role("robot", "arn:aws:iam::123456789012:user/robot", {}, (), "user", keys=("AKIA1",))
    found = run(monkeypatch, cloud_access, CHECK, pictured(user))
    assert found.outcome is Outcome.FAIL
    assert "robot has the access key AKIA1" in found.message


def pictured(*others: Role, boundary: Policy | None = None) -> Picture:
    policy = Policy("p", {"Statement": list(NEEDED)})
    door = {"Effect": "Allow", "Principal": SERVICE, "Action": "sts:AssumeRole"}
    role = Role("service", ROLE, {"Statement": [door]}, (policy,), boundary=boundary)
    return Picture(
        buckets=(Bucket("artifacts", {}, "", "", {}),),
        roles=(role, *others),
        parameters=(Parameter("/service/config", PARAMETER, "{}"),),
    )


def stated(kind: str, **attributes: Any) -> State:
    return State((Resource(f"{kind}.x", kind, attributes),))


OWNED = Resource(
    "aws_s3_bucket_ownership_controls.x",
    "aws_s3_bucket_ownership_controls",
    {"bucket": "b", "rule": [{"object_ownership": "BucketOwnerPreferred"}]},
)
RULE = {"apply_server_side_encryption_by_default": [{"sse_algorithm": "AES256"}]}
KEYED = {
    "apply_server_side_encryption_by_default": [
        {"sse_algorithm": "AES256", "kms_master_key_id": "arn:aws:kms:x"}
    ]
}
SSE = "aws_s3_bucket_server_side_encryption_configuration"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (stated("aws_s3_bucket_acl", bucket="b", acl="private"), "AccessControlListNotSupported"),
        (stated("aws_s3_bucket", bucket="b..c-x"), "InvalidBucketName"),
        (stated("aws_s3_bucket", bucket="x-s3alias"), "InvalidBucketName"),
        (stated("aws_s3_bucket", bucket="abc", acl="public-read"), "InvalidBucketAcl"),
        (stated(SSE, rule=[KEYED]), "InvalidArgument"),
        (stated("aws_ssm_parameter", value="say {{x}}"), "ValidationException"),
        (stated("aws_ssm_parameter", value="x" * 4097), "4096"),
        (stated("aws_iam_role", tags_all={"Greeting": "Hi!"}), "InvalidTag"),
        (stated("aws_iam_policy", policy="x" * 6145), "LimitExceeded"),
    ],
)
def test_what_aws_refuses_is_refused(state: State, words: str) -> None:
    (said,) = find_refusals(state)
    assert words in said


@pytest.mark.parametrize(
    "state",
    [
        State((*stated("aws_s3_bucket_acl", bucket="b", acl="private").resources, OWNED)),
        stated("aws_s3_bucket", bucket="parcel-tracker-staging-artifacts", acl=None),
        stated(SSE, rule=[RULE]),
        stated("aws_ssm_parameter", value='{"a": {"b": 1}}', tier="Standard"),
        stated("aws_iam_role", tags_all={"Service": "Grüße an: +-=._@/", "Empty": ""}),
    ],
)
def test_what_aws_takes_is_taken(state: State) -> None:
    assert find_refusals(state) == ()


def left(greeting: str, *others: Resource, kept: bool = True) -> Applied:
    value = f'{{"GREETING": "{greeting}"}}'
    attributes = {"value": value} if kept else {"value_wo_version": len(greeting)}
    resources = (Resource("aws_ssm_parameter.c", "aws_ssm_parameter", attributes), *others)
    return Applied(State(resources), Picture(parameters=(Parameter("/c", PARAMETER, value),)), 0.1)


@pytest.mark.parametrize("kept", [True, False], ids=["in the state", "written only"])
@pytest.mark.parametrize("kind", ["terraform_data", "aws_iam_role"])
def test_a_change_is_what_changes_in_the_cloud(
    kind: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = (
        left(said, Resource(f"{kind}.x", kind, {"input": said}), kept=kept) for said in ("a", "bcd")
    )
    actions = (changes.ResourceChange(f"{kind}.x", kind, "replace"),)
    answer = TerraformResult(Completed(("terraform",), 0, "", "", 0.1, Ending.EXITED), (), actions)
    monkeypatch.setattr(
        change, "find_terraform", lambda *_: Holding(Changed(before, after, answer))
    )
    check = change.Change(variable="greeting", value="bcd", changes=("aws_ssm_parameter",))
    nowhere = Path("/nowhere")
    bare = Run("t", nowhere, nowhere, nowhere, {}, {}, lambda: nowhere, sandbox=OwnWork(nowhere))
    found = check.run(Context(bare, "c", 5))
    expected = Outcome.PASS if kind == "terraform_data" else Outcome.FAIL
    assert found.outcome is expected, found.message


class Holding:
    def __init__(self, changed: Changed) -> None:
        self._changed = changed

    def changed(self, *_: object) -> Changed:
        return self._changed
