"""`devlab show`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import add_learner_option, complete_task, lab_argument, listing_format
from scaffolder.core.text import sanitize_line
from scaffolder.labs import catalog
from scaffolder.labs.lab_file import require_task
from scaffolder.labs.variables import list_variables
from scaffolder.labs.variation import count_possibilities
from scaffolder.model import Hint, Lab, Task


@click.command(
    "show",
    epilog=format_examples(
        "devlab show ci-pipeline",
        "devlab show ci-pipeline --hints red-on-lint",
        "devlab show ci-pipeline --learner ada@example.org",
    ),
)
@lab_argument
@click.option(
    "--hints",
    metavar="TASK",
    shell_complete=complete_task,
    help="Show the hints of a task instead.",
)
@add_learner_option(says="Show the lab as this learner has it.")
@listing_format
def command(lab: str, hints: str | None, learner: str, form: str) -> None:
    """Show what a lab asks for: tasks, points, variables.

    And what varies by learner; with --hints, a task's hints.
    """
    found = catalog.load_lab(lab, graded=False, learner=learner)
    task = None if hints is None else require_task(found, hints)
    if form == "json":
        document = _document(found) if task is None else _hints_document(found, task)
        click.echo(json.dumps(document, indent=2))
    elif task is not None:
        numbered = enumerate(task.hints, start=1)
        _print("\n".join(f"{number}. {hint.text}{_when(hint)}" for number, hint in numbered))
    else:
        _print(_text(found))


def _when(hint: Hint) -> str:
    """Say which failure a hint was written for."""
    named = (("check", hint.check), ("rule", hint.rule), ("message", hint.message))
    words = ", ".join(f"{name} {value!r}" for name, value in named if value)
    return f"  (for {words})" if words else ""


def _print(text: str) -> None:
    """Print lines of a lab's author's, however long, without what a terminal would obey."""
    lines = (sanitize_line(line, limit=max(1, len(line) * 10)) for line in text.splitlines())
    say("\n".join(lines), hang="    ")


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
            variable.name: {
                "default": variable.default,
                "choices": list(variable.choices),
                **({"must_be": variable.words} if variable.words else {}),
            }
            for variable in list_variables(lab).values()
        },
        "vary": _varying_document(lab),
    }


def _hints_document(lab: Lab, task: Task) -> dict[str, object]:
    return {
        "id": lab.id,
        "task": task.id,
        "hints": [
            {
                "number": number,
                "text": hint.text,
                "check": hint.check or None,
                "rule": hint.rule or None,
                "message": hint.message or None,
            }
            for number, hint in enumerate(task.hints, start=1)
        ],
    }


def _text(lab: Lab) -> str:
    width = max(len(task.id) for task in lab.tasks)
    tasks = [f"  {task.id:<{width}}  {task.points:>3}  {task.title}" for task in lab.tasks]
    variables = [
        f"  {variable.name} = {variable.default}"
        + (f"   ({allowed})" if (allowed := ", ".join(variable.choices) or variable.words) else "")
        for variable in list_variables(lab).values()
        if variable.name not in lab.values
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
            *_varying(lab),
            "",
            f"Begin with: devlab new {lab.id}" + _as_learner(lab),
        ]
    )


def _as_learner(lab: Lab) -> str:
    """Return the option that makes a workspace of the lab as it is shown."""
    return f" --learner {shlex.quote(lab.learner)}" if lab.learner else ""


def _varying(lab: Lab) -> list[str]:
    """Return the lines about what differs from learner to learner."""
    vary = lab.variation
    if not vary.variables and not vary.faults:
        return []
    said = f"for {lab.learner}" if lab.learner else "devlab new --learner ID"
    return ["", f"What varies by learner ({said})", *_values(lab), *_faults(lab)]


def _values(lab: Lab) -> Iterator[str]:
    for name, one in lab.variation.variables.items():
        if lab.learner:
            yield f"  {name} = {lab.values[name]}"
        else:
            default = "" if one.default is None else f"; without a learner {one.default or 'none'}"
            yield f"  {name}: one of {count_possibilities(one):,}{default}"


def _faults(lab: Lab) -> Iterator[str]:
    for name, others in lab.variation.faults.items():
        planted = lab.faults[name].title if lab.learner else f"one of {1 + len(others)}"
        yield f"  fault {name}: {planted}"


def _varying_document(lab: Lab) -> dict[str, object]:
    vary = lab.variation
    return {
        "learner": lab.learner or None,
        "variables": {
            name: {"possibilities": count_possibilities(one), "value": lab.values.get(name)}
            for name, one in vary.variables.items()
        },
        "faults": {
            name: {
                "possibilities": [name, *others],
                "planted": lab.faults[name].id if lab.learner else None,
            }
            for name, others in vary.faults.items()
        },
    }
