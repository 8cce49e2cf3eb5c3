"""Run devlab commands in tests: in this process, or as a user's shell would."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaffolder import cli


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


class Devlab:
    """Calls devlab through its real entry point, errors and exit codes included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str | Path, cwd: Path | None = None) -> Said:
        if cwd is not None:
            self._monkeypatch.chdir(cwd)
        self._monkeypatch.setattr(sys, "argv", ["devlab", *map(str, arguments)])
        out, err = _Stream(), _Stream()
        with redirect_stdout(out), redirect_stderr(err):
            code = cli._guarded(lambda: cli.cli.main(standalone_mode=False))
        return Said(code, out.text(), err.text())


class _Stream(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "surrogateescape")  # type: ignore[attr-defined]


def shell(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start devlab as a process of its own, to be interrupted or watched."""
    return subprocess.Popen(
        [sys.executable, "-m", "scaffolder.cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
