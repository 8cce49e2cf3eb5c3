"""What a Dockerfile asks of its builder beside the folder that it is built from.

Another language, something from a network, a folder that outlives the build, the builder's own
network or secrets, features that a builder may not have. All of it is read off the instructions.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from scaffolder.core.lines import split_lines
from scaffolder.tools.dockerfile import (
    Instruction,
    list_readings,
    parse_instructions,
    parse_list_form,
)

_DIRECTIVE = re.compile(r"(?:#|//)\s*syntax\s*=\s*(?P<name>\S+)", re.IGNORECASE)
_OFFICIAL = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:/|git@|github\.com/|[\w.-]+@[\w.-]+:|//", re.IGNORECASE)
_QUOTING = re.compile(r"[\"'\\`]")
_LOCAL_NAMES = ("localhost", "host.docker.internal", "gateway.docker.internal")
# https://docs.docker.com/build/buildkit/dockerfile-release-notes/: what the first builder of the
# language does not know, by instruction.
_BUILDKIT_FLAGS = {
    "RUN": ("mount", "network", "security", "device"),
    "COPY": ("link", "parents", "exclude", "chmod"),
    "ADD": ("link", "exclude", "chmod", "checksum", "keep-git-dir", "unpack"),
    "HEALTHCHECK": ("start-interval",),
}
_PLATFORM_ARGUMENT = re.compile(r"\$\{?(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)\b")
_SEPARATOR = re.compile(r"[;&|()]+|[{}!]")
_BEFORE_A_COMMAND = (
    "then",
    "else",
    "elif",
    "do",
    "if",
    "while",
    "until",
    "exec",
    "env",
    "sudo",
    "time",
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BLANK = re.compile(r"[ \t]*(?:[\\`][ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*)?")


@dataclass(frozen=True)
class Ask:
    """One thing that is asked for: its line, from 1, and how it stands there."""

    line: int
    what: str


def find_frontend(text: str) -> Ask | None:
    """Return the language that a `# syntax=` names where it is not Docker's own."""
    lines = split_lines(text.removeprefix("\ufeff"))
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        # No instruction begins so: an object in which `syntax`, in any spelling, is a key.
        if stripped.startswith("{"):
            return Ask(number, stripped[:60])
        found = _DIRECTIVE.match(stripped)
        if found and not _OFFICIAL.fullmatch(found["name"]):
            return Ask(number, found["name"])
        if stripped and not stripped.startswith(("#", "//")):
            return None
    return None


def find_remote_sources(text: str) -> list[Ask]:
    """Return what ADD would fetch from somewhere, and what nobody can tell to be a file."""
    found = []
    for instruction in list_instructions(text):
        if instruction.keyword != "ADD":
            continue
        for source in _sources(instruction):
            plain = _QUOTING.sub("", source)
            if _REMOTE.match(plain) or "$" in plain:
                found.append(Ask(instruction.line, plain))
    return found


def _sources(instruction: Instruction) -> tuple[str, ...]:
    """Return what an ADD or COPY takes, in either of the two forms."""
    words = parse_list_form(" ".join(instruction.arguments))
    return instruction.arguments[:-1] if words is None else tuple(map(str, words[:-1]))


def read_host(source: str) -> str:
    """Return the host that a remote source names, "" where it names none."""
    if "://" in source:
        return (urlsplit(source).hostname or "") if _is_address(source) else ""
    return re.split(r"[:/]", source.rpartition("@")[2])[0]


def _is_address(source: str) -> bool:
    try:
        return bool(urlsplit(source).hostname)
    except ValueError:
        return False


def read_registry(image: str) -> str:
    """Return the host of the registry that an image's name names, "" for the usual one."""
    first, slash, _ = image.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        return ""
    if first.startswith("["):
        return first[1:].partition("]")[0]
    return first.partition(":")[0]


def is_private(host: str) -> bool:
    """Whether a host is this machine or one of its own network: nobody else knows what is there."""
    name = host.rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if not re.fullmatch(r"[0-9a-fx.]+", name):
            return False
        try:
            # 127.1 and 0x7f000001 are addresses too.
            address = ipaddress.ip_address(socket.inet_aton(name))
        except OSError:
            return False
    return not address.is_global


def find_privileges(text: str) -> list[Ask]:
    """Return the flags of RUN that ask for the builder's network, rights, secrets or agent."""
    found = []
    for instruction in list_instructions(text):
        for flag in instruction.flags if instruction.keyword == "RUN" else ():
            name, _, value = flag.partition("=")
            fields = _fields(value)
            kind = fields["type"]
            wants = (
                (name == "--network" and value not in ("default", "none"))
                or (name == "--security" and value != "sandbox")
                or name == "--device"
                or (name == "--mount" and kind in ("secret", "ssh") and _required(fields))
                or (name == "--mount" and "$" in kind)
            )
            if wants:
                found.append(Ask(instruction.line, flag))
    return found


def _required(fields: dict[str, str]) -> bool:
    return "required" in fields and fields["required"].lower() not in ("false", "0")


def _fields(value: str) -> dict[str, str]:
    """Return the fields of a flag such as `type=cache,target=/x`, names in lower case."""
    parts = (part.partition("=") for part in value.split(","))
    fields = {name.strip().lower(): told.strip() for name, _, told in parts}
    return {**fields, "type": fields.get("type", "").lower()}


def list_instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions as any version of a builder may read them, each once.

    Who may not ask for something may not hide it where versions differ.
    """
    seen = set()
    for reading in list_readings(text):
        for instruction in reading:
            if instruction not in seen:
                seen.add(instruction)
                yield _unprefixed(instruction)


def _unprefixed(instruction: Instruction) -> Instruction:
    """Return what an ONBUILD holds in place of it."""
    while instruction.keyword == "ONBUILD":
        rest = instruction.text.split(maxsplit=1)[1:]
        instruction = Instruction(instruction.line, instruction.last_line, "".join(rest))
    return instruction


def find_newer_features(text: str) -> list[Ask]:
    """Return what a builder may be too old for: flags, platforms and here-documents."""
    found = []
    for instruction in parse_instructions(text):
        known = _BUILDKIT_FLAGS.get(instruction.keyword, ())
        names = (flag.removeprefix("--").partition("=")[0] for flag in instruction.flags)
        found += [
            Ask(instruction.line, f"{instruction.keyword} --{n}") for n in names if n in known
        ]
        if instruction.keyword == "FROM" and (used := _PLATFORM_ARGUMENT.search(instruction.text)):
            found.append(Ask(instruction.line, f"FROM {used[0].replace('{', '')}"))
        if instruction.here_document:
            found.append(Ask(instruction.line, "here-documents (<<)"))
    return found


class UnclearMountError(ValueError):
    """A mount is written in a way that cannot be read with certainty; `ask` says which."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask.what)
        self.ask = ask


def use_own_caches(text: str, owner: str) -> tuple[str, list[str]]:
    """Return the Dockerfile with each cache of a RUN under a name that only `owner` uses.

    With it comes where the caches are mounted. A cache without an id has its target as one; mounts
    of one id still share a cache, and one that is `owner`'s already keeps its name: a step that is
    built again must be the same step. Raises UnclearMountError where one cannot be renamed.
    """
    lines = split_lines(text)
    ends = "\n" if text.endswith("\n") else ""
    places = []
    for instruction in list_instructions(text):
        mounts = [flag for flag in instruction.flags if flag.startswith("--mount=")]
        caches = [flag for flag in mounts if _fields(flag[8:])["type"] == "cache"]
        if instruction.keyword != "RUN" or not caches:
            continue
        first, last = instruction.line - 1, instruction.last_line
        own, renamed = _renamed("\n".join(lines[first:last]), owner)
        if renamed != len(caches):
            raise UnclearMountError(Ask(instruction.line, caches[0]))
        lines[first:last] = own.split("\n")
        places += [_target(_fields(flag[8:])) for flag in caches]
    return "\n".join(lines) + ends, places


def _renamed(written: str, owner: str) -> tuple[str, int]:
    """Return a RUN with its caches renamed, and how many there were; written as it stands."""
    found = re.match(r"\s*(?:ONBUILD\s+)*RUN\b", written, re.IGNORECASE)
    at = found.end() if found else len(written)
    count = 0
    while True:
        blank = _BLANK.match(written, at)
        begin = at = blank.end() if blank else at
        while flag_blank := re.match(r"[ \t]+", written[at:]):
            begin = at = at + flag_blank.end()
        flag = re.match(r"--[^\s\"'\\`]+(?=[ \t\n])", written[begin:])
        if not flag:
            return written, count
        told = flag[0]
        fields = told.removeprefix("--mount=").split(",")
        if told.startswith("--mount=") and _fields(told[8:])["type"] == "cache":
            kept = [one for one in fields if one.partition("=")[0].strip().lower() != "id"]
            named = f"--mount={','.join([*kept, f'id={_cache_name(told[8:], owner)}'])}"
            written = written[:begin] + named + written[begin + len(told) :]
            told = named
            count += 1
        at = begin + len(told)


def _target(fields: Mapping[str, str]) -> str:
    return fields.get("target") or fields.get("dst") or fields.get("destination") or ""


def _cache_name(mount: str, owner: str) -> str:
    fields = _fields(mount)
    told = fields.get("id") or _target(fields)
    if told.startswith(f"{owner}-"):
        return told
    return f"{owner}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def list_programs(step: str) -> set[str]:
    """Return the names of the programs that a RUN starts, as far as its command line tells them.

    That is what stands where a shell expects a command; a module that Python runs counts as one.
    """
    command = " ".join(Instruction(1, 1, step).arguments)
    words = parse_list_form(command)
    if words is None:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            return set()
    found = set()
    begins = True
    for at, word in enumerate(map(str, words)):
        if _SEPARATOR.fullmatch(word) or word in _BEFORE_A_COMMAND:
            begins = True
        elif begins and not _ASSIGNMENT.match(word):
            name = word.rpartition("/")[2]
            module = [str(one) for one in words[at + 1 : at + 3]]
            is_module = name.startswith("python") and len(module) == 2 and module[0] == "-m"
            found.add(module[1] if is_module else name)
            begins = False
    return found
