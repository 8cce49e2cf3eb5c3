"""Which files of the machine a configuration would read.

Functions such as file(), and arguments by which the provider uploads a file, take a path. One that
leads out of the work is refused. What a path is made of is followed as far as texts, `path.module`
and locals; where a path comes of something else it is left to the sandbox, which shows nothing of
the user's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scaffolder.checks.terraform import hcl, templates
from scaffolder.checks.terraform.hcl import Configuration, Node
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Finding

URL = "https://developer.hashicorp.com/terraform/language/functions/file"

_FUNCTIONS = frozenset(
    {
        *("file", "fileexists", "fileset", "filebase64", "filemd5", "filesha1", "filesha256"),
        *("filesha512", "filebase64sha256", "filebase64sha512", "templatefile", "pathexpand"),
    }
)
_ARGUMENTS = ("source", "filename", "zip_file")
_ENDINGS = ("_file", "_files")

# Stands in a path for what is not known, and for the folder of the work.
_UNKNOWN = "\0"
_WORK = "/\1/"
_LOCALS_DEEP = 8


@dataclass(frozen=True)
class _Part:
    """A piece of HCL that was parsed, with its text and the line that it stands on."""

    text: str
    node: Node
    line: int

    def of(self, node: Node) -> str:
        return self.text[node.start : node.end]

    def line_of(self, node: Node) -> int:
        return self.line + self.text.count("\n", 0, node.start)


def find_objections(configuration: Configuration, place: str, folder: str) -> Iterator[Finding]:
    """Yield every read of a file outside of the work, in the module `place` of `folder`."""
    for path, text in configuration.texts.items():
        try:
            parts = list(_parts(text, path))
        except RecursionError as error:
            raise UnusableFileError("is nested too deeply to be read", path) from error
        judge = _Judge(_locals(parts), place, folder)
        for part in parts:
            for around, node in part.node.walk():
                message = judge.objection(part, node, around)
                if message:
                    yield Finding(message, path=path, line=part.line_of(node), url=URL)


def _parts(text: str, path: str) -> Iterator[_Part]:
    """Yield a file, and what stands in those of its texts that python-hcl2 does not look into."""
    if path.endswith(".json"):
        waiting = list(templates.find_json_expressions(text))
    else:
        whole = _Part(text, hcl.parse_tree(text, path), 1)
        yield whole
        waiting = _heredocs(whole)
    while waiting:
        source, line = waiting.pop()
        try:
            part = _Part(source, hcl.parse_tree(source, path), line)
        except UnusableFileError:
            # Terraform will not read it either.
            continue
        yield part
        waiting += _heredocs(part)


def _heredocs(part: _Part) -> list[tuple[str, int]]:
    return [
        (source, part.line_of(node))
        for _, node in part.node.walk()
        if node.kind.startswith("heredoc")
        for source in templates.find_expressions(part.of(node))
    ]


def _locals(parts: list[_Part]) -> dict[str, tuple[_Part, Node]]:
    found = {}
    for part in parts:
        for around, node in part.node.walk():
            inside = [one for one in around if one.kind == "block"]
            if node.kind == "attribute" and [one.name for one in inside] == ["locals"]:
                found[node.name] = (part, node.children[-1])
    return found


class _Judge:
    """Says of a node whether it reads a file outside of the work."""

    def __init__(self, known: Mapping[str, tuple[_Part, Node]], place: str, folder: str) -> None:
        self._locals = known
        self._roots = {
            "path.module": _WORK + place,
            "path.root": _WORK + folder,
            "path.cwd": _WORK + folder,
        }
        self._folder = folder

    def objection(self, part: _Part, node: Node, around: tuple[Node, ...]) -> str:
        """Return what is wrong with a node, or nothing."""
        if node.kind == "function_call":
            name = node.name.removeprefix("core__")
            if name in _FUNCTIONS:
                paths = self._arguments(part, node)[: 2 if name == "fileset" else 1]
                outside = next((one for one in paths if self._leads_outside(one)), "")
                return f"{name}() reads {_shown(outside)}, outside of the work" if outside else ""
        elif node.kind == "attribute" and self._uploads(node, around):
            path = self._path(part, node.children[-1])
            if self._leads_outside(path):
                return f"{node.name} uploads {_shown(path)}, outside of the work"
        return ""

    def _uploads(self, node: Node, around: tuple[Node, ...]) -> bool:
        top = next((one for one in around if one.kind == "block"), None)
        of_provider = top is not None and top.name in ("resource", "data", "ephemeral")
        return of_provider and (node.name in _ARGUMENTS or node.name.endswith(_ENDINGS))

    def _arguments(self, part: _Part, call: Node) -> list[str]:
        listed = [one for one in call.children if one.kind == "arguments"]
        return [self._path(part, one) for one in (listed[0].children if listed else ())]

    def _path(self, part: _Part, node: Node, deep: int = 0) -> str:
        """Return what is known of the text that an expression comes to."""
        while node.kind == "expr_term" and len(node.children) == 1:
            node = node.children[0]
        if node.kind == "string":
            return "".join(self._piece(part, one, deep) for one in node.children)
        written = "".join(part.of(node).split())
        if written in self._roots:
            return self._roots[written]
        name = written.removeprefix("local.")
        if name != written and name in self._locals and deep < _LOCALS_DEEP:
            return self._path(*self._locals[name], deep + 1)
        return _UNKNOWN

    def _piece(self, part: _Part, node: Node, deep: int) -> str:
        inside = node.children[0] if node.children else None
        if inside is None:
            return part.of(node)
        if inside.kind == "interpolation" and inside.children:
            return self._path(part, inside.children[0], deep)
        return _UNKNOWN

    def _leads_outside(self, path: str) -> bool:
        if path.startswith(_WORK):
            reached = path.removeprefix(_WORK)
        elif path.startswith(("/", "~")):
            return True
        else:
            reached = posixpath.join(self._folder, path)
        return posixpath.normpath(reached).split("/")[0] == ".."


def _shown(path: str) -> str:
    return path.replace(_WORK, "").replace(_UNKNOWN, "...")
