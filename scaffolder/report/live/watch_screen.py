"""Draw what `devlab watch` knows: a whole screen at a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Outcome, Report, Task
from scaffolder.report import terminal
from scaffolder.report.details import format_points
from scaffolder.report.live.watch import KEYS, Choice, Page, Question, Watch
from scaffolder.report.live.watch_body import format_body, format_problem

Line = list[Segment]

# Room for the failure, in lines, that the list of tasks must leave; else a line of marks stands in.
_ROOM = 6
# From this height on there is one line more for what runs; from the second, three more.
_TALL, _TALLER = 18, 32
# Columns below which a title says nothing.
_TITLE = 10
# The keys that the last line leaves out where it has no room for all, in this order.
_DISPENSABLE = ("r", "a", "s", "i", "n", "↑ ↓", "q", "h")
_PLAIN = str.maketrans({"…": ".", "·": "-", "↑": "^", "↓": "v", "—": "-"})


@dataclass(frozen=True)
class Frame:
    """A screenful: its lines, the rows that the text has, and how far it can be scrolled."""

    lines: Sequence[Line]
    rows: int
    last: int


def make_frame(watch: Watch, target: Console, now: float) -> Frame:
    """Lay out a state for the size of a console; `now` is on the clock of the events."""
    width, height = max(1, target.width), max(1, target.height)
    top = _lines(_header(watch), target)[:1]
    bottom = [*_status(watch, target, now), *_lines(_footer(watch, width), target)[:1]]
    if height >= 8 and not isinstance(watch.page, Choice | Question) and not _reads(watch):
        top += _tasks(watch, target, height - len(top) - len(bottom))
    rows = max(0, height - len(top) - len(bottom))
    body = _lines(format_body(watch, target), target)
    if len(body) > rows:
        body = _lines(format_body(watch, target, next_first=True), target)
    body, last = _scroll(body, watch.offset, rows, target)
    lines = [*top, *body, *bottom][:height]
    return Frame([_encodable(line, target) for line in lines], rows, last)


def _reads(watch: Watch) -> bool:
    """Whether the learner reads something long, which may have the whole screen."""
    return isinstance(watch.page, Page) and watch.page.key != "h"


def _lines(what: RenderableType, target: Console) -> list[Line]:
    return target.render_lines(what, target.options.update(width=target.width, height=None))


def _scroll(lines: list[Line], offset: int, rows: int, target: Console) -> tuple[list[Line], int]:
    """Return as many lines as there is room for, a note where some are out of sight, the end."""
    if len(lines) <= rows:
        blank = _lines(Text(""), target)
        return [*lines, *(blank * (rows - len(lines)))], 0
    shown = max(1, rows - 1)
    last = len(lines) - shown
    start = min(offset, last)
    note = f"  lines {start + 1}-{start + shown} of {len(lines)}, ↑ ↓ to scroll"
    text = Text(note, style="reverse", no_wrap=True, overflow="ellipsis")
    return [*lines[start : start + shown], *_lines(text, target)][:rows], last


def _header(watch: Watch) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_row(Text(sanitize_line(watch.lab.title), style="bold"), _score(watch))
    return grid


def _score(watch: Watch) -> Text:
    if watch.problem is not None:
        return Text(" cannot check", style="bold red")
    if watch.unsure:
        done = len(watch.lab.tasks) - len(watch.unsure)
        return Text(f" checking, {done} of {len(watch.lab.tasks)}", style="cyan")
    style = {Outcome.PASS: "bold green", Outcome.FAIL: "bold red"}.get(watch.outcome, "bold cyan")
    return Text(f" {watch.score.earned} of {watch.score.gradable} points", style=style)


def _tasks(watch: Watch, target: Console, room: int) -> list[Line]:
    """Return the list of tasks, or, where that leaves no room, one line of their marks."""
    if len(watch.lab.tasks) + _ROOM > room:
        between = Text("" if terminal.can_draw(target) else " ")
        marks = between.join(_mark(watch, task, target) for task in watch.lab.tasks)
        strip = Text.assemble(marks, (f" {watch.focus}", "bold"), no_wrap=True, overflow="ellipsis")
        return _lines(strip, target)[:1]
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
    grid.add_column(no_wrap=True, justify="right")
    rows = [
        (_mark(watch, task, target), _name(watch, task), _what(watch, task), _points(watch, task))
        for task in watch.lab.tasks
    ]
    taken = sum(max(cell_len(str(row[place])) for row in rows) + 1 for place in (0, 1, 3))
    for mark, name, what, points in rows:
        grid.add_row(mark, name, what if target.width - taken >= _TITLE else "", points)
    return [*_lines(grid, target), *_lines(Text(""), target)]


def _mark(watch: Watch, task: Task, target: Console) -> Text:
    if task.id not in watch.unsure:
        return terminal.choose_mark(watch.results[task.id].outcome, target)
    runs = any(task.id == running for running, _ in watch.running)
    if terminal.can_draw(target):
        return Text("▸", style="cyan") if runs else Text("○", style="dim")
    return Text(">" if runs else "o")


def _name(watch: Watch, task: Task) -> Text:
    return Text.assemble((task.id, "bold reverse" if task.id == watch.focus else ""), " ")


def _what(watch: Watch, task: Task) -> str:
    result = watch.results.get(task.id)
    reason = "" if result is None or task.id in watch.unsure else result.reason
    return sanitize_line(reason or task.title)


def _points(watch: Watch, task: Task) -> str:
    result = watch.results.get(task.id)
    if result is None or task.id in watch.unsure:
        return f"-/{task.points}"
    return format_points(result)


def _status(watch: Watch, target: Console, now: float) -> list[Line]:
    """Return how it ended, or what runs: in as many lines, however many run, of this height."""
    rows = 1
    if watch.active:
        rows += (target.height >= _TALL) + 2 * (target.height >= _TALLER)
    texts = _running(watch, rows, now) if watch.active else [_idle(watch)]
    for text in texts:
        text.no_wrap, text.overflow = True, "ellipsis"
    texts = [*(Text("") for _ in range(rows - len(texts))), *texts]
    return [line for text in texts for line in _lines(text, target)[:1]]


def _running(watch: Watch, rows: int, now: float) -> list[Text]:
    running = sorted(watch.running.items(), key=lambda item: item[1].since)
    if not running:
        return [Text(_seen(watch) or "looking", style="dim")]
    shown = running if len(running) <= rows else running[: max(1, rows - 1)]
    texts = [
        Text.assemble(
            (f"{max(0.0, now - one.since):3.0f} s ", "cyan"),
            (f"(+{len(running) - 1}) " if rows == 1 and len(running) > 1 else "", "dim"),
            f"{task} · {check}  ",
            (sanitize_line(one.text), "dim"),
        )
        for (task, check), one in shown
    ]
    more = len(running) - len(shown)
    if more and rows > 1:
        texts.append(Text(f"      and {more} more", style="dim"))
    return texts


def _idle(watch: Watch) -> Text:
    if watch.problem is not None or watch.report is None:
        return Text("waiting for a save", style="dim")
    took = f"checked, took {watch.report.seconds:.1f} s"
    changes = terminal.format_changes(watch.report.news)
    parts = (_seen(watch), changes, took, "waiting for a save")
    return Text("; ".join(part for part in parts if part), style="dim")


def _seen(watch: Watch) -> str:
    if not watch.saved:
        return ""
    more = f" and {len(watch.saved) - 1} more" if len(watch.saved) > 1 else ""
    return f"saved: {sanitize_line(watch.saved[0], 60)}{more}"


def _footer(watch: Watch, width: int) -> Text:
    if isinstance(watch.page, Choice):
        keys = [("↑ ↓", "choose"), ("enter", "take"), ("esc", "back")]
    elif isinstance(watch.page, Question):
        keys = [("y", "yes"), ("n", "no"), ("↑ ↓", "scroll")]
    else:
        keys = [(name, key.word) for name, key in KEYS.items()]
        keys = [("esc", "back"), *keys] if watch.page is not None else keys
    for spare in _DISPENSABLE:
        if len("  ".join(f"{name} {word}" for name, word in keys)) > width:
            keys = [key for key in keys if key[0] != spare]
    shown = [Text.assemble((name, "bold"), (f" {word}", "dim")) for name, word in keys]
    text = Text("  ").join(shown)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _encodable(line: Line, target: Console) -> Line:
    """Return a line in characters that the terminal can show, as wide as before."""
    if terminal.can_draw(target):
        return line
    return [Segment(_in_letters(one.text, target.encoding), one.style, one.control) for one in line]


def _in_letters(text: str, encoding: str) -> str:
    """Return a text with question marks, as many as it is wide, for what has no letter."""
    return "".join(
        one if one.encode(encoding, "ignore") else "?" * cell_len(one)
        for one in text.translate(_PLAIN)
    )


class Screen:
    """A terminal's alternate screen, from `take` until `give_back`; `target` is its console."""

    def __init__(self, target: Console) -> None:
        self._target = target
        self._shown: Sequence[Line] = ()
        self._size = (0, 0)

    def take(self) -> None:
        """Turn to the alternate screen."""
        self._size = (0, 0)
        self._target.set_alt_screen(True)
        self._target.show_cursor(False)

    def give_back(self) -> None:
        """Turn back to what was there, unless the terminal is gone."""
        with contextlib.suppress(OSError):
            self._target.show_cursor(True)
            self._target.set_alt_screen(False)

    def show(self, watch: Watch, now: float) -> Frame:
        """Draw a state; only lines that differ are written, all at once."""
        columns, rows = os.get_terminal_size(self._target.file.fileno())
        # Some terminals do not know their size.
        size = (columns or 80, rows or 24)
        self._target.size = size
        fresh = make_frame(watch, self._target, now)
        known = self._shown if size == self._size else ()
        with self._target:
            if not known:
                self._target.control(Control.clear())
            for y, line in enumerate(fresh.lines):
                if y >= len(known) or known[y] != line:
                    self._target.update_screen_lines([line], 0, y)
        self._shown, self._size = fresh.lines, size
        return fresh


class WatchLines:
    """Prints what is new in a state, for a log or a pipe."""

    def __init__(self, target: Console) -> None:
        self._target = target
        self._last: Watch | None = None
        self._begun = False

    def take(self) -> None:
        """Nothing is taken: lines go where they always go."""

    def give_back(self) -> None:
        """Nothing was taken."""

    def show(self, watch: Watch, now: float) -> Frame:  # noqa: ARG002 -- a screen's has seconds
        """Print what happened since the last call."""
        before, self._last = self._last, watch
        with self._trimmed():
            if (before is None or watch.run != before.run) and watch.saved:
                self._target.print(Text(_seen(watch), style="bold"))
            if watch.problem is not None and (
                before is None or watch.problem is not before.problem
            ):
                self._target.print(format_problem(watch.problem))
            if watch.report is not None and (before is None or watch.report is not before.report):
                self._tell(watch.report, before.report if before is not None else None)
        return Frame((), 0, 0)

    @contextlib.contextmanager
    def _trimmed(self) -> Iterator[None]:
        """Print what is printed meanwhile without blanks at line ends or a blank line to begin."""
        with self._target.capture() as printed:
            yield
        text = "\n".join(line.rstrip(" ") for line in printed.get().split("\n"))
        text = text if self._begun else text.lstrip("\n")
        self._begun = self._begun or bool(text)
        self._target.out(text, end="", highlight=False)

    def _tell(self, report: Report, before: Report | None) -> None:
        if before is not None and _same(before, report):
            score = report.score
            self._target.print(f"as before: {score.earned} of {score.gradable} points")
        else:
            terminal.draw(report, self._target)


def _same(one: Report, other: Report) -> bool:
    """Whether two reports say the same, however long it took."""

    def said(report: Report) -> list[object]:
        return [
            (task.id, task.outcome, task.reason, [check.verdict for check in task.checks])
            for task in report.tasks
        ]

    return said(one) == said(other)
