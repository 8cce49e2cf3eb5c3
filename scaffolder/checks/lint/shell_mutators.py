"""Operators on shell scripts: what people forget in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from scaffolder.checks.lint.shell_syntax import (
    Node,
    decode_tree,
    find_shfmt,
    read_word,
    walk_nodes,
)
from scaffolder.checks.mutations import Source, SourceEdit, Splice, begins_line, remove_lines
from scaffolder.core.errors import UnusableFileError
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken

_SECONDS = 30.0
_STRICT = re.compile(r"[-+]\w*[eu]\w*|[-+]\w*o|errexit|nounset|pipefail")
_FAILURE = re.compile(r"0*[1-9]\d*")
_NO_NAME = re.compile(r"[^\w./-]+")
_PLACE = re.compile(r"^(?:<[^>]*>|[^:]*):?(?P<line>\d+):\d+: (?P<words>.*)$")


@dataclass(frozen=True)
class ShellScript:
    """A script of an author's, its text and its tree."""

    text: str
    tree: Node

    @cached_property
    def _encoded(self) -> bytes:
        return self.text.encode()

    def find_span(self, node: Node) -> tuple[int, int]:
        """Return where a node begins and ends, in characters; the parser counts bytes."""
        start, end = node["Pos"]["Offset"], node["End"]["Offset"]
        before = self._encoded[:start].decode("utf-8", "replace")
        # The return before a newline counts as a part of a last word.
        inside = self._encoded[start:end].decode("utf-8", "replace").rstrip("\r")
        return len(before), len(before) + len(inside)

    def list_calls(self) -> Iterator[tuple[Node, list[str]]]:
        """Yield the statements that are one simple command, with its words; "" where one varies."""
        for statement in walk_nodes(self.tree):
            command = statement.get("Cmd") or {}
            if command.get("Type") == "CallExpr" and command.get("Args"):
                yield statement, [read_word(word) or "" for word in command["Args"]]


def parse_script(source: Source) -> ShellScript:
    """Return a script; raises UnusableFileError for what is none."""
    argv = (find_shfmt(), "--to-json", "--language-dialect", "bash")
    done = processes.run(argv, stdin=source.text.encode(), timeout=_SECONDS, cancel=CancelToken())
    tree = decode_tree(done.stdout) if done.ok else None
    if tree is None:
        told = _PLACE.match(next(iter(done.tail(1)), ""))
        words = told["words"] if told else "shfmt cannot read it"
        line = int(told["line"]) if told else None
        raise UnusableFileError(f"is no shell script: {words}", source.path, line=line)
    return ShellScript(source.text, tree)


def drop_set(script: ShellScript) -> Iterator[SourceEdit]:
    """Remove each `set` that makes the script stop at failures."""
    for statement, words in script.list_calls():
        if words[0] == "set" and any(_STRICT.fullmatch(word) for word in words[1:]):
            title = f"without {' '.join(words)} the script goes on after a failure"
            yield from _drop_statement(script, statement, "", title)


def drop_trap(script: ShellScript) -> Iterator[SourceEdit]:
    """Remove each `trap` that is set."""
    for statement, words in script.list_calls():
        if words[0] == "trap" and len(words) > 2:
            place = ".".join(words[2:])
            title = f"nothing is done at {' '.join(words[2:])}"
            yield from _drop_statement(script, statement, place, title)


def remove_quotes(script: ShellScript) -> Iterator[SourceEdit]:
    """Take the quotes from around a variable, once for each command and variable."""
    seen = set()
    for statement, words in script.list_calls():
        for word in statement["Cmd"]["Args"][1:]:
            parts = word.get("Parts") or []
            inner = (parts[0].get("Parts") or []) if len(parts) == 1 else []
            if _is_expanded(inner) and parts[0]["Type"] == "DblQuoted":
                start, end = script.find_span(word)
                text = script.text[start + 1 : end - 1]
                place = f"{_name_word(words[0])}.{_NO_NAME.sub('-', text).strip('-')}"
                # Not $"...", which is translated.
                if script.text[start] == '"' and place not in seen:
                    seen.add(place)
                    splices = (Splice(start, start + 1), Splice(end - 1, end))
                    yield SourceEdit(place, f"{text} is split at blanks", splices)


def return_zero(script: ShellScript) -> Iterator[SourceEdit]:
    """Have a failure end with 0."""
    for statement, words in script.list_calls():
        if len(words) == 2 and words[0] in ("exit", "return") and _FAILURE.fullmatch(words[1]):
            start, end = script.find_span(statement["Cmd"]["Args"][1])
            title = f"{words[0]} 0 for {words[0]} {words[1]}"
            yield SourceEdit(".".join(words), title, (Splice(start, end, "0"),))


def drop_guard(script: ShellScript) -> Iterator[SourceEdit]:
    """Remove what is done where a command fails: `|| exit 1`."""
    for node in walk_nodes(script.tree):
        command = node.get("Cmd") or {}
        if command.get("Type") == "BinaryCmd" and command.get("Op") == "||":
            _, end = script.find_span(command["X"])
            _, behind = script.find_span(command["Y"])
            words = _name_command(command["X"])
            title = f"nothing is done where {words or 'the command before'} fails"
            if _is_plain(command["X"]) and _is_plain(command["Y"]):
                yield SourceEdit(words, title, (Splice(end, behind),))


def _drop_statement(
    script: ShellScript, statement: Node, place: str, title: str
) -> Iterator[SourceEdit]:
    """Remove a statement that has lines of its own."""
    start, end = script.find_span(statement)
    rest = script.text[end:].partition("\n")[0].strip()
    if begins_line(script.text, start) and (not rest or rest.startswith("#")):
        yield SourceEdit(place, title, (remove_lines(script.text, start, end),))


def _is_expanded(parts: list[Node]) -> bool:
    return any(part["Type"] in ("ParamExp", "CmdSubst") for part in parts)


def _is_plain(statement: Node) -> bool:
    """Whether the text of a statement ends where it does: a here-document goes on below."""
    return not any(node.get("Hdoc") for node in walk_nodes(statement))


def _name_command(statement: Node) -> str:
    """Return the first words of a command that do not vary."""
    command = statement.get("Cmd") or {}
    words = [_name_word(read_word(word) or "") for word in command.get("Args") or ()]
    return ".".join(word for word in words[:3] if re.fullmatch(r"[\w./=-]+", word))


def _name_word(word: str) -> str:
    return {"[": "test", ".": "source"}.get(word, word)
