"""Shell scripts as shfmt parses them: what is a command in them, and which scripts hide in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.lint.programs import find_program
from scaffolder.tools.command import Command, Limits
from scaffolder.tools.versions import ask_version

_SECONDS = 30.0
_OUTPUT_LIMIT = 64 * 1024 * 1024
_LIMITS = Limits(cpu_seconds=60, memory_mb=4096, total_memory_mb=2048, processes=64)
# Bash's is the language that takes most of the others; a dialect is shellcheck's to judge.
_PARSE = 'exec "$0" --to-json --language-dialect bash <"$1"'
_ALMOST_SH = frozenset({"ash", "busybox"})
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", *_ALMOST_SH})
_INPUT = (["-"], ["/dev/stdin"], ["/dev/fd/0"], ["/proc/self/fd/0"])
_READ_IN = frozenset({".", "source"})
# What runs the command that is named behind it.
_RUNNERS = frozenset({"builtin", "command", "env", "exec", "nice", "nohup", "sudo", "time"})
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
_ESCAPED = re.compile(r"\\([$`\\])")

Node = dict[str, Any]


@dataclass(frozen=True)
class HiddenScript:
    """A script within a script, that the outer one hands to a shell; `line` is where it begins."""

    text: str
    line: int
    shell: str


def read_version() -> str:
    """Return shfmt's version; raises UnavailableError where it is missing or does not run."""
    return ask_version((find_shfmt(), "--version"))


def find_shfmt() -> str:
    """Return the program; raises UnavailableError where it is not installed."""
    return find_program("shfmt", "shfmt-py")


def parse_work_script(context: Context, text: str) -> Node | None:
    """Return the tree of a learner's script, None for one that shfmt does not come to an end with.

    That is nobody's fault: it refuses a few things that shells take.
    """
    folder = context.run.folder("shfmt")
    place = folder / "script"
    place.write_bytes(text.encode())
    program = find_shfmt()
    done = context.run.sandbox.run(
        Command(
            argv=("/bin/sh", "-c", _PARSE, program, str(place)),
            cwd=folder,
            timeout=_SECONDS,
            visible=(Path(program),),
            limits=_LIMITS,
            output_limit=_OUTPUT_LIMIT,
        ),
        context.run.cancel,
    )
    return decode_tree(done.stdout) if done.ok else None


def decode_tree(output: str) -> Node | None:
    """Return the tree that shfmt printed, None where it is none."""
    try:
        return msgspec.json.decode(output, type=Node)
    except (msgspec.MsgspecError, RecursionError):
        return None


def has_command(tree: Node) -> bool:
    """Whether there is anything but comments in a script."""
    return bool(tree.get("Stmts"))


def walk_nodes(tree: Any) -> Iterator[Node]:
    """Yield every node of a tree, the outer before the inner, in the order of the text."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)


def find_hidden_scripts(tree: Node) -> tuple[HiddenScript, ...]:
    """Return the scripts in here-documents and quoted words that a shell is handed."""
    found = (script for node in walk_nodes(tree) for script in _list_handed(node))
    return tuple({script.line: script for script in found}.values())


@dataclass(frozen=True)
class _ShellCall:
    """A command that starts a shell: whether its script comes over standard input, or in words."""

    shell: str
    reads_input: bool
    scripts: tuple[Node, ...] = ()


def _list_handed(statement: Node) -> Iterator[HiddenScript]:
    """Yield the scripts that a statement hands to a shell which it starts itself."""
    command = statement.get("Cmd") or {}
    handing: list[Any] = statement.get("Redirs") or []
    if command.get("Type") == "BinaryCmd" and command.get("Op") in ("|", "|&"):
        handing = [command["X"]]
        command = command["Y"].get("Cmd") or {}
    call = _read_call(command)
    if call and call.reads_input:
        yield from _list_redirected(handing, call.shell)
    elif call:
        yield from _list_redirected(list(call.scripts), call.shell)
        for word in call.scripts:
            yield from _read_quoted(word, call.shell)


def _read_call(command: Node) -> _ShellCall | None:
    """Return the shell that a simple command starts, None where it starts none."""
    words = command.get("Args") or []
    values = [read_word(word) or "" for word in words]
    for at, value in enumerate(values):
        name = value.rpartition("/")[2]
        if name == "eval":
            return _ShellCall("bash", False, tuple(words[at + 1 :]))
        if name in _READ_IN:
            return _ShellCall("bash", values[at + 1 : at + 2] in _INPUT)
        if name in _SHELLS:
            return _read_options("sh" if name in _ALMOST_SH else name, words[at + 1 :])
        if name not in _RUNNERS and not value.startswith("-") and not _ASSIGNMENT.fullmatch(value):
            return None
    return None


def _read_options(shell: str, words: list[Node]) -> _ShellCall:
    values = [read_word(word) or "" for word in words]
    at = 0
    while at < len(values) and values[at][:1] in ("-", "+") and len(values[at]) > 1:
        option = values[at]
        at += 2 if re.fullmatch(r"[-+]\w*[oO]", option) else 1
        if re.fullmatch(r"-\w*c\w*", option):
            return _ShellCall(shell, False, tuple(words[at : at + 1]))
        if re.fullmatch(r"-\w*s\w*", option):
            return _ShellCall(shell, True)
    return _ShellCall(shell, at >= len(values) or [values[at]] in _INPUT)


def _list_redirected(parts: list[Any], shell: str) -> Iterator[HiddenScript]:
    """Yield the here-documents and here-strings in parts of a script."""
    for node in walk_nodes(parts):
        if node.get("Hdoc"):
            yield _read_here_document(node, shell)
        elif node.get("Op") == "<<<":
            yield from _read_quoted(node.get("Word") or {}, shell)


def _read_here_document(redirect: Node, shell: str) -> HiddenScript:
    body = redirect["Hdoc"]
    text = "".join(_write_part(part) for part in body.get("Parts") or ())
    mark = redirect.get("Word") or {}
    is_literal = any(
        part["Type"] != "Lit" or "\\" in part.get("Value", "") for part in mark.get("Parts") or ()
    )
    if not is_literal:
        text = _ESCAPED.sub(r"\1", text)
    if redirect.get("Op") == "<<-":
        text = re.sub(r"(?m)^\t+", "", text)
    return HiddenScript(text, body["Pos"]["Line"], shell)


def _write_part(part: Node) -> str:
    """Return a part of a here-document; what the outer shell puts in is one plain word."""
    return str(part.get("Value", "")) if part["Type"] == "Lit" else "0"


def _read_quoted(word: Node, shell: str) -> Iterator[HiddenScript]:
    parts = word.get("Parts") or []
    if len(parts) == 1 and parts[0]["Type"] in ("SglQuoted", "DblQuoted"):
        text = read_word(word)
        if text is not None and text.strip():
            yield HiddenScript(text, word["Pos"]["Line"], shell)


def read_word(word: Node) -> str | None:
    """Return what a word is before anything is put in, None where something is."""
    told = ""
    for part in word.get("Parts") or ():
        if part["Type"] == "DblQuoted":
            inner = read_word(part)
            if inner is None:
                return None
            told += _ESCAPED.sub(r"\1", inner)
        elif part["Type"] in ("Lit", "SglQuoted"):
            told += part.get("Value", "")
        else:
            return None
    return told
