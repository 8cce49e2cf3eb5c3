"""The report for a person: what failed and why, then the table of tasks and the score."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from scaffolder.core.text import sanitize_line
from scaffolder.model import CheckResult, Evidence, Finding, News, Outcome, Report, Verdict
from scaffolder.report.details import (
    NOT_SHOWN,
    explain_denominator,
    format_points,
    list_causes,
)
from scaffolder.report.finish import draw_finish

_MARKS = {
    Outcome.PASS: ("✓", "green"),
    Outcome.FAIL: ("✗", "bold red"),
    Outcome.BLOCKED: ("∙", "yellow"),
    Outcome.UNAVAILABLE: ("?", "cyan"),
    Outcome.ERROR: ("!", "magenta"),
}
_PLAIN_MARKS = {
    Outcome.PASS: "ok",
    Outcome.FAIL: "FAIL",
    Outcome.BLOCKED: "-",
    Outcome.UNAVAILABLE: "?",
    Outcome.ERROR: "!",
}
_FINDINGS_SHOWN = 8
# Columns of the table of tasks that its marks, the gaps and the word "points" can take.
_BESIDE_TASKS = 10


WIDTH = 100
# Behind a verdict of an earlier run.
AS_BEFORE = ", as before"
# Stands for a blank at which no line ends; at U+00A0 rich would end one. `harmless` lets none pass.
_NO_BREAK = "\ue000"


# Rich would draw code on black, also where the terminal is white.
_THEME = Theme({"markdown.code": "bold cyan", "markdown.h1": "bold", "markdown.h2": "bold"})


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that obeys NO_COLOR and the terminal's width, or WIDTH without one."""
    made = _make_console(stderr=stderr)
    return made if made.is_terminal else _make_console(stderr=stderr, width=WIDTH)


def _make_console(**options: Any) -> Console:
    """Return a console that prints what it is told, and takes no word in it for a command."""
    return Console(highlight=False, markup=False, emoji=False, theme=_THEME, **options)


def choose_mark(outcome: Outcome, target: Console) -> Text:
    """Return the sign for an outcome, in letters where the terminal cannot draw it."""
    sign, style = _MARKS[outcome]
    return Text(sign if can_draw(target) else _PLAIN_MARKS[outcome], style=style)


def can_draw(target: Console) -> bool:
    """Whether a terminal or a file takes more than letters."""
    return (target.encoding or "").lower().startswith("utf")


def render(report: Report, *, verbose: bool = False) -> str:
    """Return what `draw` would print, as plain text for a file or a pipe."""
    buffer = io.StringIO()
    draw(report, _make_console(file=buffer, width=WIDTH), verbose=verbose)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().lstrip("\n").splitlines())


def draw(report: Report, target: Console, *, verbose: bool = False) -> None:
    """Print the report to a console; `verbose` shows the checks that passed as well.

    What stops several checks is printed once, below the names of them all.
    """
    shown = (
        (task.id, check)
        for task in report.tasks
        for check in task.checks
        if verbose or check.verdict.outcome is not Outcome.PASS
    )
    for verdict, checks in list_causes(shown):
        target.print()
        target.print(_block(verdict, checks, target))
    if report.news.proved:
        target.print()
        target.print(format_first_passes(report.news, target))
    target.print()
    target.print(_tasks(report, target))
    target.print(_score(report))
    if report.finish is not None:
        target.print()
        draw_finish(report.finish, report.score.total, report.news.next, target)


def format_first_passes(news: News, target: Console) -> RenderableType:
    """Return a sentence for each task that passes for the first time: what was just proved."""
    return Group(
        *(
            _Led(
                choose_mark(Outcome.PASS, target).append(" "),
                Text.assemble(
                    (one.task, "bold"), " passes for the first time: ", sanitize_line(one.says)
                ),
            )
            for one in news.proved
        )
    )


def format_changes(news: News) -> str:
    """Return the points that were won and lost since the last check; "" for none."""
    return ", ".join(f"{one.points:+d} {one.task}" for one in news.changes)


@dataclass(frozen=True)
class _Led:
    """A text behind a lead, which further lines have as well (`each`), or blanks as wide as it."""

    lead: Text
    text: Text
    each: bool = False

    def __rich_console__(self, target: Console, options: ConsoleOptions) -> RenderResult:
        lead, width = self.lead, self.lead.cell_len
        room = max(1, options.max_width - width)
        for line in self.text.wrap(target, room, overflow="fold"):
            line.plain = line.plain.replace(_NO_BREAK, " ")
            yield Text.assemble(lead, line)
            lead = self.lead if self.each else Text(" " * width)

    def __rich_measure__(self, target: Console, options: ConsoleOptions) -> Measurement:
        width = self.lead.cell_len + self.text.cell_len
        return Measurement(1, width).with_maximum(options.max_width)


def format_checks(
    task_id: str,
    verdict: Verdict,
    checks: Sequence[tuple[str, CheckResult]],
    target: Console,
    *,
    next_first: bool = False,
) -> RenderableType:
    """Return all that is known of what stops checks of a task: what is said, and on what it rests.

    `checks` are all that it stops, of whatever task; of other tasks only the ids are told. What to
    do next stands at the end, or, with `next_first`, right behind what is said.
    """
    own = [one for one in checks if one[0] == task_id]
    others = list(dict.fromkeys(task for task, _ in checks if task != task_id))
    return _block(verdict, own, target, next_first=next_first, others=others)


def _block(
    verdict: Verdict,
    checks: Sequence[tuple[str, CheckResult]],
    target: Console,
    *,
    next_first: bool = False,
    others: Sequence[str] = (),
) -> RenderableType:
    parts: list[RenderableType] = [Text(sanitize_line(verdict.message)), *_grounds(verdict)]
    if verdict.not_shown:
        parts.insert(1, Text(NOT_SHOWN, style="cyan"))
    if verdict.hint:
        todo = Text.assemble(("next  ", "bold"), sanitize_line(verdict.hint))
        parts.insert(1 if next_first else len(parts), todo)
    if others:
        told = Text.assemble(("stops as well  ", "bold"), ", ".join(others))
        parts.insert(1, told)
    heads = [
        _Led(choose_mark(verdict.outcome, target).append(" "), _name(*each)) for each in checks
    ]
    return Group(*heads, *(Padding(part, (0, 0, 0, 2), expand=False) for part in parts))


def _name(task_id: str, check: CheckResult) -> Text:
    took = f"{check.seconds:.1f}{_NO_BREAK}s"
    before = AS_BEFORE.replace("as ", f"as{_NO_BREAK}") if check.cached else ""
    return Text.assemble(
        (task_id, "bold"), (" · ", "dim"), check.id, (f"  {check.kind}, {took}{before}", "dim")
    )


def _grounds(verdict: Verdict) -> list[RenderableType]:
    """Return what a verdict rests on."""
    findings = verdict.findings
    parts: list[RenderableType] = [_finding(finding) for finding in findings[:_FINDINGS_SHOWN]]
    if len(findings) > _FINDINGS_SHOWN:
        parts.append(Text(f"and {len(findings) - _FINDINGS_SHOWN} more", style="dim"))
    if verdict.evidence is not None:
        parts.append(_evidence(verdict.evidence))
    return parts


def _finding(finding: Finding) -> Text:
    text = Text()
    if finding.path:
        text.append(
            sanitize_line(f"{finding.path}:{finding.line}" if finding.line else finding.path),
            style="bold",
        )
        text.append("  ")
    text.append(sanitize_line(finding.message))
    if finding.rule:
        text.append(f"  {sanitize_line(finding.rule)}", style="cyan")
    if finding.url:
        text.append(f"  {sanitize_line(finding.url)}", style="dim")
    return text


def _evidence(evidence: Evidence) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in (
        ("ran", evidence.ran),
        ("expected", evidence.expected),
        ("happened", evidence.actual),
    ):
        if text:
            grid.add_row(name, Text(sanitize_line(text)))
    for index, line in enumerate(evidence.log):
        said = _Led(Text("| ", style="dim"), Text(sanitize_line(line), style="dim"), each=True)
        grid.add_row("" if index else "log", said)
    return grid


def _tasks(report: Report, target: Console) -> Table:
    whats = [Text(sanitize_line(task.reason or task.title), style="dim") for task in report.tasks]
    points = [format_points(task) for task in report.tasks]
    longest = max((len(task.id) for task in report.tasks), default=0)
    taken = longest + max(map(len, points), default=0) + _BESIDE_TASKS
    below = target.width - taken < max(map(_longest_word, whats), default=0)
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("task", no_wrap=not below, overflow="fold")
    if not below:
        table.add_column("what must hold", style="dim")
    table.add_column("points", justify="right", no_wrap=True)
    for task, what, told in zip(report.tasks, whats, points, strict=True):
        texts = [Text("\n").join([Text(task.id), what])] if below else [Text(task.id), what]
        table.add_row(choose_mark(task.outcome, target), *texts, told)
    return table


def _longest_word(text: Text) -> int:
    return max(map(cell_len, text.plain.split()), default=0)


def _score(report: Report) -> RenderableType:
    score = report.score
    style = {Outcome.PASS: "bold green", Outcome.FAIL: "bold red"}.get(report.outcome, "bold cyan")
    text = Text.assemble(
        "\n",
        (f"{score.earned} of {score.gradable} points", style),
        (f"  {sanitize_line(report.heading)}, {report.seconds:.1f}{_NO_BREAK}s", "dim"),
    )
    if report.news.changes:
        text.append("\nsince the last check: ").append(format_changes(report.news), style="bold")
    stuck = next((task.id for task in report.tasks if task.outcome is Outcome.FAIL), None)
    if stuck:
        text.append(f"\nstuck? devlab hint {stuck}", style="dim")
    if report.cached:
        text.append("\nnothing has changed since; --no-cache checks it all anew", style="dim")
    for note in report.notes:
        text.append(f"\nnote: {sanitize_line(note)}", style="dim")
    for line in explain_denominator(report):
        text.append(f"\n{line}")
    return _Led(Text(), text)
