"""What is shown to a learner who has all points: what that proved, and where to go from there."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Finish, NextLab

_LIMIT = 1000
_COMMAND_LIMIT = 10_000
COMPARE = "devlab solution --annotated"
NEXT = "devlab next"


def draw_finish(finish: Finish, points: int, following: NextLab | None, target: Console) -> None:
    """Print a lab's finish; `following` is what comes next, where somebody looked."""
    target.print(_head(points))
    for words, command in _parts(finish, following):
        target.print(_indented(words))
        if command:
            # To be copied, so never wrapped by us.
            target.print(Text(f"    {command}", style="bold"), soft_wrap=True)


def format_finish(finish: Finish, points: int, following: NextLab | None) -> RenderableType:
    """Return a lab's finish for a screen, on which nothing can be wider than it is."""
    lines: list[RenderableType] = [_head(points)]
    for words, command in _parts(finish, following):
        lines += [_indented(words), *([Text(f"    {command}", style="bold")] if command else [])]
    return Group(*lines)


def _head(points: int) -> Text:
    return Text(f"You have all {points} points.", style="bold green")


def _parts(finish: Finish, following: NextLab | None) -> Iterator[tuple[Text, str]]:
    """Yield what is said, and the command that goes with it, if one does."""
    yield _labelled("What you proved: ", finish.proved), ""
    yield _labelled("At work: ", finish.at_work), ""
    yield _labelled("", "What the reference answer does differently, and why:"), COMPARE
    if following is None:
        yield _labelled("", "What comes next:"), NEXT
    else:
        command = sanitize_line(following.command, _COMMAND_LIMIT)
        yield _labelled("Next: ", following.title), command


def _labelled(label: str, words: str) -> Text:
    told = sanitize_line(" ".join(words.split()), _LIMIT)
    return Text.assemble((label, "bold"), told)


def _indented(words: Text) -> Padding:
    return Padding(words, (0, 0, 0, 2), expand=False)
