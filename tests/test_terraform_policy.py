"""The evaluation of IAM policy documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.terraform import cloud_policy


def document(action: Any, resource: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


BUCKET = "arn:aws:s3:::artifacts"


@pytest.mark.parametrize(
    "resource",
    [
        BUCKET,
        f"{BUCKET}/*",
        f"{BUCKET}/releases/*",
        f"{BUCKET}/releases/app-*",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/service/config",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/service/*",
    ],
)
def test_what_lies_within_one_named_thing_is_no_wildcard(resource: str) -> None:
    assert not list(cloud_policy.find_wildcards(document("s3:GetObject", resource)))


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::art*",
        "arn:aws:s3:::artifacts*",
        "arn:aws:s3:::*/releases/app",
        "arn:aws:s3:::artifact?/x",
        f"{BUCKET}/*/secret",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/*",
        "arn:aws:ssm:*:123456789012:parameter/service/*",
        "arn:aws:ssm:eu-central-1:*:parameter/service/config",
        "arn:aws:iam::123456789012:role/*",
        "arn:*",
    ],
)
def test_wildcards_that_reach_other_things_are_found(resource: str) -> None:
    assert list(cloud_policy.find_wildcards(document("s3:GetObject", [BUCKET, resource])))


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*", "s3:GetObjec?"])
def test_wildcards_in_actions_are_found(action: str) -> None:
    assert list(cloud_policy.find_wildcards(document(["s3:PutObject", action], BUCKET)))


def test_a_denial_may_be_wide_and_the_inverse_forms_may_not() -> None:
    assert not list(cloud_policy.find_wildcards(document("*", "*", "Deny")))
    inverse = {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": BUCKET}}
    assert list(cloud_policy.find_wildcards(inverse))
    elsewhere = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": BUCKET}}
    assert list(cloud_policy.find_wildcards(elsewhere))


def test_a_denial_beats_and_a_conditional_one_does_not() -> None:
    allow = document("S3:getobject", f"{BUCKET}/*")
    deny = document("s3:*", "*", "Deny")
    only_plain = document("s3:*", "*", "Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})
    key = f"{BUCKET}/releases/app"
    assert cloud_policy.allows([allow], "s3:GetObject", key)
    assert not cloud_policy.allows([allow, deny], "s3:GetObject", key)
    assert cloud_policy.allows([allow, only_plain], "s3:GetObject", key)
    assert not cloud_policy.allows([allow], "s3:PutObject", key)
    assert not cloud_policy.allows([allow], "s3:GetObject", BUCKET)
    assert not cloud_policy.allows([], "s3:GetObject", key)


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::1:root", "*"]}])
def test_everybody_is_noticed(principal: Any) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal}]}
    assert list(cloud_policy.find_open_principals(trust))


def test_a_service_is_not_everybody() -> None:
    trust = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}}
    assert not list(cloud_policy.find_open_principals(trust))
    assert cloud_policy.list_trusted_principals(trust) == ["ecs-tasks.amazonaws.com"]


@pytest.mark.parametrize(
    ("action", "able"),
    [
        ("sts:AssumeRole", True),
        (["sts:TagSession", "STS:assumerole"], True),
        ("sts:*", True),
        ("sts:AssumeRoleWithWebIdentity", False),
        ([], False),
    ],
)
def test_only_who_is_given_the_action_can_assume(action: Any, able: bool) -> None:
    who = {"Service": "ecs-tasks.amazonaws.com"}
    trust = {"Statement": {"Effect": "Allow", "Principal": who, "Action": action}}
    assert cloud_policy.list_assumers(trust) == (["ecs-tasks.amazonaws.com"] if able else [])


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_text_without_wildcards_matches_itself_alone(one: str, other: str) -> None:
    plain = one.replace("*", "").replace("?", "")
    allowed = [document("a:B", plain)]
    assert cloud_policy.allows(allowed, "a:b", plain)
    assert cloud_policy.allows(allowed, "a:b", other) == (other == plain)


def test_many_stars_do_not_take_for_ever() -> None:
    assert not cloud_policy.allows([document("a:B", "*a" * 12 + "b")], "a:b", "a" * 60)
