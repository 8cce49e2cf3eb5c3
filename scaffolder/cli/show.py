"""`devlab show`."""

from __future__ import annotations

import json

import click

from scaffolder import catalog, generate
from scaffolder.cli.options import lab_argument, listing_format
from scaffolder.labfile import require_task
from scaffolder.model import Hint, Lab
from scaffolder.report.text import harmless


@click.command(
    "show",
    epilog="Examples: devlab show ci-pipeline    devlab show ci-pipeline --hints red-on-lint",
)
@lab_argument
@click.option("--hints", metavar="TASK", help="Show the hints of a task instead.")
@listing_format
def command(lab: str, hints: str | None, form: str) -> None:
    """Show what a lab asks for: its tasks, points and variables."""
    found = catalog.load(lab, graded=False)
    if hints is not None:
        numbered = enumerate(require_task(found, hints).hints, start=1)
        _print("\n".join(f"{number}. {hint.text}{_when(hint)}" for number, hint in numbered))
    elif form == "json":
        click.echo(json.dumps(_document(found), indent=2))
    else:
        _print(_text(found))


def _when(hint: Hint) -> str:
    """Say which failure a hint was written for."""
    named = (("check", hint.check), ("rule", hint.rule), ("message", hint.message))
    words = ", ".join(f"{name} {value!r}" for name, value in named if value)
    return f"  (for {words})" if words else ""


def _print(text: str) -> None:
    """Print lines of a lab's author's, however long, without what a terminal would obey."""
    click.echo(
        "\n".join(harmless(line, limit=max(1, len(line) * 10)) for line in text.splitlines())
    )


def _document(lab: Lab) -> dict[str, object]:
    return {
        "id": lab.id,
        "title": lab.title,
        "summary": lab.summary,
        "track": lab.track,
        "level": lab.level,
        "minutes": lab.minutes,
        "skills": list(lab.skills),
        "tasks": [
            {"id": task.id, "title": task.title, "points": task.points, "needs": list(task.needs)}
            for task in lab.tasks
        ],
        "variables": {
            variable.name: {"default": variable.default, "choices": list(variable.choices)}
            for variable in generate.variables(lab).values()
        },
    }


def _text(lab: Lab) -> str:
    width = max(len(task.id) for task in lab.tasks)
    tasks = [f"  {task.id:<{width}}  {task.points:>3}  {task.title}" for task in lab.tasks]
    variables = [
        f"  {variable.name} = {variable.default}"
        + (f"   ({', '.join(variable.choices)})" if variable.choices else "")
        for variable in generate.variables(lab).values()
    ]
    return "\n".join(
        [
            lab.title,
            f"{lab.track}, {lab.level}, about {lab.minutes} minutes; {', '.join(lab.skills)}",
            "",
            lab.summary,
            "",
            f"Tasks ({lab.points} points)",
            *tasks,
            "",
            "Variables (devlab new asks, or --set KEY=VALUE)",
            *variables,
            "",
            f"Begin with: devlab new {lab.id}",
        ]
    )
