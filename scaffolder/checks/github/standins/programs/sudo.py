"""sudo on a machine where the work is nobody's guest: it just runs the command."""

from __future__ import annotations

import os
import sys

from scaffolder.checks.github.standins.programs import runner

WITH_VALUE = ("-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D")


def main() -> None:
    """Become the command behind sudo's own options."""
    runner.settings()
    words = iter(sys.argv[1:])
    command: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if word in WITH_VALUE:
            next(words, "")
        elif word == "--":
            command = [*words]
        elif word.startswith("-"):
            continue
        elif equals and name.isidentifier():
            os.environ[name] = value
        else:
            command = [word, *words]
    if not command:
        runner.lack("sudo without a command")
    try:
        os.execvp(command[0], command)  # noqa: S606
    except FileNotFoundError:
        runner.note(f"sudo: {command[0]}: command not found")
        sys.exit(1)


if __name__ == "__main__":
    main()
