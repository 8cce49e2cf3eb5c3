"""The act runs of a check of ci-pipeline, as many at a time as there are processors.

    python bare_act.py RECORDING

A recording is what `act_runs.record` wrote: for each run its command, its environment and its
folder as it was before. No check waits for another here, nothing is prepared, read or judged, and
no sandbox keeps anything in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def play(run: dict[str, Any]) -> None:
    """Run act as it was run; a pipeline that goes red, as most of them must, exits with 1."""
    done = subprocess.run(
        run["argv"],
        cwd=run["cwd"],
        env=run["env"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode != run["exit"]:
        raise SystemExit(f"exit code {done.returncode}, not {run['exit']}: {done.stderr[-2000:]!r}")


def main(recording: Path) -> None:
    runs = json.loads(recording.read_text())
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(play, runs))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
