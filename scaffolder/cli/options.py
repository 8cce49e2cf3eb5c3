"""Options and completions that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
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
    from scaffolder.labs import catalog

    return _offered(dict.fromkeys(catalog.list_lab_ids(), ""), incomplete)


def complete_pack(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the names of installed packs."""
    from scaffolder.core.errors import DevlabError
    from scaffolder.labs.packs import registry

    try:
        return _offered({record.name: "" for record in registry.read()}, incomplete)
    except DevlabError:
        return []


def complete_task(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the tasks of the lab that was named before, else of the workspace's that is meant.

    For a command with an argument `lab`, or `directory`, or neither: the workspace is here then.
    """
    from scaffolder import workspace
    from scaffolder.core.errors import DevlabError
    from scaffolder.labs import catalog

    try:
        if name := _typed(ctx, LAB):
            lab = catalog.load_lab(name, graded=False)
        else:
            found = workspace.find_workspace(Path(_typed(ctx, "directory") or "."))
            lab = catalog.load_for_workspace(found.manifest, graded=False)
    except DevlabError:
        return []
    return _offered({task.id: task.title for task in lab.tasks}, incomplete)


def complete_alternative(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Offer the other right answers of the lab of the workspace here."""
    from scaffolder import workspace
    from scaffolder.core.errors import DevlabError
    from scaffolder.labs import catalog, generate

    try:
        found = workspace.find_workspace(Path())
        lab = catalog.load_for_workspace(found.manifest, graded=False)
    except DevlabError:
        return []
    return _offered(dict.fromkeys(generate.list_alternatives(lab), ""), incomplete)


def _typed(ctx: click.Context, name: str) -> str | None:
    """Return the value of an argument that was typed so far, or its default.

    Where the cursor is at an option's value, click gives up and leaves the arguments in `args`.
    """
    arguments = [one.name for one in ctx.command.params if isinstance(one, click.Argument)]
    left = dict(zip(arguments, ctx.args, strict=False))
    return left.get(name) or ctx.params.get(name)


def _offered(names: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    """Return those of the names, with what is said of each, that go on as was typed.

    A name that a shell would not take for one word, or a terminal obey, is not offered.
    """
    from scaffolder.core.text import sanitize_line

    return [
        CompletionItem(name, help=sanitize_line(said) or None)
        for name, said in names.items()
        if name.startswith(incomplete) and name.isprintable() and " " not in name
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
    from scaffolder.core.errors import DevlabError
    from scaffolder.core.learner_ids import normalize_learner_id

    if value is None:
        return ""
    try:
        return normalize_learner_id(value)
    except DevlabError as error:
        raise click.BadParameter(f"{error.message}; {error.hint}", ctx, param) from error


def add_learner_option(
    *,
    says: str,
    envvar: str | None = None,
) -> Callable[[Command], Command]:
    """Return the option `--learner ID` with words of its own for a command."""
    return click.option("--learner", metavar="ID", callback=parse_learner, envvar=envvar, help=says)


def is_interactive() -> bool:
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
