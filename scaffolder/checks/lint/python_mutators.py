"""Operators on Python programs: what people forget in scripts that others rely on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from scaffolder.checks.mutations import Source, SourceEdit, Splice
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.lines import split_lines
from scaffolder.tools import python_syntax

_EXITS = frozenset({"exit", "SystemExit", "_exit"})
_SHIFTED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}


@dataclass(frozen=True)
class PythonProgram:
    """A program of an author's, its text and its tree."""

    text: str
    tree: ast.Module
    starts: tuple[int, ...]

    def find_span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Return where a node begins and ends, in characters; Python counts bytes in lines."""
        return (
            self._find_offset(node.lineno, node.col_offset),
            self._find_offset(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def _find_offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        rest = self.text[start : start + column]
        return start + len(rest.encode()[:column].decode("utf-8", "ignore"))

    def walk(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield the nodes in the order of the text, each with the function that it is in."""
        waiting: list[tuple[str, ast.AST]] = [("", self.tree)]
        while waiting:
            name, node = waiting.pop()
            yield name, node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{name}.{node.name}" if name else node.name
            waiting += [(name, inner) for inner in reversed(list(ast.iter_child_nodes(node)))]


def parse_program(source: Source) -> PythonProgram:
    """Return a program; raises UnusableFileError for what is none."""
    try:
        tree = python_syntax.parse(source.text.removeprefix("\ufeff"))
    except SyntaxError as error:
        message = f"is no Python: {error.msg}"
        raise UnusableFileError(message, source.path, line=error.lineno) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnusableFileError(f"is no Python: {error}", source.path) from error
    at, starts = len(source.text) - len(source.text.removeprefix("\ufeff")), []
    for line in split_lines(source.text[at:] or "\n"):
        starts.append(at)
        at += len(line) + 1
    return PythonProgram(source.text, tree, tuple(starts))


def return_zero(program: PythonProgram) -> Iterator[SourceEdit]:
    """Have a failure end with 0."""
    for place, node in program.walk():
        if isinstance(node, ast.Call) and _name_function(node) in _EXITS and len(node.args) == 1:
            code = node.args[0]
            if isinstance(code, ast.Constant) and type(code.value) is int and code.value:
                start, end = program.find_span(code)
                title = f"the program ends with 0 for {code.value}"
                where = _join(place, f"{_name_function(node)}.{code.value}")
                yield SourceEdit(where, title, (Splice(start, end, "0"),))


def drop_check(program: PythonProgram) -> Iterator[SourceEdit]:
    """Have a command that fails go unnoticed."""
    for where, name, value in _find_arguments(program, "check"):
        if isinstance(value, ast.Constant) and value.value is True:
            splice = Splice(*program.find_span(value), "False")
            yield SourceEdit(where, f"{name} does not say that the command failed", (splice,))


def drop_timeout(program: PythonProgram) -> Iterator[SourceEdit]:
    """Have a call wait for ever."""
    for where, name, value in _find_arguments(program, "timeout"):
        splice = Splice(*program.find_span(value), "None")
        yield SourceEdit(where, f"{name} waits for ever", (splice,))


def _find_arguments(program: PythonProgram, name: str) -> Iterator[tuple[str, str, ast.expr]]:
    """Yield the place, the function and the value of each argument of a name."""
    for place, node in program.walk():
        if isinstance(node, ast.Call):
            function = _name_function(node)
            for keyword in node.keywords:
                if keyword.arg == name:
                    yield _join(place, function), function, keyword.value


def change_bound(program: PythonProgram) -> Iterator[SourceEdit]:
    """Miss a bound by one."""
    for place, node in program.walk():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SHIFTED:
            old, new = _SHIFTED[type(node.ops[0])]
            _, left = program.find_span(node.left)
            right, _ = program.find_span(node.comparators[0])
            between = program.text[left:right]
            if between.count(old) == 1 and "#" not in between:
                at = left + between.index(old)
                where = _join(place, ast.unparse(node)[:40])
                yield SourceEdit(where, f"{new} for {old}", (Splice(at, at + len(old), new),))


def drop_raise(program: PythonProgram) -> Iterator[SourceEdit]:
    """Go on where an error is raised."""
    for place, node in program.walk():
        if isinstance(node, ast.Raise) and node.exc is not None:
            start, end = program.find_span(node)
            name = ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            where = _join(place, name)
            yield SourceEdit(where, f"{name} is not raised", (Splice(start, end, "pass"),))


def _name_function(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
