"""The hints of our labs go from a nudge to the answer: the ones with code come last.

How much code a hint reveals is measured by the solution: the names that only code has (`USER`,
`os.environ`, `--no-cache-dir`) and the pairs of neighbours in its lines (`COPY app`) that the hint
repeats, without those that the learner has read already: in the start and in the instructions.
"""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from scaffolder.labs import catalog
from scaffolder.labs.generate import build_state
from scaffolder.labs.instructions import read_task_instructions
from scaffolder.labs.steps import read_steps
from scaffolder.model import Lab, Task

LABS = [lab_id for lab_id in catalog.list_lab_ids() if "/" not in lab_id]
WORD = re.compile(r"--?[a-z][\w-]*|[A-Za-z0-9_][\w.:/-]*[\w/]|[A-Za-z0-9_]")
# What no sentence has: a sign within a word, or a word in capitals.
CODE = re.compile(r"--?[a-z].*|.*\w[_.:/].*\w|[A-Z]{3,}|\d{3,}")


def words(text: str) -> list[str]:
    return WORD.findall(text)


def pairs(found: list[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(found))


def pieces(lines: Iterable[str]) -> set[str | tuple[str, str]]:
    """Return the names that only code has, and the pairs of neighbours, of some lines."""
    told: set[str | tuple[str, str]] = set()
    for line in lines:
        found = words(line)
        told |= {word for word in found if CODE.fullmatch(word)}
        told |= pairs(found)
    return told


@cache
def states(lab_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the lines of a lab's start, and those of code that the solution adds to them."""
    lab = catalog.load_lab(lab_id, graded=False)
    with tempfile.TemporaryDirectory() as folder:
        read = []
        for name in ("start", "solution"):
            build_state(lab, name, {}, Path(folder) / name)
            read.append(
                {
                    line.strip()
                    for path in (Path(folder) / name).rglob("*")
                    if path.is_file() and ".devlab" not in path.parts and path.name != "README.md"
                    for line in path.read_text("utf-8", "replace").splitlines()
                }
            )
    start, solution = read
    for text in read_steps(lab, lab.root / "solution").values():
        solution |= {line.strip() for line in text.splitlines()}
    return frozenset(start), frozenset(
        line for line in solution - start if not line.startswith("#")
    )


def reveals(lab: Lab, task: Task, hint: str) -> set[str | tuple[str, str]]:
    start, added = states(lab.id)
    known = pieces([*start, *read_task_instructions(lab, task.id).splitlines(), task.title])
    answer = pieces(added) - known
    # Two words that follow one another in prose by chance are no code.
    return {
        one
        for one in pieces([hint]) & answer
        if isinstance(one, str) or any(CODE.fullmatch(word) for word in one)
    }


TASKS = [
    pytest.param(lab_id, task.id, id=f"{lab_id}-{task.id}")
    for lab_id in LABS
    for task in catalog.load_lab(lab_id, graded=False).tasks
]


@pytest.mark.parametrize(("lab_id", "task_id"), TASKS)
def test_each_hint_reveals_no_less_code_than_the_one_before(lab_id: str, task_id: str) -> None:
    lab = catalog.load_lab(lab_id, graded=False)
    task = lab.task(task_id)
    general = [reveals(lab, task, hint.text) for hint in task.hints if hint.general]
    counts = [len(one) for one in general]
    assert counts == sorted(counts), general
    assert counts[0] == 0, f"a nudge holds no code: {general[0]}"


@pytest.mark.parametrize(("lab_id", "task_id"), TASKS)
def test_a_hint_for_one_failure_gives_away_no_more_than_the_last(lab_id: str, task_id: str) -> None:
    lab = catalog.load_lab(lab_id, graded=False)
    task = lab.task(task_id)
    general = [hint.text for hint in task.hints if hint.general]
    most = max(1, len(reveals(lab, task, general[-1])))
    for hint in task.hints:
        if not hint.general:
            told = reveals(lab, task, hint.text)
            assert len(told) <= most, f"{hint.text}: {told}"


def test_code_is_known_from_prose() -> None:
    lab = catalog.load_lab("containerize-flask", graded=False)
    task = lab.task("process-is-not-root")
    assert not reveals(lab, task, "Who is it that runs the process, and as which user?")
    told = reveals(lab, task, "RUN useradd --system --uid 10001, and USER 10001 before CMD.")
    assert {"10001", "--uid", ("USER", "10001"), ("RUN", "useradd")} <= told


@pytest.mark.parametrize("annotated", [True, False])
def test_the_command_of_the_hint_tells_the_commit_of_a_tag(tmp_path: Path, annotated: bool) -> None:
    (hint,) = (
        one.text
        for one in catalog.load_lab("ci-pipeline", graded=False).task("least-privilege").hints
        if one.general and "ls-remote" in one.text
    )
    origin = tmp_path / "origin"
    made = (("init", "-q", str(origin)), ("commit", "-q", "--allow-empty", "-m", "x"))
    tag = ("tag", "-a", "-m", "it", "v5") if annotated else ("tag", "v5")
    for command in (*made, tag):
        git(command, tmp_path if command[0] == "init" else origin)
    (told,) = re.findall(r"`git (ls-remote [^`]+)`", hint)
    assert "https://github.com/actions/checkout" in told
    asked = shlex.split(told.replace("https://github.com/actions/checkout", str(origin)))
    lines = [line.split() for line in git(tuple(asked), tmp_path).splitlines()]
    found = [commit for commit, name in lines if len(lines) == 1 or name.endswith("^{}")]
    assert found == [git(("rev-parse", "HEAD"), origin).strip()]


def git(arguments: tuple[str, ...], place: Path) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *person, *arguments], cwd=place, capture_output=True, text=True, check=True
    )
    return done.stdout
