"""docs/proof.md speaks of the labs as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scaffolder.labs import catalog
from scaffolder.model import Lab
from scaffolder.proving.digest import digest_lab

LABS = {lab.id: lab for lab in catalog.load_labs()}
PAGE = (Path(__file__).parent.parent / "docs" / "proof.md").read_text("utf-8")


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_the_page_tells_of_the_lab_as_it_is(lab: Lab) -> None:
    said = re.search(
        rf"^## {lab.id}\n\nProven with content `(\w+)`\.(?: Changed since, to content `(\w+)`:)?",
        PAGE,
        re.MULTILINE,
    )
    assert said is not None, f"{lab.id} is not in docs/proof.md; run: ci/proof"
    now = digest_lab(lab.root, lab)
    # What is changed and not yet proven as a whole is told by its content, and by nothing else.
    assert (said[2] or said[1]) == now, f"{lab.id} was changed since; run: ci/proof"
    assert said[2] != said[1]


def test_the_page_tells_of_no_survivor() -> None:
    tables = re.findall(r"^\| all \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    # Of an answer that is made of commands no mutants are made.
    without = re.findall(r"^\| \[.*\| - \| \d+/\d+ \|$", PAGE, re.MULTILINE)
    assert len(tables) == len(LABS) - len(without) > 0
    for made, killed, equivalent, surviving in tables:
        assert int(surviving) == 0
        assert int(made) == int(killed) + int(equivalent) > 0
