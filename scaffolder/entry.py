"""Where `devlab` begins: before anything is loaded, Ctrl-C is heard already."""

from __future__ import annotations

import os
from typing import NoReturn

# As errors.ExitCode.INTERRUPTED, which takes time to load.
_INTERRUPTED = 130


def main() -> NoReturn:
    """Load the command line and run it."""
    try:
        from scaffolder.cli import main as run
    except KeyboardInterrupt:
        os.write(2, b"interrupted\n")
        os._exit(_INTERRUPTED)
    run()
