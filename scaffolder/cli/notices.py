"""What a user should hear beside a command's result."""

from __future__ import annotations

from scaffolder.cli.layout import say
from scaffolder.core.text import sanitize_block, sanitize_line
from scaffolder.model import Problem
from scaffolder.progress import records


def tell_records() -> None:
    """Say what is wrong with the records, if anything is and it was not said."""
    for notice in records.take_notices():
        say(f"note: {sanitize_line(notice)}", err=True)


def warn(*problems: Problem) -> None:
    """Say what is wrong with labs or packs, and what helps."""
    for problem in problems:
        say(f"warning: {sanitize_block(problem.message)}", err=True)
        if problem.hint:
            say(f"  {sanitize_block(problem.hint)}", err=True)
