"""Tell what is going on: a live display at a terminal, plain lines elsewhere.

What is told is up to a narrator, which puts events into words; how is the same for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from scaffolder.model import CheckEnded, CheckSaid, CheckStarted, TaskEnded
from scaffolder.proofs import OUTCOMES, CaseEnded, CaseStarted
from scaffolder.report.terminal import AS_BEFORE, mark
from scaffolder.report.text import harmless


@dataclass(frozen=True)
class Step:
    """Something that runs, or that is over now; `text` is what it says that it is at."""

    key: Hashable
    label: str
    text: str = ""
    over: bool = False


class Narrator(Protocol):
    """Puts events into words; whoever calls it holds a lock."""

    def step(self, event: Any) -> Step | None:
        """Return what an event means for what runs now."""

    def line(self, event: Any, console: Console) -> Text | None:
        """Return the line that an event leaves behind, if any."""


class Checks:
    """Tells of the checks of one run."""

    def step(self, event: Any) -> Step | None:
        """Return the check that started, said something or ended."""
        if isinstance(event, CheckStarted):
            return Step((event.task_id, event.check_id), f"{event.task_id} · {event.check_id}")
        if isinstance(event, CheckSaid):
            key = (event.task_id, event.check_id)
            return Step(key, f"{event.task_id} · {event.check_id}", event.text)
        if isinstance(event, CheckEnded):
            return Step((event.task_id, event.result.id), "", over=True)
        return None

    def line(self, event: Any, console: Console) -> Text | None:
        """Return the line of a check or a withheld task that ended."""
        if isinstance(event, CheckEnded):
            result = event.result
            before = AS_BEFORE if result.cached else ""
            text = f"{event.task_id} · {result.id}  {result.seconds:.1f} s{before}"
            return Text.assemble(mark(result.verdict.outcome, console), " ", text)
        if isinstance(event, TaskEnded) and not event.result.checks:
            text = f"{event.result.id}  {event.result.reason}"
            return Text.assemble(mark(event.result.outcome, console), " ", text)
        return None


class Cases:
    """Tells of the cases with which labs are proven, and how many are done."""

    def __init__(self) -> None:
        self._done = 0

    def step(self, event: Any) -> Step | None:
        """Return the case that started or ended."""
        if isinstance(event, CaseStarted):
            key = (event.lab_id, event.case.name)
            return Step(key, f"{event.lab_id} · {event.case.name}")
        if isinstance(event, CaseEnded):
            return Step((event.lab_id, event.result.case.name), "", over=True)
        return None

    def line(self, event: Any, console: Console) -> Text | None:
        """Return the line of a case that ended."""
        if not isinstance(event, CaseEnded):
            return None
        self._done += 1
        result = event.result
        return Text.assemble(
            mark(OUTCOMES[result.fate], console),
            (f" {self._done}/{event.total} ", "dim"),
            f"{event.lab_id} · {harmless(result.case.name)}  {result.seconds:.1f} s",
            (f"  {_fate(event)}", "dim"),
        )


def _fate(event: CaseEnded) -> str:
    killers = event.result.killed_by
    killed = f"failed by {killers[0]}" if killers and not event.result.problems else ""
    before = ", as before" if event.result.remembered else ""
    return (killed or event.result.fate.value) + before


class Silent:
    """Tells nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return

    def __call__(self, event: object) -> None:
        """Take no note of an event; others may be told from any thread."""


class Lines(Silent):
    """Prints the lines of a narrator."""

    def __init__(self, console: Console, narrator: Narrator) -> None:
        self._console = console
        self._narrator = narrator
        self._lock = threading.Lock()

    def __call__(self, event: object) -> None:
        """Print the line that an event leaves behind."""
        with self._lock:
            line = self._narrator.line(event, self._console)
            if line is not None:
                self._console.print(line)


class Display(Lines):
    """Draws what runs now with its seconds; what has ended scrolls away above."""

    def __init__(self, console: Console, narrator: Narrator) -> None:
        super().__init__(console, narrator)
        self._drawing = threading.Lock()
        self._running: dict[Hashable, tuple[float, Step, Spinner]] = {}
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def __call__(self, event: object) -> None:
        """Move what an event is about in or out of the display."""
        with self._drawing:
            step = self._narrator.step(event)
            if step is not None and step.over:
                self._running.pop(step.key, None)
            elif step is not None:
                started, _, spinner = self._running.get(
                    step.key, (time.monotonic(), step, Spinner("dots"))
                )
                self._running[step.key] = (started, step, spinner)
        super().__call__(event)

    def _render(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        with self._drawing:
            running = list(self._running.values())
        room = max(3, self._console.height - 3)
        for started, step, spinner in running[:room]:
            line = Text.assemble(
                f"{harmless(step.label)}  {time.monotonic() - started:.0f} s  ",
                (harmless(step.text), "dim"),
                no_wrap=True,
                overflow="ellipsis",
            )
            grid.add_row(spinner, line)
        if len(running) > room:
            grid.add_row("", Text(f"and {len(running) - room} more", style="dim"))
        return Group(grid)


def progress(console: Console, narrator: Narrator, *, quiet: bool) -> Silent:
    """Return what suits a console: a display, lines, or nothing where `quiet`."""
    if quiet:
        return Silent()
    return Display(console, narrator) if console.is_terminal else Lines(console, narrator)
