"""The command line: parses, calls a use case, prints. The only place that prints or exits."""

from __future__ import annotations

import codecs
import contextlib
import errno
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TextIO

import click
from click.shell_completion import CompletionItem

from scaffolder import __version__
from scaffolder.core.errors import DevlabError, ExitCode, InterruptedRunError, UnusableFileError

# A full disk, and a user who may not fill more of it.
_FULL = (errno.ENOSPC, errno.EDQUOT)

# ASCII by another name: where a stream's encoding is called so, click writes UTF-8 all the same.
_PLAIN_ASCII = "plain-ascii"

# What a shell's completion script sets; the name is click's, made of the program's.
COMPLETE = "_DEVLAB_COMPLETE"

# Commands load when they are called: `devlab --version` must not wait for a Docker SDK. They stand
# in the order in which a learner meets them, and so does the help.
COMMANDS = {
    "list": "scaffolder.cli.list_labs",
    "show": "scaffolder.cli.show",
    "new": "scaffolder.cli.new",
    "task": "scaffolder.cli.task",
    "check": "scaffolder.cli.check",
    "watch": "scaffolder.cli.watch",
    "hint": "scaffolder.cli.hint",
    "solution": "scaffolder.cli.solution",
    "next": "scaffolder.cli.next",
    "progress": "scaffolder.cli.progress",
    "reset": "scaffolder.cli.reset",
    "update": "scaffolder.cli.update",
    "doctor": "scaffolder.cli.doctor",
    "clean": "scaffolder.cli.clean",
    "completion": "scaffolder.cli.completion",
    "lab": "scaffolder.cli.lab",
    "pack": "scaffolder.cli.pack",
}
# What nobody needs to do a lab.
AUTHORS_COMMANDS = frozenset({"lab", "pack"})


# Longer than the first sentence of any command's help.
_WHOLE = 200


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used.

    `modules` names, for each command, the module that has it as `command`; those of `authors` stand
    below a heading of their own in the help.
    """

    def __init__(
        self,
        *args: Any,
        modules: Mapping[str, str],
        authors: frozenset[str] = frozenset(),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._modules = modules
        self._authors = authors

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for, on more lines where the terminal is narrow."""
        learners = [name for name in self._modules if name not in self._authors]
        authors = [name for name in self._modules if name in self._authors]
        for heading, names in (("Commands", learners), ("For authors of labs", authors)):
            named = ((name, self.get_command(ctx, name)) for name in names)
            rows = [(name, found.get_short_help_str(_WHOLE)) for name, found in named if found]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the names of commands, importing none of them; else the group's own options."""
        from scaffolder.cli.summaries import read_summary

        named = [
            CompletionItem(name, help=read_summary(module))
            for name, module in sorted(self._modules.items())
            if name.startswith(incomplete)
        ]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed; for none, tell the nearest."""
        if args and args[0] not in self._modules and not args[0].startswith("-"):
            from scaffolder.core.suggest import suggest_name

            ctx.fail(f"no command {args[0]!r}{suggest_name(args[0], self._modules)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    authors=AUTHORS_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog="\b\nStart with:\n  devlab new first-check\n  cd first-check && devlab check",
)
@click.version_option(__version__, "-V", "--version", prog_name="devlab")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Hands-on DevOps labs for Python developers, graded by running your work for real.

    Without a command: where you are, and what comes next.
    """
    if ctx.invoked_subcommand is None:
        from scaffolder.cli.overview import show_overview

        show_overview()


def main() -> NoReturn:
    """Run the command line; the one place where errors become messages and exit codes."""
    _open_closed_streams()
    codecs.register_error("devlab", _replace_unencodable)
    codecs.register(_find_plain_ascii)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows others, not a crash.
        plain = codecs.lookup(stream.encoding).name == "ascii"
        encoding = _PLAIN_ASCII if plain else stream.encoding
        stream.reconfigure(encoding=encoding, errors="devlab")  # type: ignore[union-attr]
    # `kill` and a closed terminal end a run as Ctrl-C does: everything is cleaned up.
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), _interrupt)
    run = functools.partial(cli.main, standalone_mode=False)
    code = _silenced(run) if COMPLETE in os.environ else _guarded(run)
    _deafen()
    sys.exit(code)


def _find_plain_ascii(name: str) -> codecs.CodecInfo | None:
    if name.replace("-", "_") != _PLAIN_ASCII.replace("-", "_"):
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode,
        ascii_.decode,
        incrementalencoder=ascii_.incrementalencoder,
        incrementaldecoder=ascii_.incrementaldecoder,
        name=_PLAIN_ASCII,
    )


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    # Imported when it is needed, which is seldom: each import delays every command.
    from scaffolder.core.text import replace_unencodable

    return replace_unencodable(error)


def _open_closed_streams() -> None:
    """Give a stream that the shell closed (`devlab list >&-`) to nobody, for Python has None then.

    Otherwise the next file that is opened takes its place, and what is printed goes into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _silenced(call: Callable[[], Any]) -> int:
    """Complete what is being typed; where that goes wrong, nothing may appear in its midst."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 -- no path of a user's
        sys.stderr = nowhere
        try:
            call()
        except (Exception, KeyboardInterrupt):  # noqa: BLE001 -- nobody could do anything about it
            return int(ExitCode.FAILED)
        finally:
            sys.stderr = sys.__stderr__
    return int(ExitCode.PASSED)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _guarded(call: Callable[[], Any]) -> int:
    try:
        result = call()
        # What is found out later is told by Python itself, with an exit code of its own.
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort, InterruptedRunError):
        _end_now()
    except Exception as error:  # noqa: BLE001 -- no traceback reaches a user
        try:
            return int(_explain(error))
        except OSError:
            # Nobody can be told why; the exit code says what it can.
            _mute(sys.stderr)
            return int(_explain(error))
    return result if isinstance(result, int) else int(ExitCode.PASSED)


def _explain(error: Exception) -> ExitCode:
    """Print what an error means to a user and return the exit code for it."""
    if isinstance(error, DevlabError):
        _say(_words(error), error.hint)
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return ExitCode.USAGE
    if isinstance(error, BrokenPipeError):
        # The reader of a pipe went away (`devlab list | head`): nothing is wrong.
        _mute(sys.stdout)
        return ExitCode.PASSED
    if isinstance(error, OSError) and error.errno in _FULL:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        _mute(sys.stdout)
        _say(
            f"devlab cannot write {error.filename or 'all that it has to'}: {error.strerror}",
            "make room where its output goes, in the temporary folder, or in your home",
        )
        return ExitCode.USAGE
    from scaffolder.core.log import write_log

    log = write_log(f"command {' '.join(sys.argv[1:])}", error)
    _say(
        f"devlab failed in a way that it should not: {type(error).__name__}: {error}",
        f"please report it with {log}",
    )
    return ExitCode.USAGE


def _mute(stream: TextIO) -> None:
    """Let what is printed from now on, and what still waits, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _words(error: DevlabError) -> str:
    # What is wrong with a file is said without its name, as "is missing": checks show it apart.
    if not isinstance(error, UnusableFileError) or error.path in error.message:
        return error.message
    return f"{error.path} {error.message}"


def _say(message: str, hint: str) -> None:
    import textwrap

    from scaffolder.cli.layout import fit_text, say
    from scaffolder.core.text import sanitize_block

    told = fit_text(f"error: {sanitize_block(message)}", sys.stderr).removeprefix("error: ")
    click.echo(click.style("error: ", fg="red", bold=True) + told, err=True, color=detect_color())
    if hint:
        say(textwrap.indent(sanitize_block(hint), "  "), err=True)


def detect_color() -> bool | None:
    """Return False where NO_COLOR forbids colour, else None: let click look at the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _deafen() -> None:
    """Hear no more Ctrl-C: all is done, and it could only spoil the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_now() -> NoReturn:
    _deafen()
    # A thread may still hang in a library call; everything it could own was removed already.
    # And the terminal may be gone.
    with contextlib.suppress(OSError):
        click.echo("interrupted", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(int(ExitCode.INTERRUPTED))
