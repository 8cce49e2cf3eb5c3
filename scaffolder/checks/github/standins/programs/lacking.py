"""What devlab cannot play: fail the step, and say so; called as `lacking.py WHAT`."""

from __future__ import annotations

import sys

from scaffolder.checks.github.standins.programs import runner

if __name__ == "__main__":
    runner.lack(" ".join(sys.argv[1:]))
