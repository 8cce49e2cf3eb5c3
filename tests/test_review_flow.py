"""The lab review-flow: each learner has one commit to find, and bisecting finds it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder.labs import catalog, variation
from scaffolder.labs.generate import build_original_history

pytestmark = pytest.mark.git
LAB = "review-flow"
ACCOUNTS = ("1041", "2210", "3307", "4456")


def find_learner(account: str) -> str:
    """Return an id whose bill is that of the account; "" for the lab of nobody."""
    vary = catalog.load_lab(LAB, graded=False).variation
    ids = (f"learner-{number}" for number in range(200))
    found = (one for one in ids if variation.derive_variables(vary, LAB, one)["account"] == account)
    return "" if account == "1041" else next(found)


def ask(place: Path, *command: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    return done.stdout


def list_amounts(place: Path, revision: str) -> Iterator[tuple[str, str]]:
    """Yield each account of the sample, and what it pays at a revision."""
    ask(place, "git", "switch", "--detach", revision)
    for account in dict.fromkeys(
        line.split(",")[0]
        for line in (place / "samples" / "march.csv").read_text().splitlines()[1:]
    ):
        yield account, ask(place, "python3", "tools/check_bill.py", account, "0").split()[-1]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_bisect_names_the_commit_that_spoiled_the_bill(account: str, tmp_path: Path) -> None:
    lab = catalog.load_lab(LAB, graded=False, learner=find_learner(account))
    assert lab.values["account"] == account
    history = build_original_history(lab, {}, tmp_path / "work")
    place = history.folder
    (right,) = (amount for one, amount in list_amounts(place, "v1.3.0") if one == account)
    ask(place, "git", "switch", "main")
    ask(place, "git", "bisect", "start", "main", "v1.3.0")
    run = ("git", "bisect", "run", "python3", "tools/check_bill.py", account, right)
    found = re.search(r"^([0-9a-f]{40}) is the first bad commit$", ask(place, *run), re.MULTILINE)
    assert found is not None
    assert found[1] == history.labels[f"bill-{account}"]


def test_only_these_bills_are_spoiled_and_nothing_tells_which(tmp_path: Path) -> None:
    lab = catalog.load_lab(LAB, graded=False)
    place = build_original_history(lab, {}, tmp_path / "work").folder
    before, after = (dict(list_amounts(place, one)) for one in ("v1.3.0", "main"))
    cheaper_at_night = {"1187", "3590"}
    spoiled = {one for one in before if before[one] != after[one]} - cheaper_at_night
    assert spoiled == set(ACCOUNTS)


def test_the_token_was_committed_eleven_commits_ago(tmp_path: Path) -> None:
    history = build_original_history(catalog.load_lab(LAB, graded=False), {}, tmp_path / "work")
    told = ask(history.folder, "git", "rev-parse", "main~11").strip()
    assert told == history.labels["token"]
