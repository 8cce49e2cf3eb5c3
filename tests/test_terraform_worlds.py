"""What holds in one world only is not held: properties of what a plan would leave."""

from __future__ import annotations

from typing import Any

import pytest

from scaffolder.checks.terraform import cloud_worlds
from scaffolder.checks.terraform.terraform import Resource

BLOCK = dict.fromkeys(cloud_worlds.BLOCKS, True)
ENABLED: dict[str, Any] = {"versioning_configuration": [{"status": "Enabled"}]}
SSE = "aws_s3_bucket_server_side_encryption_configuration"


def resource(kind: str, **values: Any) -> Resource:
    return Resource(f"{kind}.x", kind, values)


BUCKET = resource("aws_s3_bucket", bucket="b")
WHOLE = (
    BUCKET,
    resource("aws_s3_bucket_public_access_block", **BLOCK),
    resource("aws_s3_bucket_versioning", **ENABLED),
    resource(SSE, rule=[{}]),
)


def problems(*resources: Resource) -> list[str]:
    return list(
        cloud_worlds.find_bucket_faults(resources, private=True, versioned=True, encrypted=True)
    )


def test_what_holds_everywhere_passes() -> None:
    assert problems(*WHOLE) == []
    unknown = resource("aws_s3_bucket_versioning")
    assert problems(*(unknown if one is WHOLE[2] else one for one in WHOLE)) == []
    inline = resource("aws_s3_bucket", versioning=[{"enabled": True}])
    assert problems(inline, WHOLE[1], WHOLE[3]) == []


@pytest.mark.parametrize("number", range(4))
def test_what_is_not_there_in_another_world_is_missed(number: int) -> None:
    found = problems(*(one for one in WHOLE if one is not WHOLE[number]))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("number", "other"),
    [
        (1, resource("aws_s3_bucket_public_access_block", **{**BLOCK, "block_public_acls": False})),
        (
            2,
            resource("aws_s3_bucket_versioning", versioning_configuration=[{"status": "Disabled"}]),
        ),
    ],
)
def test_what_is_otherwise_in_another_world_is_told(number: int, other: Resource) -> None:
    changed = [other if one is WHOLE[number] else one for one in WHOLE]
    (found,) = problems(*changed)
    assert found.startswith(other.address)


def test_tags_are_those_of_the_other_world() -> None:
    items = [
        resource("aws_s3_bucket", tags_all={"Environment": "live", "Service": "x"}),
        resource("aws_iam_role", tags_all={"Service": "x"}),
        resource("aws_s3_bucket_versioning"),
    ]
    found = list(cloud_worlds.find_tag_faults(items, {"Environment": "prod", "Service": ""}))
    assert found == [
        "aws_s3_bucket.x has the tag Environment = live, not prod",
        "aws_iam_role.x lacks the tag Environment",
    ]
