"""What a folder must be to be a pack, and what its pack.yaml may say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec

from scaffolder.core.errors import DevlabError
from scaffolder.labs.lab_file import LabSource
from scaffolder.labs.schema import Id

FILE = "pack.yaml"
# What of a folder belongs to a pack; anything else in a repository is none of devlab's business.
PARTS = ("labs", "templates", FILE)

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Summary = Annotated[str, msgspec.Meta(max_length=2000)]


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pack says of itself; the keys of pack.yaml."""

    name: Id = ""
    title: Line = ""
    summary: Summary = ""


def is_id(name: str) -> bool:
    """Whether `name` may be the name of a pack or of a lab's folder."""
    return bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)) and len(name) <= 60


def read(root: Path, default_name: str) -> Description:
    """Return what the pack in `root` says of itself; without a name it is called `default_name`.

    Raises DevlabError where the folder is no pack or its name is no id.
    """
    if not (root / "labs").is_dir():
        raise DevlabError(
            f"{root} is no pack: it has no folder labs",
            hint="a pack holds labs/<id>/lab.yaml and perhaps templates/<name>/ and pack.yaml",
        )
    told = Description()
    if (root / FILE).exists():
        source = LabSource(root / FILE)
        told = source.convert(source.document.data, Description)
    named = msgspec.structs.replace(told, name=told.name or default_name)
    if not is_id(named.name):
        raise DevlabError(
            f"{root}: a pack's name is lower-case words joined by hyphens, and "
            f"{named.name!r} is not",
            hint=f"write one into {FILE}, such as: name: my-labs",
        )
    return named
