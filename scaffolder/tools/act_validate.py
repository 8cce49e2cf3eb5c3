"""What act takes for a workflow, by the copy of GitHub's schema that it carries."""

from __future__ import annotations

import os
from pathlib import Path

from scaffolder.tools import act, processes
from scaffolder.tools.processes import CancelToken, Completed, Ending

_VALID, _INVALID = 0, 1


def validate(workflow: Path, *, home: Path, cancel: CancelToken, timeout: float) -> Completed:
    """Let act look whether it takes a workflow file; nothing of it runs.

    `home` is a folder for act's own files, `timeout` is in seconds. The result is `ok` where
    the workflow is valid. Raises UnavailableError where act is not installed, RuntimeError where
    it crashed or hung.
    """
    argv = (str(act.program()), "--validate", "--workflows", str(workflow))
    env = {
        "PATH": os.defpath,
        **{name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")},
    }
    done = processes.run(argv, cwd=home, env=env, timeout=timeout, cancel=cancel)
    if done.ending is not Ending.EXITED or done.returncode not in (_VALID, _INVALID):
        raise RuntimeError(f"act {done.ending.value}, code {done.returncode}: {done.tail(5)}")
    return done
