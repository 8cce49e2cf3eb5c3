"""Tell whoever watches the rehearsal one thing; called as `tell.py WHAT [NAME]` by scripts."""

from __future__ import annotations

import sys

from scaffolder.checks.github.standins.programs import runner


def main() -> None:
    """Report what the arguments say."""
    what, *name = sys.argv[1:]
    runner.report(what, name=" ".join(name))


if __name__ == "__main__":
    main()
