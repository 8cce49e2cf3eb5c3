"""What a user should hear beside a command's result."""

from __future__ import annotations

from scaffolder.cli.layout import say
from scaffolder.core.text import harmless, harmless_block
from scaffolder.model import Problem
from scaffolder.progress import records


def tell_records() -> None:
    """Say what is wrong with the records, if anything is and it was not said."""
    for notice in records.notices():
        say(f"note: {harmless(notice)}", err=True)


def warn(*problems: Problem) -> None:
    """Say what is wrong with labs or packs, and what helps."""
    for problem in problems:
        say(f"warning: {harmless_block(problem.message)}", err=True)
        if problem.hint:
            say(f"  {harmless_block(problem.hint)}", err=True)
