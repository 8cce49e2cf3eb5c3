"""Tell what a running check is at: a live display at a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from scaffolder.model import CheckEnded, CheckSaid, CheckStarted, Event, TaskEnded
from scaffolder.report.terminal import mark
from scaffolder.report.text import harmless


class Progress(Protocol):
    """Is told of events, from any thread, while a `with` block lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Take note of an event."""


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

    def __call__(self, event: Event) -> None:
        """Take no note of an event."""


class Lines(Silent):
    """Prints a line when a check ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Print the line of a check or a withheld task that ended."""
        if isinstance(event, CheckEnded):
            result = event.result
            text = f"{event.task_id} · {result.id}  {result.seconds:.1f} s"
            outcome = result.verdict.outcome
        elif isinstance(event, TaskEnded) and not event.result.checks:
            text = f"{event.result.id}  {event.result.reason}"
            outcome = event.result.outcome
        else:
            return
        with self._lock:
            self._console.print(Text.assemble(mark(outcome, self._console), " ", text))


class Display(Silent):
    """Draws what runs now with its seconds; what has ended scrolls away above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], tuple[float, str, Spinner]] = {}
        self._lines = Lines(console)
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

    def __call__(self, event: Event) -> None:
        """Move a check in or out of the display."""
        with self._lock:
            if isinstance(event, CheckStarted):
                key = (event.task_id, event.check_id)
                self._running[key] = (time.monotonic(), "", Spinner("dots"))
            elif isinstance(event, CheckSaid):
                started, _, spinner = self._running[event.task_id, event.check_id]
                self._running[event.task_id, event.check_id] = (started, event.text, spinner)
            elif isinstance(event, CheckEnded):
                self._running.pop((event.task_id, event.result.id), None)
        self._lines(event)

    def _render(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        with self._lock:
            running = list(self._running.items())
        room = max(3, self._console.height - 3)
        for (task_id, check_id), (started, text, spinner) in running[:room]:
            line = Text.assemble(
                f"{task_id} · {check_id}  {time.monotonic() - started:.0f} s  ",
                (harmless(text), "dim"),
                no_wrap=True,
                overflow="ellipsis",
            )
            grid.add_row(spinner, line)
        if len(running) > room:
            grid.add_row("", Text(f"and {len(running) - room} more", style="dim"))
        return Group(grid)


def progress(console: Console, *, quiet: bool) -> Progress:
    """Return what suits a console: a display, lines, or nothing where `quiet`."""
    if quiet:
        return Silent()
    return Display(console) if console.is_terminal else Lines(console)
