"""`devlab pack trust`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import complete_pack, is_interactive
from scaffolder.core.text import sanitize_line
from scaffolder.labs.packs import install, registry, trusted
from scaffolder.labs.packs.code import Code
from scaffolder.labs.packs.registry import Installed
from scaffolder.labs.packs.trusted import FileChange

# Files named of those that changed: code comes first.
_SHOWN = 30
_MEANS = (
    "If you trust it, this code runs on your machine as you: it can read and change your files and "
    "use your network. The trust ends when the pack changes."
)


@click.command(
    "trust",
    epilog=format_examples(
        "devlab pack trust my-labs",
    ),
)
@click.argument("name", shell_complete=complete_pack)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(name: str, yes: bool) -> None:
    """Let the code that a pack brings run, once you have seen it.

    That is its templates' hooks and extensions, and the tests of its labs.
    """

    def agree(record: Installed, found: tuple[Code, ...]) -> bool:
        say(_text(record, found))
        if yes:
            return True
        if not is_interactive():
            raise click.UsageError("there is nobody to ask: say --yes if you have read the code")
        return click.confirm(f"Trust {record.name}?", default=False, err=True)

    if install.trust_pack(name, agree):
        say(f"{name} is trusted as it is now")
    else:
        say(f"{name} is not trusted")


def describe_changes(changes: Sequence[FileChange] | None) -> list[str]:
    """Return what changed since the pack was trusted, a line a file; nothing where it never was."""
    if not changes:
        return []
    shown = [
        f"  {one.sign} {one.path}{'   (code)' if one.is_code else ''}" for one in changes[:_SHOWN]
    ]
    more = [f"  and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    code = sum(one.is_code for one in changes)
    count = "1 file" if len(changes) == 1 else f"{len(changes)} files"
    return [f"Changed since you trusted it: {count}, {code or 'none'} of code", *shown, *more]


def _text(record: Installed, found: tuple[Code, ...]) -> str:
    if not found:
        return f"{record.name} brings no code: its labs work without your trust."
    lines = [f"  {sanitize_line(one.path)}: {sanitize_line(one.runs)}" for one in found]
    where = f"Read it in {registry.find_copy(record)}"
    since = [sanitize_line(line) for line in describe_changes(_changes(record))]
    told = [*since, ""] if since else []
    return "\n".join([*told, f"The code of {record.name}:", *lines, "", _MEANS, where])


def _changes(record: Installed) -> tuple[FileChange, ...] | None:
    return trusted.find_changes(record.name, registry.find_copy(record))
