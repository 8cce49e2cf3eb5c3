"""What is planted into a copy of the work before a rehearsal: faults, canaries and probes.

A canary is a test that fails: the step that goes red because of it is the step that tests. A
probe is a test that passes. Both report that they ran, and differ in one number; what they are
called and what they work out is drawn for each copy.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from scaffolder.checks.context import Run
from scaffolder.checks.drawing import make_random
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.planting.disguise import disguise
from scaffolder.checks.planting.quiz import Quiz
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.folders import UnboundedError, walk_folder
from scaffolder.model import ChangeSet, Fault, Finding, Replacement
from scaffolder.workspace import changes, read_text, resolve_inside


@dataclass(frozen=True)
class Probe:
    """What a planted test of one copy is called, what it works out, and where it reports to.

    `job_variable` names the variable in which it finds its job.
    """

    name: str
    noun: str
    quiz: Quiz
    given: int
    address: Path = Path()
    job_variable: str = ""

    def at(self, address: Path, job_variable: str) -> Probe:
        """Return the same, reporting to `address` the job that the variable names."""
        return replace(self, address=address, job_variable=job_variable)


Plant = Callable[[Path, Probe], None]

# What planted tests are called after: words that no filter could be made for, and another one in
# each run, so that no pipeline can know its examiner.
_WORDS = (
    *("accounts", "addresses", "baskets", "carriers", "clients", "coupons", "credits", "defaults"),
    *("deliveries", "discounts", "drafts", "invoices", "labels", "ledgers", "locales", "messages"),
    *("notices", "offers", "orders", "parcels", "partners", "payments", "prices", "products"),
    *("profiles", "quotas", "receipts", "refunds", "regions", "reminders", "reports", "returns"),
    *("roles", "shelves", "stocks", "suppliers", "tariffs", "taxes", "vouchers", "wallets"),
)

_TEST = """\
import json
import os
import socket
import sys
from pathlib import Path

PLACE = Path(
{place}
)


def {noun}_of(number: int) -> int:
    return (number * {factor} + {addend}) % {modulus}


def test_{name}() -> None:
    told = {{
        "what": "test",
        "python": list(sys.version_info[:2]),
        "job": os.environ.get({job_variable}, ""),
    }}
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(PLACE))
        line.sendall(json.dumps(told).encode() + b"\\n")
        asked = int(line.recv(64))
        line.sendall(b"%d\\n" % {noun}_of(asked))
        line.recv(1)
    assert {noun}_of({given}) == {expected}
"""


def draw_probe(draw: random.Random, work: Path, folder: str = "tests") -> Probe:
    """Return a planted test for one copy, called unlike the tests that are in a folder of it."""
    name = _free_word(draw, _names_in(work / folder))
    noun = draw.choice([word for word in _WORDS if word != name])
    modulus = draw.randrange(10**6, 10**7)
    quiz = Quiz(draw.randrange(3, 10**5), draw.randrange(10**5), modulus)
    return Probe(name, noun, quiz, draw.randrange(10**5))


def _names_in(folder: Path) -> frozenset[str]:
    """Return the names in a folder and its folders: pytest takes no two tests of one name."""
    names: set[str] = set()
    with contextlib.suppress(OSError, UnboundedError):
        names.update(entry.name.casefold() for entry in walk_folder(folder))
    return frozenset(names)


def _free_word(draw: random.Random, taken: frozenset[str]) -> str:
    """Return what no test is called after; words are joined where each of them is taken."""
    free = [word for word in _WORDS if f"test_{word}.py" not in taken]
    word = draw.choice(free or _WORDS)
    while f"test_{word}.py" in taken:
        word = f"{word}_{draw.choice(_WORDS)}"
    return word


def plant_probe() -> Plant:
    """Return what adds a test that passes and reports that it ran."""
    return lambda work, one: _add_test(work, one.name, write_test(one, off_by=0))


def plant_canary() -> Plant:
    """Return what adds a test that reports that it ran, and fails."""
    return lambda work, one: _add_test(work, one.name, write_test(one, off_by=1 + one.given % 9))


def write_test(one: Probe, off_by: int) -> str:
    """Return a planted test; it fails where what it expects is `off_by` something."""
    # Part by part, because a linter may take the whole path for a careless one.
    parts = one.address.parts
    return _TEST.format(
        place="\n".join(f"    {json.dumps(part, ensure_ascii=False)}," for part in parts),
        job_variable=json.dumps(one.job_variable),
        noun=one.noun,
        name=one.name,
        factor=one.quiz.factor,
        addend=one.quiz.addend,
        modulus=one.quiz.modulus,
        given=one.given,
        expected=(one.quiz.answer(one.given) + off_by) % one.quiz.modulus,
    )


def _add_test(work: Path, name: str, text: str) -> None:
    folder = resolve_inside(work, "tests")
    if not folder.is_dir():
        raise CheckFailedError(
            "the folder tests/ is missing, so the pipeline has no tests to run",
            Finding("the folder is missing", path="tests"),
            hint="restore it with: git checkout -- tests",
        )
    (folder / f"test_{name}.py").write_text(text, "utf-8")


def plant_fault(run: Run, fault: Fault) -> Plant:
    """Return what plants one of the lab's faults, in one of its forms, drawn for the run.

    See `change_work` for what a learner's own changes make of it.
    """
    form = draw_form(run, fault)
    return lambda work, _probe: change_work(run, form, work)


def plant_harmless_change(run: Run, fault: Fault) -> Plant:
    """Return what plants a change that breaks nothing, where it fits beside what is there.

    Its form is the same in every copy of the run.
    """
    form = draw_form(run, fault)

    def plant(work: Path, _probe: Probe) -> None:
        changed: dict[str, str] = {}
        with contextlib.suppress(DevlabError):
            for edit in form.replace:
                text = changed.get(edit.path) or read_text(work, edit.path)
                changed[edit.path] = changes.replace_once(edit, text)
            for path, text in changed.items():
                resolve_inside(work, path).write_text(text, "utf-8")

    return plant


def draw_form(run: Run, fault: Fault) -> ChangeSet:
    """Return the form of a fault that this run plants."""
    return make_random(run, "form", fault.id).choice((fault.change, *fault.forms))


def change_work(run: Run, change: ChangeSet, work: Path) -> None:
    """Carry out a change of the lab's in a copy of the work.

    Where an edit does not fit because the learner changed the file, the file of the start with the
    edit made is planted instead. A file that the learner deleted is a CheckFailedError.
    """
    for edit in change.replace:
        _plant_edit(run, work, edit)
    changes.apply_change(ChangeSet(delete=change.delete, write=change.write), work)


def _plant_edit(run: Run, work: Path, edit: Replacement) -> None:
    try:
        text = read_text(work, edit.path)
    except UnusableFileError as error:
        raise CheckFailedError(
            f"{edit.path} {error.message}, so no fault can be planted in it",
            Finding(error.message, path=edit.path, line=error.line),
            hint=f"restore it with: git checkout -- {edit.path}",
        ) from error
    try:
        planted = changes.replace_once(edit, text)
    except DevlabError:
        planted = changes.replace_once(edit, read_text(run.start(), edit.path))
    resolve_inside(work, edit.path).write_text(planted, "utf-8")


def plant_both(*plants: Plant) -> Plant:
    """Return what plants one after another."""

    def plant(work: Path, one: Probe) -> None:
        for each in plants:
            each(work, one)

    return plant


def plant_unique_words(run: Run, *purpose: str) -> Plant:
    """Return what changes words in the code that faults are planted in, so that no copy is known.

    It does so for the healthy app as for the faulty one; `purpose` says for which copy.
    """
    paths = {
        Path(path)
        for fault in run.faults.values()
        for form in (fault.change, *fault.forms)
        for path in form.paths
    }
    places = frozenset(path.parts[0] for path in paths if path.suffix == ".py" and path.parts)
    return lambda work, _probe: disguise(work, places, make_random(run, "words", *purpose))
