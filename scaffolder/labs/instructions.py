"""The instructions of a lab, and the part of them that is about one task.

A part begins with a heading that names its tasks in backticks, or with a paragraph that begins with
a task's id in bold; it ends where the next one begins, or at a heading that stands as high. What
only some learners are asked for (`vary: instructions`) belongs to the tasks that it names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from scaffolder.core.lines import split_lines
from scaffolder.labs import variation
from scaffolder.model import Lab
from scaffolder.workspace import read_text

INSTRUCTIONS = "instructions.md"
TASKS_MARKER = "<!-- devlab:tasks -->"
_HEADING = re.compile(r"(?P<level>#{1,6})[ \t]+(?P<title>.*)")
_BOLD = re.compile(r"\*\*`?(?P<id>[a-z0-9-]+)`?[.:]?\*\*[.:]?[ \t]*")
_QUOTED = re.compile(r"`([^`]+)`")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
# Deeper than any heading: a paragraph ends at each of them.
_PARAGRAPH = 7


@dataclass(frozen=True)
class Part:
    """What instructions say of some tasks: `text` is Markdown, without what named them.

    `line` is where it begins, counted from 1.
    """

    tasks: tuple[str, ...]
    text: str
    line: int


def list_parts(text: str, known: Collection[str]) -> tuple[Part, ...]:
    """Return the parts of instructions that are about tasks; `known` are the ids of all tasks."""
    parts: list[Part] = []
    begun: tuple[int, tuple[str, ...], int] | None = None
    lines: list[str] = []
    for number, line, starts in _read_starts(text, known):
        if starts is not None:
            named, level, rest = starts
            if begun is not None and (named or level <= begun[2]):
                parts.append(_close(begun, lines))
                begun = None
            if named:
                begun, lines = (number, named, level), [rest] if rest else []
                continue
        lines.append(line)
    return (*parts, *([_close(begun, lines)] if begun is not None else []))


def _close(begun: tuple[int, tuple[str, ...], int], lines: list[str]) -> Part:
    number, named, _ = begun
    return Part(named, "\n".join(lines).strip("\n") + "\n", number)


def _read_starts(
    text: str, known: Collection[str]
) -> Iterator[tuple[int, str, tuple[tuple[str, ...], int, str] | None]]:
    """Yield each line with its number, and what begins there, if anything does.

    That is the tasks that are named, the level, and what of the line belongs to the text.
    """
    fence = ""
    for number, line in enumerate(split_lines(text), start=1):
        mark = _FENCE.match(line)
        if mark is not None and not fence:
            fence = mark["fence"]
        elif mark is not None and mark["fence"].startswith(fence):
            fence = ""
        yield number, line, None if fence or mark is not None else _read_start(line, known)


def _read_start(line: str, known: Collection[str]) -> tuple[tuple[str, ...], int, str] | None:
    heading = _HEADING.fullmatch(line)
    if heading is not None:
        named = tuple(dict.fromkeys(one for one in _QUOTED.findall(line) if one in known))
        return named, len(heading["level"]), ""
    bold = _BOLD.match(line)
    if bold is not None and bold["id"] in known:
        return (bold["id"],), _PARAGRAPH, line[bold.end() :]
    return None


def read_instructions(lab: Lab) -> str:
    """Return the instructions of a lab, in the words for its learner, with the tasks' marker.

    Raises UnusableFileError where they cannot be read.
    """
    return _fill(lab, read_text(lab.root, INSTRUCTIONS))


def read_task_instructions(lab: Lab, task_id: str) -> str:
    """Return what the instructions say of a task, as Markdown.

    Where they have no part for it, as those of an older lab, all of them. Raises UnusableFileError
    where they cannot be read.
    """
    whole = read_instructions(lab)
    own = [part.text for part in list_parts(whole, _ids(lab)) if task_id in part.tasks]
    if not own:
        return whole.replace(TASKS_MARKER, "").strip("\n") + "\n"
    return "\n".join([*own, *list_learner_words(lab, task_id)])


def list_learner_words(lab: Lab, task_id: str) -> tuple[str, ...]:
    """Return the paragraphs for this learner that name a task; none where it is nobody's lab."""
    if not lab.learner:
        return ()
    paragraphs = re.split(r"\n[ \t]*\n", _fill(lab, lab.variation.instructions).strip("\n"))
    return tuple(f"{one}\n" for one in paragraphs if task_id in _QUOTED.findall(one))


def _fill(lab: Lab, text: str) -> str:
    return str(variation.fill(text, lab.values, lab.variation))


def _ids(lab: Lab) -> frozenset[str]:
    return frozenset(task.id for task in lab.tasks)
