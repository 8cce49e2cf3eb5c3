"""How people get Dockerfiles wrong: operators over instructions."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from scaffolder.checks.mutations import (
    Source,
    SourceEdit,
    Splice,
    begins_line,
    find_line_break,
    insert_line,
    remove_lines,
)
from scaffolder.core.lines import split_lines
from scaffolder.tools.dockerfile import Instruction, parse_instructions

_GAP = r"(?:\s|[\\`]\s*\n)+"
_SPACE = re.compile(_GAP)
_HEAD = re.compile(rf"(?:{_GAP})?[A-Za-z]+{_GAP}(?:--\S+{_GAP})*")
_INSTALLS = re.compile(
    r"\b(pip3?|uv|poetry|pdm|pipenv|npm|pnpm|yarn|bundle|composer)\b.*\b(install|sync|ci)\b"
)
_PAIR = re.compile(r"""([A-Za-z_][\w.-]*)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\[^\s]|[^\s\\"'])*)""")
_FLAG = re.compile(
    rf"{_GAP}(?P<flag>--(?:no-cache-dir|no-cache|no-install-recommends|no-dev|omit=dev|production"
    r"|require-hashes|frozen|locked|chown=\S+|chmod=\S+))(?=\s|$)"
)
_CLEANUP = re.compile(rf"{_GAP}&&{_GAP}rm{_GAP}-rf{_GAP}/var/lib/apt/lists/?\*?")
_SMALL = re.compile(r"-(?:slim|alpine[\d.]*)(?=-|$)")
_HEALTH_COMMAND = re.compile(rf"(?<=\s)CMD(?P<command>{_GAP}.*)", re.IGNORECASE | re.DOTALL)

# Looks like a secret to a reader and to a scanner, and opens nothing.
_SECRET = "sk-live-4f9a1c7be2d85063"  # noqa: S105


@dataclass(frozen=True)
class DockerfilePart:
    """One instruction with its text as written, from the offset `start` up to `end`."""

    instruction: Instruction
    start: int
    raw: str
    stage: int

    @property
    def keyword(self) -> str:
        """The instruction's first word, in capitals."""
        return self.instruction.keyword

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.start + len(self.raw)

    @property
    def arguments(self) -> str:
        """What stands behind the keyword and its flags, as written."""
        head = _HEAD.match(self.raw)
        return self.raw[head.end() if head else 0 :]

    @property
    def words(self) -> list[str]:
        """The words behind the keyword and its flags."""
        words = self.instruction.text.split()[1:]
        while words and words[0].startswith("--"):
            del words[0]
        return words


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile as its instructions, each with the stage that it belongs to (from 0)."""

    text: str
    parts: tuple[DockerfilePart, ...]

    def of(self, *keywords: str) -> tuple[DockerfilePart, ...]:
        """Return the instructions with one of these keywords."""
        return tuple(part for part in self.parts if part.keyword in keywords)

    @cached_property
    def last_from(self) -> DockerfilePart:
        """The instruction that begins the final stage."""
        return self.of("FROM")[-1]

    def in_final_stage(self, *keywords: str) -> tuple[DockerfilePart, ...]:
        """Return the final stage's instructions with one of these keywords."""
        return tuple(part for part in self.of(*keywords) if part.stage == self.last_from.stage)

    @property
    def stage_names(self) -> list[str]:
        """The names of the stages in their order, "" for a stage without one."""
        return [
            part.words[2] if len(part.words) > 2 and part.words[1].upper() == "AS" else ""
            for part in self.of("FROM")
        ]


def parse_dockerfile(source: Source) -> Dockerfile | None:
    """Return the Dockerfile, or None for a text that no builder would take for one."""
    offsets = [0]
    for line in split_lines(source.text):
        offsets.append(offsets[-1] + len(line) + 1)
    parts: list[DockerfilePart] = []
    stage = -1
    for one in parse_instructions(source.text):
        stage += one.keyword == "FROM"
        start = offsets[one.line - 1]
        raw = source.text[start : offsets[one.last_line]].rstrip("\r\n")
        parts.append(DockerfilePart(one, start, raw, stage))
    builds = any(part.keyword == "FROM" and part.words for part in parts)
    return Dockerfile(source.text, tuple(parts)) if builds else None


Edits = Callable[[Dockerfile], Iterator[SourceEdit]]


def make_drop_operator(
    keyword: str, title: str, place: Callable[[DockerfilePart], str] = lambda _: ""
) -> Edits:
    """Return an operator that removes each instruction with this keyword."""

    def edits(file: Dockerfile) -> Iterator[SourceEdit]:
        for part in file.of(keyword):
            yield SourceEdit(place(part), title, (_removed(file, part),))

    return edits


def name_by_argument(part: DockerfilePart) -> str:
    """Name an instruction by its first argument."""
    return part.words[0] if part.words else ""


def name_by_command(part: DockerfilePart) -> str:
    """Name a RUN by the first two words of its command, or by one if an option follows."""
    first, *rest = part.words[:2] or [""]
    return "-".join([first, *(word for word in rest if not word.startswith("-"))])


def drop_variable(file: Dockerfile) -> Iterator[SourceEdit]:
    """Remove each variable of each ENV."""
    for part in file.of("ENV"):
        pairs = list(_PAIR.finditer(part.raw))
        title = "the image does without the variable {}"
        if len(pairs) < 2:
            name = pairs[0][1] if pairs else name_by_argument(part)
            yield SourceEdit(name, title.format(name), (_removed(file, part),))
            continue
        for at, pair in enumerate(pairs):
            last = at == len(pairs) - 1
            start = pairs[at - 1].end() if last else pair.start()
            end = pair.end() if last else pairs[at + 1].start()
            splice = Splice(part.start + start, part.start + end)
            yield SourceEdit(pair[1], title.format(pair[1]), (splice,))


def return_to_root(file: Dockerfile) -> Iterator[SourceEdit]:
    """Become root again after everything else, so that the container runs as root."""
    if file.in_final_stage("USER"):
        last = file.parts[-1]
        yield SourceEdit("", "the last USER is root", (_after(file, last, "USER root"),))


def replace_health_command(file: Dockerfile) -> Iterator[SourceEdit]:
    """Replace the health command by one that always ends well."""
    for part in file.of("HEALTHCHECK"):
        if found := _HEALTH_COMMAND.search(part.raw):
            start = part.start + found.start("command")
            splice = Splice(start, part.end, " exit 0")
            yield SourceEdit("", "the health check is healthy whatever happens", (splice,))


def use_shell_form(file: Dockerfile) -> Iterator[SourceEdit]:
    """Write a command as a line for a shell, which then is process 1 and keeps the signals."""
    for part in file.of("CMD", "ENTRYPOINT"):
        try:
            words = json.loads(part.instruction.text.split(maxsplit=1)[1])
            line = shlex.join(words)
        except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(words, list) and words and "\n" not in line:
            splice = Splice(part.end - len(part.arguments), part.end, line)
            yield SourceEdit(part.keyword, f"{part.keyword} is a line for a shell", (splice,))


def unpin_base(file: Dockerfile) -> Iterator[SourceEdit]:
    """Take a base without the digest or the tag that pins it."""
    for part, image in _bases(file):
        name, _, digest = image.partition("@")
        bare = name if digest else _repository(name)
        if bare != image:
            yield SourceEdit(
                _repository(name), f"the base is {bare}", (_renamed(part, image, bare),)
            )


def use_latest_base(file: Dockerfile) -> Iterator[SourceEdit]:
    """Take the base's tag `latest`."""
    for part, image in _bases(file):
        name = _repository(image.partition("@")[0])
        splice = _renamed(part, image, f"{name}:latest")
        yield SourceEdit(name, f"the base is {name}:latest", (splice,))


def use_large_base(file: Dockerfile) -> Iterator[SourceEdit]:
    """Take the full variant of a base instead of the slim one."""
    for part, image in _bases(file):
        large = _SMALL.sub("", image.partition("@")[0])
        if large != image.partition("@")[0]:
            splice = _renamed(part, image, large)
            yield SourceEdit(_repository(large), f"the base is {large}, the large one", (splice,))


def copy_all_before_install(file: Dockerfile) -> Iterator[SourceEdit]:
    """Copy everything before the dependencies are installed, so that no change finds a cache."""
    for install in file.of("RUN"):
        if not _INSTALLS.search(install.instruction.text):
            continue
        before = [
            part
            for part in file.of("COPY")
            if part.stage == install.stage and part.start < install.start and _plain_copy(part)
        ]
        if any("." in part.words[:-1] for part in before):
            continue
        place, title = name_by_command(install), "everything is copied before the dependencies"
        if before:
            words = before[-1].arguments
            start = before[-1].end - len(words)
            target = len(words) - len(before[-1].words[-1])
            yield SourceEdit(place, title, (Splice(start, start + target, ". "),))
        else:
            line = Splice(install.start, install.start, f"COPY . .{find_line_break(file.text)}")
            yield SourceEdit(place, title, (line,))


def put_secret_in_env(file: Dockerfile) -> Iterator[SourceEdit]:
    """Write a secret into the image's environment."""
    yield _secret(file, f"ENV API_TOKEN={_SECRET}", "a secret stands in ENV")


def put_secret_in_arg(file: Dockerfile) -> Iterator[SourceEdit]:
    """Write a secret into a build argument, which the image's history shows."""
    yield _secret(file, f"ARG API_TOKEN={_SECRET}", "a secret stands in ARG")


def use_add_for_copy(file: Dockerfile) -> Iterator[SourceEdit]:
    """Use ADD, which unpacks and downloads, where COPY is meant."""
    for part in file.of("COPY"):
        if "--from=" not in part.instruction.text:
            start = part.start + part.raw.upper().index("COPY")
            title = f"{name_by_argument(part)} is brought in by ADD"
            yield SourceEdit(name_by_argument(part), title, (Splice(start, start + 4, "ADD"),))


def drop_flag(file: Dockerfile) -> Iterator[SourceEdit]:
    """Forget an option that keeps the image small, exact or owned by the right user."""
    for part in file.of("RUN", "COPY", "ADD"):
        for found in _FLAG.finditer(part.raw):
            start, end = found.span()
            if begins_line(part.raw, found.start("flag")) and (gap := _SPACE.match(part.raw, end)):
                start, end = found.start("flag"), gap.end()
            flag = found["flag"].partition("=")[0]
            splice = Splice(part.start + start, part.start + end)
            yield SourceEdit(flag, f"{part.keyword} does without {flag}", (splice,))


def drop_cleanup(file: Dockerfile) -> Iterator[SourceEdit]:
    """Leave the package lists in the layer."""
    for part in file.of("RUN"):
        for found in _CLEANUP.finditer(part.raw):
            splice = Splice(part.start + found.start(), part.start + found.end())
            yield SourceEdit("apt-lists", "the package lists stay in the layer", (splice,))


def collapse_stages(file: Dockerfile) -> Iterator[SourceEdit]:
    """Ship the build stage: the final stage begins with it instead of with a small base."""
    names = [name for name in file.stage_names[:-1] if name]
    image = name_by_argument(file.last_from)
    copied = " ".join(part.instruction.text for part in file.in_final_stage("COPY"))
    from_them = [name for name in names if f"--from={name} " in f"{copied} "]
    for name in [*from_them, *reversed(names)][:1]:
        if image.lower() not in {one.lower() for one in names}:
            splice = _renamed(file.last_from, image, name)
            yield SourceEdit("", f"what is shipped is the stage {name}, tools and all", (splice,))


def _plain_copy(part: DockerfilePart) -> bool:
    heredoc = part.instruction.here_document or part.arguments.startswith("[")
    several_lines = part.instruction.line != part.instruction.last_line
    foreign = "--from=" in part.instruction.text
    return len(part.words) > 1 and not (heredoc or several_lines or foreign)


def _bases(file: Dockerfile) -> Iterator[tuple[DockerfilePart, str]]:
    """Yield each FROM of an image that is pulled, with the image."""
    stages: set[str] = {"scratch"}
    for part, name in zip(file.of("FROM"), file.stage_names, strict=True):
        image = name_by_argument(part)
        if image and "$" not in image and image.lower() not in stages:
            yield part, image
        stages.add(name.lower())


def _repository(image: str) -> str:
    """Return an image's name without its tag; a registry's port is no tag."""
    head, slash, tail = image.rpartition("/")
    return head + slash + tail.partition(":")[0]


def _renamed(part: DockerfilePart, image: str, name: str) -> Splice:
    start = part.start + part.raw.index(image, len(part.raw) - len(part.arguments))
    return Splice(start, start + len(image), name)


def _removed(file: Dockerfile, part: DockerfilePart) -> Splice:
    return remove_lines(file.text, part.start, part.end)


def _after(file: Dockerfile, part: DockerfilePart, line: str) -> Splice:
    return insert_line(file.text, part.end, line)


def _secret(file: Dockerfile, line: str, title: str) -> SourceEdit:
    return SourceEdit("", title, (_after(file, file.last_from, line),))


@dataclass(frozen=True)
class IgnoreFile:
    """A .dockerignore: its text, and its patterns with the offsets of their lines."""

    text: str
    patterns: tuple[tuple[int, str], ...]


def parse_ignore_file(source: Source) -> IgnoreFile:
    """Return the ignore file's patterns, without comments and blank lines."""
    patterns, at = [], 0
    for line in source.text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            patterns.append((at, line.strip()))
        at += len(line)
    return IgnoreFile(source.text, tuple(patterns))


def delete_ignore_file(file: IgnoreFile) -> Iterator[SourceEdit]:
    """Have no .dockerignore at all."""
    if file.patterns:
        yield SourceEdit("", "there is no .dockerignore", ())


def drop_pattern(file: IgnoreFile) -> Iterator[SourceEdit]:
    """Forget one line of .dockerignore."""
    for at, pattern in file.patterns:
        splice = remove_lines(file.text, at, at)
        yield SourceEdit(pattern, f"{pattern} is missing in .dockerignore", (splice,))
