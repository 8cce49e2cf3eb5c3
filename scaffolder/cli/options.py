"""Options and completions that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

LAB = "lab"

Command = TypeVar("Command", bound=Callable[..., Any])


def complete_lab(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the ids of labs."""
    from scaffolder import catalog

    return [CompletionItem(name) for name in catalog.lab_ids() if name.startswith(incomplete)]


def complete_pack(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the names of installed packs."""
    from scaffolder.errors import DevlabError
    from scaffolder.packs import registry

    try:
        names = [record.name for record in registry.read()]
    except DevlabError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_task(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the tasks of the lab of the workspace that is being checked."""
    from scaffolder import catalog, workspace
    from scaffolder.errors import DevlabError

    try:
        found = workspace.find(Path(ctx.params.get("directory") or "."))
        lab = catalog.load_of(found.manifest, graded=False)
    except DevlabError:
        return []
    return [
        CompletionItem(task.id, help=task.title)
        for task in lab.tasks
        if task.id.startswith(incomplete)
    ]


def parse_settings(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Turn `--set key=value` options into a mapping; a usage error for anything else."""
    settings: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not of the form key=value", ctx, param)
        settings[name] = text
    return settings


def parse_learner(
    ctx: click.Context,
    param: click.Parameter,
    value: str | None,
) -> str:
    """Return a learner's id as devlab writes it, "" for none; a usage error for no id at all."""
    from scaffolder.errors import DevlabError
    from scaffolder.variation import normalized

    if value is None:
        return ""
    try:
        return normalized(value)
    except DevlabError as error:
        raise click.BadParameter(f"{error.message}; {error.hint}", ctx, param) from error


def learner_option(
    *,
    says: str,
    envvar: str | None = None,
) -> Callable[[Command], Command]:
    """Return the option `--learner ID` with words of its own for a command."""
    return click.option("--learner", metavar="ID", callback=parse_learner, envvar=envvar, help=says)


def interactive() -> bool:
    """Whether somebody is there to answer questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()


lab_argument = click.argument(LAB, shell_complete=complete_lab)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    callback=parse_settings,
    help="Set a variable of the template (repeatable).",
)
listing_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or for programs.",
)
