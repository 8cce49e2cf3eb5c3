"""Nothing but the code tells copies apart: no path, no variable, no argument, no other file."""

import os
import sys
from pathlib import Path

import shop.prices


def test_the_surroundings():
    told = [*sys.argv, *sys.path, str(Path.cwd()), *os.environ, *os.environ.values()]
    told += [str(path) for path in Path.cwd().rglob("*")]
    told += dir(shop.prices)
    for word in ("healthy", "rewritten", "faulty", "no-limit", "from-above", "is-ignored"):
        assert not [one for one in told if word in one]
