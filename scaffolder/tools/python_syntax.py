"""Parses Python source in a process of several threads."""

from __future__ import annotations

import ast
import threading

# Python 3.11.7 counts its depth once for all threads: of two that parse at once, one may end in
# a SystemError (python/cpython#106905).
_ONE_AT_A_TIME = threading.Lock()


def parse(source: str | bytes) -> ast.Module:
    """Return the syntax tree of a module.

    Raises what `ast.parse` does: SyntaxError, ValueError, RecursionError, MemoryError.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source)
