"""The ledger of a repository: which answers were graded as promised, and by what code.

A line holds as long as nothing that decides has changed: the answer, what the lab asks, its start,
its test files, the code of the families that it uses, and the packages that devlab requires. Tools
and images of the machine are no part of it, so that it can be committed and read anywhere. Code
counts by what it does: a comment, a docstring or another layout is no change.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scaffolder import workspace
from scaffolder.checks.family import Family
from scaffolder.core.errors import DevlabError
from scaffolder.grading.cache.code import PACKAGE, list_code
from scaffolder.grading.cache.hashing import hash_lines
from scaffolder.labs.families import list_lab_families
from scaffolder.model import Lab
from scaffolder.model.proofs import CaseResult, Fate, LabProof, Stage
from scaffolder.proving.digest import encode_lab
from scaffolder.proving.memory import OWN_FOLDERS
from scaffolder.tools import python_syntax

_HEAD = """\
# Answers of labs that were graded as promised, and the digest of all that decided about each.
# Written by ci/proof; tests/test_labs.py does not grade anew what stands here, but for a sample.
"""
_LENGTH = 32
# One in so many answers is graded in spite of the ledger, so that a wrong one is found.
_SAMPLE = 20
# Cases are graded side by side, and to read all code takes a second or two.
_ONE_AT_A_TIME = threading.Lock()


def digest_case(
    lab: Lab, name: str, promise: Iterable[str], start: Mapping[str, str], answer: Mapping[str, str]
) -> str:
    """Return the digest of all that decides about a case, on any machine with the same tools.

    `promise` is what must come of it, `start` and `answer` are fingerprints of folders.
    """
    with _ONE_AT_A_TIME:
        code = _digest_code(list_lab_families(lab))
    own = (workspace.fingerprint_work(lab.root / name) for name in OWN_FOLDERS)
    folders = [start, answer, *own]
    lines = [
        name,
        *promise,
        encode_lab(lab).decode(),
        code,
        *(
            f"{number} {path}\0{told}"
            for number, one in enumerate(folders)
            for path, told in one.items()
        ),
    ]
    return hash_lines(lines)[:_LENGTH]


class Ledger:
    """The digests of answers, by the lab's id and the case's name, in a text file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digests: dict[tuple[str, str], str] = {}
        if path.exists():
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                if line and not line.startswith("#"):
                    self._read_line(line, f"{path}:{number}")

    def _read_line(self, line: str, where: str) -> None:
        parts = line.split(" ", 2)
        if len(parts) != 3 or len(parts[0]) != _LENGTH:
            raise DevlabError(
                f"{where}: not a line of a ledger: {line[:60]!r}",
                hint="a line is: digest, lab, case; write it anew with: ci/proof",
            )
        digest, lab_id, name = parts
        self._digests[lab_id, name] = digest

    def holds(self, lab_id: str, name: str, digest: str) -> bool:
        """Whether a case was graded as promised, and all that decides is the same."""
        return self._digests.get((lab_id, name)) == digest

    def record(self, proofs: Sequence[LabProof]) -> None:
        """Write down which cases of some proofs hold, instead of what stood there of them.

        Of a proof that is complete, cases that are no more are forgotten.
        """
        for proof in proofs:
            if proof.complete:
                self._digests = {
                    key: one for key, one in self._digests.items() if key[0] != proof.lab_id
                }
            for result in proof.results:
                self._record_case(proof.lab_id, result)
        lines = sorted(
            f"{digest} {lab_id} {name}\n" for (lab_id, name), digest in self._digests.items()
        )
        lines.sort(key=lambda line: line.split(" ", 1)[1])
        self._path.write_text(_HEAD + "".join(lines), "utf-8")

    def _record_case(self, lab_id: str, result: CaseResult) -> None:
        key = (lab_id, result.case.name)
        if result.case.stage is Stage.MUTANT:
            return
        if result.fate is Fate.HOLDS and result.digest:
            self._digests[key] = result.digest
        elif result.fate is not Fate.UNGRADED:
            self._digests.pop(key, None)


def is_sampled(digest: str, commit: str) -> bool:
    """Whether a case is graded in spite of the ledger: each commit draws others."""
    drawn = hashlib.sha256(f"{commit} {digest}".encode()).digest()
    return int.from_bytes(drawn[:4]) % _SAMPLE == 0


@functools.cache
def _digest_code(used: tuple[Family, ...]) -> str:
    """Return a digest of what the code that grades does, and of what devlab requires."""
    required = importlib.metadata.requires("devlab") or ()
    code = [f"{_relative(path)} {_digest_meaning(path)}" for path in list_code(used)]
    return hash_lines([*sorted(required), *code])


def _relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name


@functools.cache
def _digest_meaning(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".py":
        tree = python_syntax.parse(content)
        for node in ast.walk(tree):
            _drop_docstring(node)
        content = ast.dump(tree).encode()
    return hashlib.sha256(content).hexdigest()


def _drop_docstring(node: ast.AST) -> None:
    """Take the docstring out of a module, a class or a function."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        node.body = node.body[1:]
