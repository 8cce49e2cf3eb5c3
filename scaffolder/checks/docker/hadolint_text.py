"""A Dockerfile as hadolint reads it right: where it is known to err, written another way.

Each change stands for a known weakness of hadolint and leaves what the builder does as it is. Where
no other writing helps, a finding is dropped (`is_mistaken`). The numbers are those of its issues:
https://github.com/hadolint/hadolint/issues
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from scaffolder.core.lines import split_lines
from scaffolder.tools.dockerfile import HEREDOC, Instruction, parse_instructions, parse_list_form

# What a POSIX shell is called: a here-document for it is judged as any RUN is.
_PLAIN_SHELLS = ("sh", "dash", "ash")
_FROM = re.compile(r"(?P<before>(?:--|,|--mount=)from=)(?P<name>[^\s,]+)")
_DURATION = re.compile(r"(?P<flag>--[\w-]+=)(?P<value>(?:\d+(?:\.\d+)?(?:h|ms|us|µs|ns|m|s))+)")
_PART = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>h|ms|us|µs|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PORT_BEHIND_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)\})(?=:\d+/)")
_RUN_HERE_DOCUMENT = re.compile(
    r"(?P<run>\s*RUN\s+(?:--\S+\s+)*)(?P<mark><<\S+)\s*(?P<rest>.*)", re.IGNORECASE
)
_LISTS = "/var/lib/apt/lists"


class _Writer:
    """The lines of the new text, and of each the number of the old line that it stands for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.numbers: dict[int, int] = {}

    def add(self, line: str, number: int) -> None:
        """Add a line that stands for the old one of this number."""
        self.lines.append(line)
        self.numbers[len(self.lines)] = number


def rewrite_text(text: str) -> tuple[str, dict[int, int]]:
    """Return the text for hadolint, and the old number of each of its lines."""
    lines = [*split_lines(text.removeprefix("\ufeff")), ""]
    known = parse_instructions(text)
    stages, arguments = _stage_names(known), _defaults(known)
    shells = _shells(known)
    writer = _Writer()
    at = 0
    for one in known:
        for number in range(at, one.line - 1):
            writer.add(lines[number], number + 1)
        own = lines[one.line - 1 : one.last_line]
        for offset, line in enumerate(_written(one, own, stages, arguments)):
            writer.add(line, one.line + offset)
        at = one.last_line
        if one.here_document:
            # Without a blank line the next instruction counts as a part of it (1137).
            writer.add("", one.last_line)
        if one in shells:
            writer.add(shells[one].text, shells[one].line)
    for number in range(at, len(lines)):
        writer.add(lines[number], number + 1)
    return "\n".join(writer.lines), writer.numbers


def _shells(known: Sequence[Instruction]) -> dict[Instruction, Instruction]:
    """Return the SHELL that has to be said again behind an instruction.

    It is forgotten at the next stage (406), and behind ENV and ARG (1252).
    """
    found = {}
    of_stages: dict[str, Instruction] = {}
    shell: Instruction | None = None
    stage = ""
    for one in known:
        if one.keyword == "FROM":
            words = [word.lower() for word in one.arguments if not word.startswith("--")]
            shell = of_stages.get(words[0]) if words else None
            stage = words[2] if len(words) > 2 else ""
        elif one.keyword == "SHELL":
            shell = one
        if shell and stage:
            of_stages[stage] = shell
        if shell and one.keyword in ("FROM", "ENV", "ARG"):
            found[one] = shell
    return found


def _stage_names(known: Sequence[Instruction]) -> set[str]:
    names = set()
    for one in known:
        words = [word for word in one.arguments if not word.startswith("--")]
        if one.keyword == "FROM" and len(words) > 2:
            names.add(words[2].lower())
    return names


def _defaults(known: Sequence[Instruction]) -> dict[str, str]:
    found = {}
    for one in known:
        if one.keyword == "FROM":
            break
        if one.keyword == "ARG":
            pairs = (word.partition("=") for word in one.arguments)
            found.update({name: value.strip("\"'") for name, _, value in pairs})
    return found


def _written(
    one: Instruction, lines: list[str], stages: set[str], arguments: Mapping[str, str]
) -> list[str]:
    """Return the lines of one instruction, as many as it has."""
    if one.keyword == "FROM":
        return [_stage_line(line, stages, arguments) for line in lines]
    if one.keyword == "HEALTHCHECK":
        return [_DURATION.sub(_in_seconds, line) for line in lines]
    if one.here_document:
        lines = _here_document(one, lines)
    if one.keyword in ("COPY", "RUN") and "from=" in one.text:

        def lowered(found: re.Match[str]) -> str:
            name = found["name"]
            return found["before"] + (name.lower() if name.lower() in stages else name)

        lines = [_FROM.sub(lowered, line) for line in lines]
    return lines


def _stage_line(line: str, stages: set[str], arguments: Mapping[str, str]) -> str:
    """Return a line of a FROM with its stages in small letters, as the builder compares them."""

    def value(found: re.Match[str]) -> str:
        return arguments.get(found["plain"] or found["braced"]) or found[0]

    # The parser takes a port behind a variable for a tag (847).
    line = _PORT_BEHIND_VARIABLE.sub(value, line)
    words = re.split(r"(\s+)", line)
    return "".join(word.lower() if word.lower() in stages else word for word in words)


def _in_seconds(found: re.Match[str]) -> str:
    """Return a duration as a number of seconds: of `1m30s` hadolint's parser reads `1m`."""
    if len(_PART.findall(found["value"])) == 1:
        return found[0]
    seconds = sum(
        float(part["number"]) * _SECONDS[part["unit"]] for part in _PART.finditer(found["value"])
    )
    return f"{found['flag']}{max(1, round(seconds))}s"


def _here_document(one: Instruction, lines: list[str]) -> list[str]:
    """Return the lines of an instruction with a here-document as hadolint can read them."""
    # An escaped mark is a quoted one (1051).
    first = HEREDOC.sub(
        lambda found: f'<<{found["dash"]}"{found["word"]}"' if found["escaped"] else found[0],
        lines[0],
    )
    body = lines[1:]
    found = _RUN_HERE_DOCUMENT.match(first) if one.keyword == "RUN" else None
    if not found:
        return [first, *body]
    program = found["rest"].strip()
    if not program and body and body[0].lstrip("\t").startswith("#!"):
        program = body[0].lstrip("\t")[2:].strip()
    if not program or program.split()[0].rpartition("/")[2] in _PLAIN_SHELLS:
        return [first, *body]
    # A here-document for a program of its own is no text for /bin/sh (806, 1137).
    return [f"{found['run']}{program} {found['mark']}", *body]


def is_mistaken(rule: str, line: int, text: str) -> bool:
    """Whether hadolint's rule is known to err about the instruction at this line of the text."""
    known = parse_instructions(text)
    at = next((n for n, one in enumerate(known) if one.line <= line <= one.last_line), None)
    if at is None:
        return False
    one = known[at]
    if rule == "DL3025":
        # Docker's reference writes a health check's command as a line; no signal has to reach it.
        # And with a quote in a word, or a blank before a comma, a list is a list (802).
        return one.keyword == "HEALTHCHECK" or _is_list(one)
    if rule == "DL3009":
        return any(_holds_lists(mount) for mount in _cached(one))
    if rule == "DL3059":
        # A here-document cannot be joined with another RUN (805).
        return one.here_document or (at > 0 and known[at - 1].here_document)
    return False


def _is_list(one: Instruction) -> bool:
    words = parse_list_form("".join(one.text.split(maxsplit=1)[1:])) or []
    return bool(words) and all(isinstance(word, str) for word in words)


def _cached(one: Instruction) -> Iterator[str]:
    """Yield where the mounts of a RUN lie whose content does not get into the image."""
    for flag in one.flags:
        fields = dict(part.partition("=")[::2] for part in flag.removeprefix("--mount=").split(","))
        if flag.startswith("--mount=") and fields.get("type") in ("cache", "tmpfs"):
            yield fields.get("target") or fields.get("dst") or fields.get("destination") or ""


def _holds_lists(target: str) -> bool:
    """Whether apt's lists lie in a folder that is mounted (723, 943)."""
    folder = target.rstrip("/")
    return bool(folder) and (folder == _LISTS or _LISTS.startswith(f"{folder}/"))
