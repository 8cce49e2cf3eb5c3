"""`devlab lab lint`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import msgspec

from scaffolder.cli import detect_color
from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import format_count
from scaffolder.cli.options import complete_lab, listing_format
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.suggest import suggest_name
from scaffolder.core.text import sanitize_block, sanitize_line
from scaffolder.labs import catalog
from scaffolder.model import Problem
from scaffolder.proving.lint import lint_lab


@click.command(
    "lint",
    epilog=format_examples(
        "devlab lab lint",
        "devlab lab lint labs/slim-image --format json",
    ),
)
@click.argument("labs", metavar="[LAB]...", nargs=-1, shell_complete=complete_lab)
@listing_format
def command(labs: tuple[str, ...], form: str) -> int:
    """Look for what is wrong in labs without running anything.

    LAB is an id or the path of a lab's folder. Without one: every lab in the folder labs/ here,
    or else every lab that is shipped. Ends with 1 where there is a problem.
    """
    roots = [_root(lab) for lab in labs or catalog.list_nearby_labs()]
    found = {root: lint_lab(root) for root in roots}
    click.echo(_json(found) if form == "json" else _text(found), color=detect_color())
    return int(ExitCode.FAILED if any(found.values()) else ExitCode.PASSED)


def _root(lab: str) -> Path:
    """Return a lab's folder; one without a lab.yaml is a lab's, too, if it is a path."""
    path = Path(lab)
    if os.sep in lab and path.is_dir():
        return path.resolve()
    try:
        return catalog.locate(lab)
    except DevlabError as error:
        if os.sep not in lab or not path.parent.is_dir():
            raise
        near = suggest_name(path.name, [one.name for one in path.parent.iterdir()])
        raise DevlabError(f"{lab}: there is no such folder{near}") from error


def _text(found: dict[Path, tuple[Problem, ...]]) -> str:
    lines = []
    for root, problems in found.items():
        for one in problems:
            place = click.style(sanitize_line(_place(root, one)), bold=True)
            lines.append(f"{place}: {sanitize_block(one.message)}")
            if one.hint:
                lines.append(f"  {sanitize_block(one.hint)}")
    count = sum(map(len, found.values()))
    told = format_count(count, "problem") if count else "nothing wrong"
    return "\n".join([*lines, f"{told} in {format_count(len(found), 'lab')}"])


def _place(root: Path, problem: Problem) -> str:
    """Return `path:line` as it can be clicked on, from where the user stands."""
    base = root if (root / problem.path).exists() else root.parent.parent
    path = base / problem.path if (base / problem.path).exists() else root / problem.path
    shown = os.path.relpath(path)
    return f"{shown}:{problem.line}" if problem.line else shown


def _json(found: dict[Path, tuple[Problem, ...]]) -> str:
    return json.dumps(
        {
            "schema": "devlab.lint/1",
            "labs": [
                {"id": root.name, "folder": str(root), "problems": msgspec.to_builtins(problems)}
                for root, problems in found.items()
            ],
        },
        indent=2,
    )
