"""What `cloud.access` and `cloud.settings` make of what is in the cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks import cloud, cloud_access
from scaffolder.checks.base import Context, Run
from scaffolder.checks.cloud import Settings
from scaffolder.checks.cloud_access import Access, Grant
from scaffolder.checks.terraform_change import _holds
from scaffolder.checks.terraform_session import Applied
from scaffolder.model import Outcome, Verdict
from scaffolder.tools.cloud import Bucket, Parameter, Picture, Policy, Role
from scaffolder.tools.terraform import Resource, State

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

    monkeypatch.setattr(module, "session", lambda *_: Session())
    nowhere = Path("/nowhere")
    bare = Run("t", nowhere, nowhere, nowhere, {}, {}, lambda: nowhere)
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
    assert run(monkeypatch, cloud, check, picture).outcome is outcome
    assert run(monkeypatch, cloud, check, Picture()).outcome is Outcome.FAIL


def test_a_value_is_found_however_it_is_escaped() -> None:
    assert _holds({"value": '{"a": ["\\u003cb\\u003e \\"c\\""]}'}, '<b> "c"')
    assert _holds({"value": "say <b>"}, "<b>")
    assert not _holds({"value": '{"a": "b"}', "n": 3}, "c")
