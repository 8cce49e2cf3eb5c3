"""Properties of what a plan would leave in another world, such as another environment.

They are looked at in the values that are known before an apply. Where what matters is not known,
the world is really made, in a cloud of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.terraform.cloud import Policy, Role
from scaffolder.checks.terraform.session import TerraformSession
from scaffolder.checks.terraform.stages import Applied
from scaffolder.checks.terraform.terraform import Resource
from scaffolder.core import json_text

BLOCKS = (
    *("block_public_acls", "ignore_public_acls"),
    *("block_public_policy", "restrict_public_buckets"),
)
_POLICIES = (
    *("aws_iam_role_policy", "aws_iam_policy"),
    *("aws_iam_user_policy", "aws_iam_group_policy"),
)
_ENCRYPTION = "server_side_encryption_configuration"


@dataclass(frozen=True)
class World:
    """What would be there with another value of a variable.

    `resources` are a plan's. `apply` really makes the world, in a cloud of its own, for what a plan
    does not tell.
    """

    variable: str
    value: Any
    resources: Sequence[Resource]
    apply: Callable[[], Applied]

    @property
    def told(self) -> str:
        """The variable and its value, for a message."""
        return f"{self.variable} = {json.dumps(self.value)}"


def plan_worlds(
    context: Context, shared: TerraformSession, values: Mapping[str, tuple[Any, ...]]
) -> Iterator[World]:
    """Yield what would be there with each of those values that the variables take.

    All are planned before one is read: what changes the cloud waits in line behind the plans.
    """
    taken = [
        (variable, value)
        for variable, listed in values.items()
        for value in listed
        if shared.takes(context, variable, value)
    ]
    for variable, value in taken:
        resources = shared.elsewhere(context, variable, value).resources
        apply = partial(shared.applied_elsewhere, context, variable, value)
        yield World(variable, value, resources, apply)


def hides_buckets(resources: Sequence[Resource]) -> bool:
    """Whether a plan leaves open how a bucket's properties will be set."""
    blocks = _of(resources, "aws_s3_bucket_public_access_block")
    settings = _of(resources, "aws_s3_bucket_versioning")
    states = [
        part.get("status")
        for one in settings
        for part in one.attributes.get("versioning_configuration") or [{"status": None}]
    ]
    return None in states or any(name not in one.attributes for one in blocks for name in BLOCKS)


def hides_tags(
    resources: Sequence[Resource], wanted: Mapping[str, str], taggable: Collection[str]
) -> bool:
    """Whether a plan leaves open a tag that is wanted; `taggable` are types that have tags."""
    return any(
        not isinstance(found := item.attributes.get("tags_all"), Mapping)
        or any(key not in found for key in wanted)
        for item in resources
        if item.type in taggable
    )


def list_identities(resources: Sequence[Resource]) -> Iterator[Role]:
    """Yield, of roles and policies, the documents that a plan tells."""
    for item in resources:
        name = item.address
        if item.type == "aws_iam_role":
            trust = _document(item.attributes.get("assume_role_policy"))
            inline = item.attributes.get("inline_policy") or ()
            said = tuple(Policy(name, _document(one.get("policy"))) for one in inline)
            yield Role(name, "", trust, said)
        elif item.type in _POLICIES:
            yield Role(name, "", {}, (Policy(name, _document(item.attributes.get("policy"))),))


def _document(text: Any) -> Mapping[str, Any]:
    try:
        found = json_text.load_json(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _elsewhere(resources: Sequence[Resource], kinds: Sequence[str]) -> Iterator[str]:
    """Yield settings that name a bucket which would not be there, where all names are known."""
    names = {one.attributes.get("bucket") for one in _of(resources, "aws_s3_bucket")}
    for kind in kinds if None not in names else ():
        for one in _of(resources, kind):
            told = one.attributes.get("bucket")
            if told is not None and told not in names:
                yield f"{one.address} is of the bucket {told}, which is none of these"


def find_bucket_faults(
    resources: Sequence[Resource], *, private: bool, versioned: bool, encrypted: bool
) -> Iterator[str]:
    """Yield what the buckets of a world lack of what is asked for."""
    there = _of(resources, "aws_s3_bucket")
    if not there:
        yield "there is no bucket"
    asked = {
        "aws_s3_bucket_public_access_block": private,
        "aws_s3_bucket_versioning": versioned,
        f"aws_s3_bucket_{_ENCRYPTION}": encrypted,
    }
    yield from _elsewhere(resources, [kind for kind, wanted in asked.items() if wanted])
    if private:
        yield from _open(resources, len(there))
    if versioned:
        yield from _unversioned(resources, there)
    if encrypted:
        settings = _of(resources, f"aws_s3_bucket_{_ENCRYPTION}")
        inline = sum(bool(one.attributes.get(_ENCRYPTION)) for one in there)
        if len(settings) + inline < len(there):
            yield "not every bucket has a default encryption"


def _open(resources: Sequence[Resource], needed: int) -> Iterator[str]:
    blocks = _of(resources, "aws_s3_bucket_public_access_block")
    if len(blocks) < needed:
        yield "not every bucket has a public access block"
    for block in blocks:
        off = [name for name in BLOCKS if block.attributes.get(name) is not True]
        if off:
            yield f"{block.address} does not set {', '.join(off)}"


def _unversioned(resources: Sequence[Resource], there: Sequence[Resource]) -> Iterator[str]:
    inline = sum(
        any(part.get("enabled") for part in one.attributes.get("versioning") or ()) for one in there
    )
    settings = _of(resources, "aws_s3_bucket_versioning")
    if len(settings) + inline < len(there):
        yield "not every bucket has versioning"
    for one in settings:
        parts = one.attributes.get("versioning_configuration") or ()
        if any(part.get("status") != "Enabled" for part in parts):
            yield f"{one.address} does not enable versioning"


def find_tag_faults(resources: Sequence[Resource], wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield the resources of a world that lack a tag or have another value; "" is any."""
    for item in resources:
        found = item.attributes.get("tags_all")
        if not isinstance(found, Mapping):
            continue
        for key, value in wanted.items():
            told = str(found.get(key) or "").strip()
            if not told:
                yield f"{item.address} lacks the tag {key}"
            elif value and told != value:
                yield f"{item.address} has the tag {key} = {told}, not {value}"


def list_parameters(resources: Sequence[Resource]) -> list[str] | None:
    """Return the values of the parameters of a world; None where a plan does not tell one."""
    values = []
    for one in _of(resources, "aws_ssm_parameter"):
        told = one.attributes.get("value") or one.attributes.get("insecure_value")
        if not isinstance(told, str):
            return None
        values.append(told)
    return values


def find_kept_buckets(resources: Sequence[Resource]) -> list[str]:
    """Return the buckets of a world that cannot be destroyed as long as anything is in them."""
    there = _of(resources, "aws_s3_bucket")
    return [one.address for one in there if one.attributes.get("force_destroy", True) is not True]


def _of(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [one for one in resources if one.type == kind]
