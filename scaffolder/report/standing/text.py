"""The standing in a terminal: a bar for each skill, as wide as the terminal allows."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scaffolder.progress.standing import SkillStanding, Standing
from scaffolder.report.standing.words import (
    RULE,
    TITLE,
    UNTAUGHT,
    UNTAUGHT_SHORT,
    measure_share,
    shorten_text,
    summarize_standing,
)

_WIDTH = 80
_BAR = (8, 30)
# Beside the bar: the longest title, "1000/1000 +100", and the gaps.
_BESIDE = 22 + 14 + 4


def render(standing: Standing) -> str:
    """Return what `draw` would print, as plain text for a file."""
    buffer = io.StringIO()
    draw(standing, Console(file=buffer, width=_WIDTH, markup=False, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def draw(standing: Standing, target: Console) -> None:
    """Print the standing to a console."""
    target.print(Text.assemble((TITLE, "bold"), "  ", (summarize_standing(standing), "dim")))
    target.print()
    target.print(_skills(standing.skills, target))
    if standing.others:
        target.print()
        target.print(Text("Other skills that the labs name", style="bold"))
        target.print(_skills(standing.others, target))
    target.print()
    if any(skill.elsewhere for skill in (*standing.skills, *standing.others)):
        target.print(Text("+: points gained in labs that are not installed here.", style="dim"))
    target.print(Text(RULE, style="dim"))
    target.print(Text("What comes next: devlab next", style="dim"))


def _skills(skills: Sequence[SkillStanding], target: Console) -> Table:
    low, high = _BAR
    length = max(low, min(high, target.width - _BESIDE))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=22, overflow="fold")
    table.add_column(width=length)
    table.add_column(no_wrap=True)
    for skill in skills:
        told = f"{skill.gained}/{skill.points}" if skill.points else ""
        if skill.elsewhere:
            told += f" +{skill.elsewhere}"
        table.add_row(Text(shorten_text(skill.title)), _bar(skill, length, target), told)
    return table


def _bar(skill: SkillStanding, length: int, target: Console) -> Text:
    if not skill.points:
        return Text(UNTAUGHT if length >= len(UNTAUGHT) else UNTAUGHT_SHORT, style="dim")
    encodable = (target.encoding or "").lower().startswith("utf")
    full, empty = ("█", "░") if encodable else ("#", "-")
    filled = measure_share(skill, length)
    return Text.assemble((full * filled, "green"), (empty * (length - filled), "dim"))
