"""Two whole labs that need no Python of their author's: a backup script, a job in a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Devlab

LABS = Path(__file__).parent / "examples" / "labs" / "labs"


@pytest.mark.parametrize("lab", sorted(LABS.iterdir()), ids=lambda lab: lab.name)
def test_a_lab_is_short_and_nothing_is_wrong_with_it(devlab: Devlab, lab: Path) -> None:
    assert (lab / "lab.yaml").read_text().count("\n") <= 60
    assert not (lab / "tests").exists()
    said = devlab("lab", "lint", lab)
    assert said.code == 0, said.out + said.err


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_backup_script_is_proven(devlab: Devlab) -> None:
    require_proof(devlab, "keep-backups")


@pytest.mark.slow
@pytest.mark.engine
def test_the_job_in_a_container_is_proven(devlab: Devlab) -> None:
    # How mutants of a Dockerfile are graded other tests show; they would take minutes.
    kinds = ("start", "solution", "alternative:*", "mistake:*")
    require_proof(devlab, "parcel-job", *(word for kind in kinds for word in ("--only", kind)))


def require_proof(devlab: Devlab, lab: str, *only: str) -> None:
    said = devlab("lab", "prove", LABS / lab, "--format", "json", *only)
    (proof,) = json.loads(said.out)["labs"]
    broken = [one["case"] for one in proof["results"] if one["fate"] not in ("holds", "equivalent")]
    assert not broken, broken
    assert said.code == 0, said.err
