"""What a failed test says to a learner: sentences, without our folders and pytest's marks."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Any

# Longer texts are not read by people.
_SHOWN = 2000
_CONDITION = 200
_PATH_CALL = re.compile(r"""\b(?:Pure)?(?:Posix|Windows)?Path\(('[^'\n]*'|"[^"\n]*")\)""")
_NOT_RAISED = re.compile(r"DID NOT RAISE (?:<class '(?:[\w.]+\.)?(\w+)'>|(\w+))")


class Cleaner:
    """Takes the folders of a run out of texts, so that they name files as the learner does.

    `work` holds the copies of the learner's work, each in a folder of its own, `lab` is the lab's
    folder of tests, `made` holds the temporary folders of tests.
    """

    def __init__(self, work: Path, lab: Path, made: Path) -> None:
        copies = _either(work) + r"/\d+"
        elsewhere = _either(made) + r"/[\w.-]+"
        # What lies in a folder loses it; the folder itself is the workspace, and reads so.
        self._inside = re.compile(f"(?:{copies}|{elsewhere})/(?=[^\\s'\"])")
        self._itself = re.compile(f"(?:{copies}|{elsewhere})/?")
        self._lab = re.compile(f"(?:\\.\\./)*{_either(lab.parent)}/")

    def clean(self, text: str) -> str:
        """Return the text without the folders, and with paths in quotes where Python shows more."""
        inside = self._inside.sub("", text)
        return _PATH_CALL.sub(r"\1", self._lab.sub("", self._itself.sub(".", inside)))

    def join(self, text: str) -> str:
        """Return the text cleaned, in one line."""
        return " ".join(self.clean(text).split())

    def show(self, value: object) -> str:
        """Return a value of a comparison: a text as it is, whatever else as Python shows it."""
        if isinstance(value, str):
            text = value or "''"
        else:
            try:
                text = repr(value)
            except Exception as error:  # noqa: BLE001 -- the value is whatever the test made it
                text = f"<{type(value).__name__}: {type(error).__name__}>"
        cleaned = self.clean(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        return cleaned.rstrip("\n") or cleaned


def _either(folder: Path) -> str:
    """Return a pattern for a folder under its own name and under what it really is."""
    names = {str(folder), os.path.realpath(folder)}
    return f"(?:{'|'.join(map(re.escape, sorted(names)))})"


def split_message(error: BaseException) -> tuple[str, bool]:
    """Return the author's own words of a failed assertion, and whether pytest has explained it."""
    words, explained, _ = f"\n{error}".partition("\nassert ")
    return words.strip(), bool(explained)


def tell_failure(error: BaseException) -> str:
    """Return in words what a failure that has no assert statement says."""
    found = _NOT_RAISED.fullmatch(str(error))
    return f"{found[1] or found[2]} was not raised" if found else str(error)


def find_assertion(traceback: TracebackType | None) -> ast.Assert | None:
    """Return the assert statement in which a traceback ends, None where it ends elsewhere."""
    last = None
    while traceback is not None:
        last, traceback = traceback, traceback.tb_next
    if last is None:
        return None
    try:
        tree = ast.parse(Path(last.tb_frame.f_code.co_filename).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    line = last.tb_lineno
    there = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return min(there, key=lambda node: (node.end_lineno or 0) - node.lineno, default=None)


class _InOneLine(ast.NodeTransformer):
    """Leaves out texts of several lines; a comparison shows them as they are."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        lines = isinstance(node.value, str) and "\n" in node.value
        return ast.Constant("…") if lines else node


def show_condition(assertion: ast.Assert) -> str:
    """Return what should have been so, as the author wrote it, in one line."""
    text = " ".join(ast.unparse(_InOneLine().visit(assertion.test)).split())
    return text if len(text) <= _CONDITION else f"{text[:_CONDITION]}…"


def is_one_comparison(assertion: ast.Assert) -> bool:
    """Whether an assertion compares two things, and does nothing else with the answer."""
    return isinstance(assertion.test, ast.Compare) and len(assertion.test.ops) == 1


def tell_comparison(cleaner: Cleaner, op: str, left: Any, right: Any) -> tuple[str, str]:
    """Return what a comparison expects of its left side, and what that is."""
    wanted, found = cleaner.show(right), cleaner.show(left)
    if wanted == found:
        # They differ in what is not seen: line ends, spaces.
        wanted, found = (cleaner.clean(repr(one)[:_SHOWN]) for one in (right, left))
    expected = {
        "==": wanted,
        "is": wanted,
        "!=": f"something else than {wanted}",
        "is not": f"something else than {wanted}",
    }
    if op in ("in", "not in"):
        return (f"{found!r} in it" if op == "in" else f"no {found!r} in it"), wanted
    return expected.get(op, f"{op} {wanted}"), found
