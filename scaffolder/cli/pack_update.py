"""`devlab pack update`."""

from __future__ import annotations

import click

from scaffolder.cli.examples import format_examples
from scaffolder.cli.layout import say
from scaffolder.cli.options import complete_pack
from scaffolder.cli.pack_trust import describe_changes
from scaffolder.core.errors import DevlabError, ExitCode
from scaffolder.core.text import sanitize_line
from scaffolder.labs.packs import install, registry
from scaffolder.labs.packs.install import Updated


@click.command(
    "update",
    epilog=format_examples(
        "devlab pack update",
        "devlab pack update my-labs",
        "devlab pack update my-labs@v2",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME[@REF]]...", shell_complete=complete_pack)
def command(names: tuple[str, ...]) -> int:
    """Fetch installed packs again (default: all) and say what changed.

    With @REF, the pack follows that branch, tag or commit from now on.
    """
    code = ExitCode.PASSED
    installed = [record.name for record in registry.read()]
    if not names and not installed:
        say("No pack is installed. Add one with: devlab pack add DIR|GIT-URL[@REF]")
    for name in names or installed:
        try:
            say(_text(install.update_pack(name)))
        except DevlabError as error:
            # One that cannot be reached must not keep the others old.
            code = error.exit_code
            say(f"{name}: {sanitize_line(error.message)}", err=True)
            if error.hint:
                say(f"  {sanitize_line(error.hint)}", err=True)
    return int(code)


def _text(updated: Updated) -> str:
    before, after = updated.before, updated.after
    if before.content == after.content and before.commit == after.commit:
        return f"{after.name}: nothing new"
    old, new = before.commit or before.content, after.commit or after.content
    lines = [f"{after.name}: {old[:12]} → {new[:12]}", *updated.changes]
    if updated.distrusted:
        lines += describe_changes(updated.since_trust)
        lines.append(
            f"It changed, so it is not trusted any more. Look at it: devlab pack trust {after.name}"
        )
    return "\n  ".join(sanitize_line(line) for line in lines)
