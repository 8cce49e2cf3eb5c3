"""Change code in ways that mean nothing, differently in every copy.

Whoever knows the files of the healthy app byte by byte could tell a planted fault from none without
running a test. So every copy gets comments and names of local variables that were drawn for it.
"""

from __future__ import annotations

import ast
import contextlib
import keyword
import random
import re
from collections.abc import Iterator
from pathlib import Path

from scaffolder.core.errors import UnusableFileError
from scaffolder.tools import python_syntax
from scaffolder.workspace import read_text, resolve_inside

_FILES = 3
_LOOKED_AT = 200
_SIZE = 200_000
_COMMENTS = (
    *("See the notes.", "As agreed.", "Kept simple.", "On purpose.", "Nothing else to do."),
    *("This is enough here.", "The usual way.", "Same as elsewhere.", "Order matters little."),
    *("Small and plain.", "Read it once more.", "To be seen in the review.", "Agreed last week."),
)
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")
# What makes the names of a function visible elsewhere than where they stand.
LOOKS_AT_NAMES = frozenset({"locals", "vars", "eval", "exec", "globals", "dir"})


def disguise(work: Path, places: frozenset[str], draw: random.Random) -> None:
    """Change some Python files below `places` (files and folders of the copy) in words only."""
    files = sorted(set(_python_files(work, places)))
    for relative in draw.sample(files, min(_FILES, len(files))):
        with contextlib.suppress(UnusableFileError, OSError):
            source = read_text(work, relative, limit=_SIZE)
            resolve_inside(work, relative).write_text(disguise_code(source, draw), "utf-8")


def _python_files(work: Path, places: frozenset[str]) -> Iterator[str]:
    for place in sorted(places):
        with contextlib.suppress(UnusableFileError, OSError):
            top = resolve_inside(work, place)
            found = sorted(top.rglob("*.py"))[:_LOOKED_AT] if top.is_dir() else [top]
            root = work.resolve()
            yield from (
                str(path.relative_to(root))
                for path in found
                if path.suffix == ".py" and path.is_file() and not path.is_symlink()
            )


def disguise_code(source: str, draw: random.Random) -> str:
    """Return code that does what `source` does; `source` itself where that cannot be told."""
    try:
        tree = python_syntax.parse(source)
        renamed = _with_other_name(source, tree, draw)
        changed = _with_comment(renamed, python_syntax.parse(renamed), draw)
        python_syntax.parse(changed)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    return changed


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _with_comment(source: str, tree: ast.Module, draw: random.Random) -> str:
    lines = _lines(source)
    places = [
        statement
        for function in _functions(tree)
        for statement in function.body
        if isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign | ast.If)
        # Not behind something on the same line, and not within a text of several lines.
        and not lines[statement.lineno - 1][: statement.col_offset].strip()
    ]
    if not places:
        return source
    chosen = draw.choice(places)
    line = lines[chosen.lineno - 1]
    end = line[len(line.rstrip("\r\n")) :] or "\n"
    comment = f"{line[: chosen.col_offset]}# {draw.choice(_COMMENTS)}{end}"
    lines.insert(chosen.lineno - 1, comment)
    return "".join(lines)


def _lines(source: str) -> list[str]:
    """Return lines with their ends, as Python counts them: a lone carriage return ends one, too."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", source)


def _with_other_name(source: str, tree: ast.Module, draw: random.Random) -> str:
    """Return the source with one local variable of one function called otherwise."""
    known = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    if known & LOOKS_AT_NAMES:
        return source
    choices = [(function, name) for function in _functions(tree) for name in _locals(function)]
    if not choices:
        return source
    function, name = draw.choice(choices)
    other = _word(len(name), known, draw)
    return _replaced(source, function, name, other) if other else source


def _locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return names that one plain assignment binds, and that nothing but plain names read."""
    inner = list(ast.walk(function))[1:]
    scopes = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.Global
    hidden = ast.Nonlocal | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    # Where the pieces of an f-string stand, Python tells from 3.12 on only.
    if any(isinstance(node, scopes | hidden | ast.JoinedStr | ast.Match) for node in inner):
        return []
    arguments = {node.arg for node in inner if isinstance(node, ast.arg)}
    bound = [
        node.targets[0].id
        for node in inner
        if isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name)
    ]
    otherwise = {
        alias.asname or alias.name
        for node in inner
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    } | {node.name for node in inner if isinstance(node, ast.ExceptHandler) and node.name}
    fit = set(bound) - arguments - otherwise
    return sorted(name for name in fit if len(name) > 2 and not name.startswith("_"))


def _word(length: int, known: set[str], draw: random.Random) -> str:
    """Return a name as long as another, so that no line grows; "" where none was found."""
    for _ in range(20):
        word = "".join(draw.choice(_SYLLABLES) for _ in range(length // 2 + 1))[:length]
        if word not in known and not keyword.iskeyword(word) and not keyword.issoftkeyword(word):
            return word
    return ""


def _replaced(
    source: str, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str, other: str
) -> str:
    lines = [line.encode() for line in _lines(source)]
    places = [
        (node.lineno - 1, node.col_offset)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name
    ]
    for row, column in sorted(places, reverse=True):
        line = lines[row]
        end = column + len(name.encode())
        if line[column:end].decode() != name:
            return source
        lines[row] = line[:column] + other.encode() + line[end:]
    return b"".join(lines).decode()
