"""What is planted into a copy of the work before a rehearsal: faults, canaries and probes.

A canary is a test that fails: the step that goes red because of it is the step that tests. A
probe is a test that passes and writes down that it ran, in which job, on which Python.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from scaffolder import changes
from scaffolder.checks.base import CheckFailedError, Run
from scaffolder.errors import DevlabError, UnusableFileError
from scaffolder.model import ChangeSet, Fault, Finding, Replacement
from scaffolder.workspace import read_text, resolve_inside

Plant = Callable[[Path, Path], None]

# Names without any word that a filter could be made for.
PROBE = "test_orders.py"
CANARY = "test_invoices.py"

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


def probe(work: Path, witness: Path) -> None:
    """Add a test that passes and writes down where it ran."""
    _add_test(work, PROBE, _test("orders", witness, "", "assert seen"))


def canary(work: Path, witness: Path) -> None:
    """Add a test that writes down where it ran, and fails."""
    verdict = 'pytest.fail("this test was planted to fail")'
    _add_test(work, CANARY, _test("invoices", witness, "import pytest\n\n", verdict))


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
    (folder / name).write_text(text, "utf-8")


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
