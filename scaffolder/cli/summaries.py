"""What commands do, in one line each, read from their modules without importing them.

Completing the name of a command must not load what the commands need.
"""

from __future__ import annotations

import ast
from pathlib import Path

_FOLDER = Path(__file__).parent


def read_summary(module: str) -> str:
    """Return the first sentence that a module says of its `command`; "" where there is none."""
    try:
        tree = ast.parse((_FOLDER / f"{module.rpartition('.')[2]}.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            first = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
            return first.partition(". ")[0].removesuffix(".")
    return ""
