"""Write code so that it holds other forms of itself, which never run.

Who looks at a copy of the code, at its text, its tree or what was compiled of it, finds the healthy
form and every fault in each of them. Which one runs is told by conditions, drawn for each copy,
whose outcome only running tells.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scaffolder.checks.planting.disguise import LOOKS_AT_NAMES
from scaffolder.tools import python_syntax

T = TypeVar("T")

_LARGE = 10_000
# No line of these counts as not covered: that what never runs is there is no lack of tests.
_UNCOUNTED = "  # pragma: no cover"

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class _Place:
    """A function, or a name that a module or class binds, and where it stands."""

    name: str
    node: Function | ast.Assign | ast.AnnAssign


def add_variants(live: str, others: Iterable[str], draw: random.Random) -> ast.Module:
    """Return the tree of code that does what `live` does and holds what the others do in its place.

    Raises what `ast.parse` does where `live` cannot be read; others that cannot be are left out.
    """
    tree = python_syntax.parse(live)
    places = [_list_places(one) for one in _parse_all(others)]
    for name, mine in _list_places(tree).items():
        alike = [_as_one_sort(found[name], mine) for found in places if name in found]
        if isinstance(mine, Function):
            _add_bodies(mine, [one for one in alike if isinstance(one, Function)], draw)
        else:
            _add_values(mine, [one for one in alike if _has_value(one)], draw)
    return ast.fix_missing_locations(tree)


def list_differing(sources: Iterable[str]) -> frozenset[str]:
    """Return the names of the functions that are not the same in all of the sources."""
    seen: dict[str, set[str]] = {}
    for tree in _parse_all(sources):
        for name, node in _list_places(tree).items():
            if isinstance(node, Function):
                seen.setdefault(name, set()).add(_dump(_split_docstring(node)[1]))
    return frozenset(name for name, bodies in seen.items() if len(bodies) > 1)


def exclude_lines(source: str, names: frozenset[str]) -> str:
    """Return source, as `ast.unparse` writes it, in which coverage counts no line of functions."""
    lines = source.split("\n")
    for name, node in _list_places(python_syntax.parse(source)).items():
        if name in names and lines[node.lineno - 1].endswith(":"):
            lines[node.lineno - 1] += _UNCOUNTED
    return "\n".join(lines)


def _parse_all(sources: Iterable[str]) -> Iterator[ast.Module]:
    for source in sources:
        try:
            yield python_syntax.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue


def _list_places(tree: ast.Module) -> dict[str, Function | ast.Assign | ast.AnnAssign]:
    """Return what a module and its classes define once, by name."""
    found: dict[str, list[Function | ast.Assign | ast.AnnAssign]] = {}
    for one in _walk_places(tree.body, ""):
        found.setdefault(one.name, []).append(one.node)
    return {name: nodes[0] for name, nodes in found.items() if len(nodes) == 1}


def _walk_places(body: Sequence[ast.stmt], prefix: str) -> Iterator[_Place]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield _Place(f"{prefix}{node.name}", node)
            case ast.ClassDef():
                yield from _walk_places(node.body, f"{prefix}{node.name}.")
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield _Place(f"{prefix}{name}", node)
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield _Place(f"{prefix}{name}", node)


def _as_one_sort(other: ast.stmt, mine: ast.stmt) -> ast.stmt | None:
    return other if type(other) is type(mine) else None


def _has_value(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None


def _dump(body: Sequence[ast.AST]) -> str:
    return "\n".join(ast.dump(one) for one in body)


def _add_bodies(mine: Function, others: Sequence[Function], draw: random.Random) -> None:
    start, own = _split_docstring(mine)
    bodies = {_dump(own): own}
    for other in others:
        body = _split_docstring(other)[1]
        if _goes_with(mine, own, body):
            bodies.setdefault(_dump(body), copy.deepcopy(body))
    if len(bodies) > 1:
        chosen: list[ast.stmt] = _choose(
            own, list(bodies.values()), draw, lambda test, one, rest: [ast.If(test, one, rest)]
        )
        mine.body = [*start, *chosen]


def _add_values(mine: ast.AST, others: Sequence[ast.AST | None], draw: random.Random) -> None:
    own: ast.expr | None = getattr(mine, "value", None)
    if own is None:
        return
    values = {ast.dump(own): own}
    for other in others:
        value: ast.expr = copy.deepcopy(getattr(other, "value"))  # noqa: B009
        if not any(isinstance(node, ast.NamedExpr) for node in ast.walk(value)):
            values.setdefault(ast.dump(value), value)
    if len(values) > 1:
        mine.value = _choose(own, list(values.values()), draw, ast.IfExp)  # type: ignore[attr-defined]


def _choose(live: T, every: list[T], draw: random.Random, join: Callable[[ast.expr, T, T], T]) -> T:
    """Return all of them, each behind a condition, of which only that of the live one holds."""
    draw.shuffle(every)
    *first, joined = every
    for one in reversed(first):
        joined = join(_draw_condition(draw, holds=one is live), one, joined)
    return joined


def _split_docstring(node: Function) -> tuple[list[ast.stmt], list[ast.stmt]]:
    has = ast.get_docstring(node, clean=False) is not None and len(node.body) > 1
    return (node.body[:1], node.body[1:]) if has else ([], node.body)


def _goes_with(mine: Function, own: list[ast.stmt], other: list[ast.stmt]) -> bool:
    """Whether another body can stand in a function without a change of what its own does."""
    nodes = [node for one in (*own, *other) for node in ast.walk(one)]
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in nodes):
        return False
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    if named & LOOKS_AT_NAMES or _is_generator(own) != _is_generator(other):
        return False
    # A name that only the other one binds becomes a local one of the whole function.
    arguments = {node.arg for node in ast.walk(mine.args) if isinstance(node, ast.arg)}
    new = _find_bound(other) - _find_bound(own) - arguments
    read = {node.id for one in own for node in ast.walk(one) if isinstance(node, ast.Name)}
    return not new & (read | {"__name__"})


def _is_generator(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _walk_scope(body))


def _walk_scope(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body but for what has a scope of its own."""
    for node in body:
        yield node
        if not isinstance(node, _SCOPES):
            yield from _walk_scope(ast.iter_child_nodes(node))


def _find_bound(body: list[ast.stmt]) -> set[str]:
    """Return the names that a body may bind; rather too many than too few."""
    found: set[str] = set()
    for node in _walk_scope(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.alias():
                found.add((node.asname or node.name).partition(".")[0])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                found.add(node.name or "")
            case ast.MatchMapping():
                found.add(node.rest or "")
    return found - {""}


def _draw_condition(draw: random.Random, *, holds: bool) -> ast.expr:
    """Return a condition that holds always, or never, whatever the module is called."""
    base, more = draw.randrange(7, _LARGE), draw.randrange(1, _LARGE)
    rest = draw.randrange(1, base)
    number = "__name__.__len__()"
    left, right = draw.choice(
        (
            (f"({number} * {base} + {rest}) % {base}", rest),
            (f"({number} + {more}) ** 2 - {number} * ({number} + {2 * more})", more * more),
            (f"{number} * ({number} + {2 * more + 1}) % 2 + {rest}", rest),
        )
    )
    sign, off_by = draw.choice((("==", not holds), ("!=", holds)))
    told = right + draw.randrange(1, base) if off_by else right
    return python_syntax.parse(f"{left} {sign} {told}").body[0].value  # type: ignore[attr-defined,no-any-return]
