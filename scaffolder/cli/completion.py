"""`devlab completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from scaffolder.cli import COMPLETE
from scaffolder.core.errors import DevlabError

_INSTALL = {
    "bash": 'eval "$(devlab completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(devlab completion zsh)"    in ~/.zshrc',
    "fish": "devlab completion fish | source    in ~/.config/fish/config.fish",
}


@click.command("completion", epilog="  ".join(_INSTALL.values()))
@click.argument("shell", type=click.Choice(sorted(_INSTALL)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    kind = get_completion_class(shell)
    if kind is None:
        raise DevlabError(f"click knows no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "devlab", COMPLETE).source())
