"""Keeps the tester apart from the learner's code, whatever a test does by mistake.

The tests are an instructor's and trusted; what they handle is not. So audit hooks, which cannot be
removed again, refuse the ways in which a test might let the learner's code in without meaning to:
importing it, starting it without the sandbox, following its links out of the workspace.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
import threading
import time
from pathlib import Path
from types import CodeType
from typing import Any

from scaffolder.checks.pytest.runner.channel import WorkFailedError

_STARTING = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)
_PR_SET_DUMPABLE = 4


def refuse_mixing(work: Path) -> None:
    """Refuse from now on to load code from the folder `work`, to leave it, or to start programs."""
    root = str(work.resolve())
    inside = root + os.sep

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            _refuse_leaving(root, inside, arguments[0])
        elif event in _STARTING:
            raise RuntimeError(
                "a test starts programs with run(...), which keeps them in a sandbox"
            )
        elif event in ("exec", "import", "ctypes.dlopen"):
            source = _source(event, arguments)
            if source and os.path.realpath(source).startswith(inside):
                raise RuntimeError(
                    "a test must not load the learner's code: run it with run([...])"
                )

    sys.addaudithook(watch)


def _source(event: str, arguments: tuple[Any, ...]) -> str:
    """Return the file that code comes from, as an audit event tells it, or nothing."""
    if event == "exec":
        code = arguments[0]
        return code.co_filename if isinstance(code, CodeType) else ""
    named = arguments[1] if event == "import" else arguments[0]
    return os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else ""


def _refuse_leaving(root: str, inside: str, opened: object) -> None:
    """Raise WorkFailedError where a path in the workspace leads outside, or is no file at all."""
    if not isinstance(opened, str | bytes | os.PathLike):
        return
    path = os.path.abspath(os.fsdecode(opened))  # noqa: PTH100 -- must not follow links yet
    if not path.startswith(inside):
        return
    # Each test has a folder of its own in `root`.
    relative = "/".join(Path(path).relative_to(root).parts[1:])
    real = os.path.realpath(path)
    if not real.startswith(inside):
        raise WorkFailedError(f"{relative} leads outside the workspace, and devlab does not follow")
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(real).st_mode  # noqa: PTH116
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise WorkFailedError(f"{relative} is not a regular file")


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one, where the kernel lets us."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def end_with(parent: int) -> None:
    """End this process when `parent` is gone: nobody is left who would stop it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
