"""What is planted into a copy of the work before a rehearsal: faults, canaries and probes.

A canary is a test that fails: the step that goes red because of it is the step that tests. A
probe is a test that passes and writes down that it ran, in which job, on which Python.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scaffolder import changes
from scaffolder.checks.base import CheckFailedError, Run
from scaffolder.errors import DevlabError, UnusableFileError
from scaffolder.model import ChangeSet, Fault, Finding, Replacement
from scaffolder.workspace import read_text, resolve_inside

Plant = Callable[[Path, Path], None]

# What planted tests are called after: words that no filter could be made for, and another one in
# each run, so that no pipeline can know its examiner.
_WORDS = (
    *("accounts", "addresses", "baskets", "carriers", "clients", "coupons", "credits", "defaults"),
    *("deliveries", "discounts", "drafts", "invoices", "labels", "ledgers", "locales", "messages"),
    *("notices", "offers", "orders", "parcels", "partners", "payments", "prices", "products"),
    *("profiles", "quotas", "receipts", "refunds", "regions", "reminders", "reports", "returns"),
    *("roles", "shelves", "stocks", "suppliers", "tariffs", "taxes", "vouchers", "wallets"),
)

_WITNESS = """\
import json
import os
import sys
import uuid
from pathlib import Path

{imports}WITNESS = Path(
{witness}
)


def test_{name}() -> None:
    seen = {{
        "test": "{name}",
        "python": list(sys.version_info[:2]),
        "requested": os.environ.get("DEVLAB_REQUESTED", ""),
        "job": os.environ.get("GITHUB_JOB", ""),
    }}
    (WITNESS / uuid.uuid4().hex).write_text(json.dumps(seen))
    {verdict}
"""


def probe(run: Run) -> Plant:
    """Return what adds a test that passes and writes down where it ran."""
    name, _ = _names(run)
    return lambda work, witness: _add_test(work, name, _test(name, witness, "", "assert seen"))


def canary(run: Run) -> Plant:
    """Return what adds a test that writes down where it ran, and fails."""
    _, name = _names(run)
    verdict = 'pytest.fail("this test was planted to fail")'
    text = partial(_test, name, imports="import pytest\n\n", verdict=verdict)
    return lambda work, witness: _add_test(work, name, text(witness))


def _names(run: Run) -> tuple[str, str]:
    """Return two words of this run's that are not the names of tests already."""
    taken = {path.name for path in (run.snapshot / "tests").glob("test_*.py")}
    free = [word for word in _WORDS if f"test_{word}.py" not in taken] or list(_WORDS)
    first, second = random.Random(run.id).sample(free, 2)  # noqa: S311 -- no secret, only a change
    return first, second


def _test(name: str, witness: Path, imports: str, verdict: str) -> str:
    # Part by part, because a linter may take the whole path for a careless one.
    parts = "\n".join(f"    {json.dumps(part, ensure_ascii=False)}," for part in witness.parts)
    return _WITNESS.format(imports=imports, witness=parts, name=name, verdict=verdict)


def _add_test(work: Path, name: str, text: str) -> None:
    folder = resolve_inside(work, "tests")
    if not folder.is_dir():
        raise CheckFailedError(
            "the folder tests/ is missing, so the pipeline has no tests to run",
            Finding("the folder is missing", path="tests"),
            hint="restore it with: git checkout -- tests",
        )
    (folder / f"test_{name}.py").write_text(text, "utf-8")


def faulty(run: Run, fault: Fault) -> Plant:
    """Return what plants one of the lab's faults.

    Where an edit does not fit because the learner changed the file, the file of the start with the
    edit made is planted instead. A file that the learner deleted is a CheckFailedError.
    """

    def plant(work: Path, _witness: Path) -> None:
        for edit in fault.change.replace:
            _plant_edit(run, work, edit)
        rest = ChangeSet(delete=fault.change.delete, write=fault.change.write)
        changes.apply(rest, work)

    return plant


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


def both(*plants: Plant) -> Plant:
    """Return what plants one after another."""

    def plant(work: Path, witness: Path) -> None:
        for each in plants:
            each(work, witness)

    return plant
