"""What AWS is known to refuse and the local cloud takes.

Each rule looks at the state after an apply and says what AWS would have answered. Only what AWS
refuses for sure is named, whatever the order in which things are made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from scaffolder.checks.terraform.terraform import Resource, State

_OWNERS = ("BucketOwnerPreferred", "ObjectWriter")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED = re.compile(
    r"(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)"
    r"|.*\.\..*|\d+\.\d+\.\d+\.\d+"
)
_TAG = re.compile(r"[\w\s.:/=+\-@]*")
# Sizes that IAM counts without blanks.
_POLICY_SIZES = {"aws_iam_policy": 6144, "aws_iam_role_policy": 10240}


def find_refusals(state: State) -> tuple[str, ...]:
    """Return, in words, everything in a state that AWS would have refused."""
    return tuple(f"{item.address}: {said}" for item in state.resources for said in _of(item, state))


def _of(item: Resource, state: State) -> Iterator[str]:
    rule = _RULES.get(item.type)
    if rule is not None:
        yield from rule(item.attributes, state)
    for key, value in (item.attributes.get("tags_all") or {}).items():
        if key.lower().startswith("aws:"):
            yield f"InvalidTag: the tag {key} begins with aws:, which is AWS's own"
        if not _TAG.fullmatch(key) or not _TAG.fullmatch(str(value or "")):
            yield f"InvalidTag: {key} has more than letters, digits, blanks and _ . : / = + - @"
    size = len("".join(str(item.attributes.get("policy") or "").split()))
    if size > _POLICY_SIZES.get(item.type, size):
        yield f"LimitExceeded: the policy has {size} characters without blanks"


def _acl(attributes: dict[str, Any], state: State) -> Iterator[str]:
    bucket = attributes.get("bucket")
    owners = [
        rule.get("object_ownership")
        for other in state.resources
        if other.type == "aws_s3_bucket_ownership_controls"
        and other.attributes.get("bucket") == bucket
        for rule in other.attributes.get("rule") or ()
    ]
    if not set(owners) & set(_OWNERS):
        yield (
            f"AccessControlListNotSupported: since April 2023 a bucket such as {bucket} takes no "
            "ACL, unless aws_s3_bucket_ownership_controls allows it; private is what it is anyway"
        )


def _bucket(attributes: dict[str, Any], _: State) -> Iterator[str]:
    name = str(attributes.get("bucket") or "")
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        yield f"InvalidBucketName: {name}"
    if attributes.get("acl") not in (None, "", "private"):
        yield "InvalidBucketAclWithObjectOwnership: a new bucket takes no ACL but private"


def _encryption(attributes: dict[str, Any], _: State) -> Iterator[str]:
    for rule in attributes.get("rule") or ():
        for default in rule.get("apply_server_side_encryption_by_default") or ():
            if default.get("sse_algorithm") == "AES256" and default.get("kms_master_key_id"):
                yield "InvalidArgument: kms_master_key_id is not for the algorithm AES256"


def _parameter(attributes: dict[str, Any], _: State) -> Iterator[str]:
    value = str(attributes.get("value") or attributes.get("insecure_value") or "")
    if re.search(r"\{\{.*\}\}", value):
        yield "ValidationException: a parameter's value may not hold {{ }}"
    if attributes.get("tier") in (None, "", "Standard") and len(value.encode()) > 4096:
        yield "ValidationException: the value of a standard parameter has 4096 bytes at most"


_RULES: dict[str, Callable[[Any, State], Iterator[str]]] = {
    "aws_s3_bucket_acl": _acl,
    "aws_s3_bucket": _bucket,
    "aws_s3_bucket_server_side_encryption_configuration": _encryption,
    "aws_ssm_parameter": _parameter,
}
