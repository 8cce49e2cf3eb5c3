"""Properties of what a plan would leave in another world, such as another environment.

They are looked at in the values that are known before an apply. What is not known is not judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scaffolder.checks.base import Context
from scaffolder.checks.terraform_session import Session
from scaffolder.tools.terraform import Resource

BLOCKS = (
    *("block_public_acls", "ignore_public_acls"),
    *("block_public_policy", "restrict_public_buckets"),
)
_ENCRYPTION = "server_side_encryption_configuration"


@dataclass(frozen=True)
class World:
    """What would be there with another value of a variable."""

    variable: str
    value: Any
    resources: Sequence[Resource]

    @property
    def told(self) -> str:
        """The variable and its value, for a message."""
        return f"{self.variable} = {json.dumps(self.value)}"


def worlds(
    context: Context, shared: Session, values: Mapping[str, tuple[Any, ...]]
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
        yield World(variable, value, shared.elsewhere(context, variable, value))


def buckets(
    resources: Sequence[Resource], *, private: bool, versioned: bool, encrypted: bool
) -> Iterator[str]:
    """Yield what the buckets of a world lack of what is asked for."""
    there = _of(resources, "aws_s3_bucket")
    if not there:
        yield "there is no bucket"
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
        off = [name for name in BLOCKS if block.attributes.get(name, True) is not True]
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
        if any(part.get("status", "Enabled") != "Enabled" for part in parts):
            yield f"{one.address} does not enable versioning"


def tags(resources: Sequence[Resource], wanted: Mapping[str, str]) -> Iterator[str]:
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


def _of(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [one for one in resources if one.type == kind]
