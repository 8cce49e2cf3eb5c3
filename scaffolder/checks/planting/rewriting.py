"""Write code otherwise, so that it does the same: who only looks at it is fooled.

`disguise` changes words alone. Who compares trees of syntax with those of the healthy code sees
through that, so here the tree changes as well: numbers are sums, results have a name first, the
branches of a condition change places. What is compiled of it is nearly the same; who looks there is
fooled by other forms of the code that it holds, too (see variants.py).
"""

from __future__ import annotations

import ast
import contextlib
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scaffolder.checks.planting import variants
from scaffolder.checks.planting.disguise import LOOKS_AT_NAMES
from scaffolder.core.errors import UnusableFileError
from scaffolder.tools import python_syntax
from scaffolder.workspace import read_text, resolve_inside

_SIZE = 200_000
_LARGEST = 10**6
# Of what can be written otherwise, so much is: no two copies should be alike.
_SHARE = 0.6


def rewrite_files(
    work: Path,
    paths: Iterable[str],
    draw: random.Random,
    others: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write Python files of a copy otherwise; one that cannot be read as such stays as it is.

    `others` are other forms of a file, by its path, which the file then holds and never runs.
    """
    for path in paths:
        if path.endswith(".py"):
            with contextlib.suppress(UnusableFileError, OSError):
                source = read_text(work, path, limit=_SIZE)
                written = rewrite_code(source, draw, (others or {}).get(path, ()))
                resolve_inside(work, path).write_text(written, "utf-8")


def rewrite_code(source: str, draw: random.Random, others: Sequence[str] = ()) -> str:
    """Return code that does what `source` does; `source` itself where that cannot be told.

    It holds the `others`, as `add_variants` has it.
    """
    try:
        tree = _Rewriter(draw).visit(variants.add_variants(source, others, draw))
        changed = f"{ast.unparse(ast.fix_missing_locations(tree))}\n"
        changed = variants.exclude_lines(changed, variants.list_differing((source, *others)))
        python_syntax.parse(changed)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    return changed


class _Rewriter(ast.NodeTransformer):
    """Rewrites some of the bodies of functions; what is evaluated when, stays."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._taken: frozenset[str] = frozenset()
        self._depth = 0
        self._binds = True

    def _chosen(self) -> bool:
        return self._draw.random() < _SHARE

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self._taken = frozenset(
            name.id for name in ast.walk(node) if isinstance(name, ast.Name)
        ) | frozenset(one.arg for one in ast.walk(node) if isinstance(one, ast.arg))
        # What asks for the names of a function sees one more.
        self._binds = not self._taken & LOOKS_AT_NAMES
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        # Not its defaults, its decorators and its annotations: others read them.
        self._depth += 1
        node.body = [new for one in node.body for new in self._visit_statement(one)]
        self._depth -= 1
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self._depth += 1
        node.body = [new for one in node.body for new in self._visit_statement(one)]
        self._depth -= 1
        return node

    def _visit_statement(self, node: ast.stmt) -> list[ast.stmt]:
        found = self.visit(node)
        return found if isinstance(found, list) else [found]

    def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if node.value is None or not (self._depth and self._binds and self._chosen()):
            return node
        name = self._draw_name()
        bound = ast.Assign([ast.Name(name, ast.Store())], node.value)
        return [bound, ast.Return(ast.Name(name, ast.Load()))]

    def _draw_name(self) -> str:
        while True:
            name = "".join(self._draw.choice("abdefgilmnoprstuv") for _ in range(6))
            if name not in self._taken:
                return f"{name}_"

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        elif_ = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
        if node.orelse and not elif_ and self._depth and self._chosen():
            return ast.If(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # By type: True is a number, too.
        whole = type(node.value) is int and 1 < node.value < _LARGEST
        if not whole or not self._depth or not self._chosen():
            return node
        part = self._draw.randrange(1, node.value)  # type: ignore[arg-type]
        return ast.BinOp(ast.Constant(part), ast.Add(), ast.Constant(node.value - part))  # type: ignore[operator]

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        # Patterns are no expressions.
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node
