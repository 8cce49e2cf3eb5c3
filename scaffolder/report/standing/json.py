"""The standing as JSON, schema `devlab.standing/1`: keys may be added, never renamed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from scaffolder.progress.standing import LabStanding, Standing
from scaffolder.report.standing.words import RULE

SCHEMA = "devlab.standing/1"


def render(standing: Standing, now: datetime) -> str:
    """Return the standing as indented JSON that ends in a newline."""
    document = {
        "schema": SCHEMA,
        "at": now.replace(microsecond=0),
        "points": {"gained": standing.gained, "total": standing.points},
        "counted": RULE,
        "skills": standing.skills,
        "other_skills": standing.others,
        "labs": [_lab(lab) for lab in standing.labs],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _lab(lab: LabStanding) -> dict[str, Any]:
    return {**msgspec.to_builtins(lab, builtin_types=(datetime,)), "state": lab.state}
