"""Tie a server's life to ours: when devlab is killed outright, nothing of it stays behind.

A `Daemon` is killed when its `with` block ends, but nobody runs that code after SIGKILL. The
kernel's own means (PR_SET_PDEATHSIG) follows the *thread* that started a process, and checks run
in threads that end early. So a small shell stands between: one part of it looks once a second
whether we are still there, the other ends the moment the server does, so that nobody takes a dead
server for a living one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

# $1 is the process to outlive never. The group is killed, so that children of the server go too.
_WATCH = """
parent=$1; shift
"$@" &
child=$!
(while kill -0 "$parent" 2>/dev/null; do sleep 1; done; kill -9 0) &
wait "$child"
kill -9 0
"""


def tie_command(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` until it ends or this process is no more.

    It must be started as the leader of its own process group, as `processes.Daemon` does.
    """
    return ["/bin/sh", "-c", _WATCH, "sh", str(os.getpid()), *argv]
