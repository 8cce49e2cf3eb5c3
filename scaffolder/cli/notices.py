"""What a user should hear beside a command's result."""

from __future__ import annotations

import click

from scaffolder import records
from scaffolder.model import Problem
from scaffolder.report.text import harmless, harmless_block


def tell_records() -> None:
    """Say what is wrong with the records, if anything is and it was not said."""
    for notice in records.notices():
        click.echo(f"note: {harmless(notice)}", err=True)


def warn(*problems: Problem) -> None:
    """Say what is wrong with labs or packs, and what helps."""
    for problem in problems:
        click.echo(f"warning: {harmless_block(problem.message)}", err=True)
        if problem.hint:
            click.echo(f"  {harmless_block(problem.hint)}", err=True)
