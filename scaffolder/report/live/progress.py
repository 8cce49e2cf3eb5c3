"""Tell what is going on: a live display at a terminal, plain lines elsewhere.

What is told is up to a narrator, which puts events into words; how is the same for all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import KW_ONLY, dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Outcome
from scaffolder.model.events import CheckEnded, CheckSaid, CheckStarted, TaskEnded
from scaffolder.model.proofs import OUTCOMES, CaseEnded, CaseStarted
from scaffolder.report.terminal import AS_BEFORE, choose_mark

# Columns: what a name has at least, and what the spinner and the blank behind it take.
_NAME = 8
_SPINNER = 2


@dataclass(frozen=True)
class ProgressStep:
    """Something that runs, or that is over now; `text` is what it says that it is at.

    `brief` is the label where there is no room for the whole one.
    """

    key: Hashable
    label: str
    _: KW_ONLY
    brief: str = ""
    text: str = ""
    over: bool = False


class Narrator(Protocol):
    """Puts events into words; whoever calls it holds a lock."""

    def step(self, event: Any) -> ProgressStep | None:
        """Return what an event means for what runs now."""

    def line(self, event: Any, console: Console) -> Text | None:
        """Return the line that an event leaves behind, if any."""


class Checks:
    """Tells of the checks of one run."""

    def step(self, event: Any) -> ProgressStep | None:
        """Return the check that started, said something or ended."""
        if isinstance(event, CheckStarted | CheckSaid):
            key = (event.task_id, event.check_id)
            text = event.text if isinstance(event, CheckSaid) else ""
            label = f"{event.task_id} · {event.check_id}"
            return ProgressStep(key, label, brief=event.check_id, text=text)
        if isinstance(event, CheckEnded):
            return ProgressStep((event.task_id, event.result.id), "", over=True)
        return None

    def line(self, event: Any, console: Console) -> Text | None:
        """Return the line of a check or a withheld task that ended.

        At a terminal the report follows, which lists all tasks: only what went wrong has a line.
        """
        if isinstance(event, CheckEnded):
            result, outcome = event.result, event.result.verdict.outcome
            if console.is_terminal and outcome is Outcome.PASS:
                return None
            took = f"  {result.seconds:.1f} s{AS_BEFORE if result.cached else ''}"
            return _line(
                choose_mark(outcome, console), f"{event.task_id} · {result.id}", Text(took), console
            )
        if isinstance(event, TaskEnded) and not event.result.checks and not console.is_terminal:
            sign = choose_mark(event.result.outcome, console)
            return Text.assemble(sign, f" {event.result.id}  {event.result.reason}")
        return None


class Cases:
    """Tells of the cases with which labs are proven, and how many are done."""

    def __init__(self) -> None:
        self._done = 0

    def step(self, event: Any) -> ProgressStep | None:
        """Return the case that started or ended."""
        if isinstance(event, CaseStarted):
            key = (event.lab_id, event.case.name)
            return ProgressStep(key, f"{event.lab_id} · {event.case.name}", brief=event.case.name)
        if isinstance(event, CaseEnded):
            return ProgressStep((event.lab_id, event.result.case.name), "", over=True)
        return None

    def line(self, event: Any, console: Console) -> Text | None:
        if not isinstance(event, CaseEnded):
            return None
        self._done += 1
        result = event.result
        sign = choose_mark(OUTCOMES[result.fate], console)
        sign.append(f" {self._done}/{event.total}", style="dim")
        end = Text.assemble(f"  {result.seconds:.1f} s", (f"  {_fate(event)}", "dim"))
        return _line(sign, f"{event.lab_id} · {sanitize_line(result.case.name)}", end, console)


def _line(sign: Text, name: str, end: Text, console: Console) -> Text:
    """Return one line; where a terminal has no room for all of it, the name is cut."""
    called = Text(name)
    if console.is_terminal:
        room = console.width - sign.cell_len - 1 - end.cell_len
        called.truncate(max(_NAME, room), overflow="ellipsis")
    return Text.assemble(sign, " ", called, end)


def _fate(event: CaseEnded) -> str:
    killers = event.result.killed_by
    killed = f"failed by {killers[0]}" if killers and not event.result.problems else ""
    before = ", as before" if event.result.remembered else ""
    return (killed or event.result.fate.value) + before


class Silent:
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


class ProgressLines(Silent):
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
                # A line of a log stays one line; at a terminal it is as short as it has to be.
                self._console.print(line, soft_wrap=not self._console.is_terminal)


class Display(ProgressLines):
    """Draws what runs now with its seconds; what has ended scrolls away above."""

    def __init__(self, console: Console, narrator: Narrator) -> None:
        super().__init__(console, narrator)
        self._drawing = threading.Lock()
        self._running: dict[Hashable, tuple[float, ProgressStep, Spinner]] = {}
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
            grid.add_row(spinner, _running(step, time.monotonic() - started, self._console.width))
        if len(running) > room:
            grid.add_row("", Text(f"and {len(running) - room} more", style="dim"))
        return Group(grid)


def _running(step: ProgressStep, seconds: float, width: int) -> Text:
    """Return the line of what runs: the seconds are always in sight, its last words may not be."""
    for label in (step.label, step.brief or step.label):
        line = Text.assemble(
            (f"{seconds:3.0f} s ", "cyan"),
            f"{sanitize_line(label)}  ",
            (sanitize_line(step.text), "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )
        if line.cell_len + _SPINNER <= width:
            break
    return line


def choose_display(console: Console, narrator: Narrator, *, quiet: bool) -> Silent:
    """Return what suits a console: a display, lines, or nothing where `quiet`."""
    if quiet:
        return Silent()
    return Display(console, narrator) if console.is_terminal else ProgressLines(console, narrator)
