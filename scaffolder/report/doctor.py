"""What the doctor found, for a person and as JSON; and what is being fetched, in words."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Outcome
from scaffolder.model.readiness import (
    FetchEnded,
    FetchSaid,
    FetchStarted,
    LabReadiness,
    Observation,
    Readiness,
    Status,
)
from scaffolder.report.live.progress import ProgressStep
from scaffolder.report.terminal import WIDTH, choose_mark

SCHEMA = "devlab.doctor/1"

_SIGNS = {
    Status.OK: Outcome.PASS,
    Status.WARNING: Outcome.BLOCKED,
    Status.MISSING: Outcome.FAIL,
}


def make_document(readiness: Readiness) -> str:
    """Return the JSON document; keys may be added to it, never renamed."""
    made = {"schema": SCHEMA, "complete": readiness.complete, **msgspec.to_builtins(readiness)}
    return json.dumps(made, indent=2) + "\n"


def render(readiness: Readiness) -> str:
    """Return what `draw` would print, as plain text for a file or a pipe."""
    buffer = io.StringIO()
    draw(readiness, Console(file=buffer, width=WIDTH, markup=False, highlight=False))
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def draw(readiness: Readiness, target: Console) -> None:
    """Print what was found: first what is used by labs, then the machine, then each lab."""
    shown = [one for one in readiness.observations if one.status is not Status.UNNEEDED]
    used = [one for one in shown if one.used_by]
    several = len(readiness.labs) > 1
    _section("What the labs need" if several else "What the lab needs", used, target, several)
    machine = [one for one in shown if not one.used_by]
    _section(f"This machine: {sanitize_line(readiness.system)}", machine, target, several)
    unneeded = [one.title for one in readiness.observations if one.status is Status.UNNEEDED]
    if unneeded:
        _indented(Text(f"not needed here: {', '.join(unneeded)}", style="dim"), 0, target)
        target.print()
    offline = ", without a network" if readiness.offline else ""
    target.print(Text(f"What can be graded here{offline}", style="bold"))
    titles = {one.id: one.title for one in readiness.observations}
    for lab in readiness.labs:
        _lab(lab, titles, target)


def _section(title: str, found: Sequence[Observation], target: Console, several: bool) -> None:
    if not found:
        return
    target.print(Text(title, style="bold"))
    for one in found:
        _observation(one, target, several)
    target.print()


def _observation(one: Observation, target: Console, several: bool) -> None:
    head = Text.assemble((sanitize_line(one.title), "bold" if one.status is not Status.OK else ""))
    if one.version:
        head.append(f" {sanitize_line(one.version)}")
    head.append(f"  {sanitize_line(one.message)}", style="dim" if one.status is Status.OK else "")
    _marked(_SIGNS[one.status], head, target)
    if one.status is Status.OK:
        return
    if one.used_by and several:
        _indented(Text(f"for {', '.join(map(sanitize_line, one.used_by))}", style="dim"), 2, target)
    for command in one.fix:
        _command(command, target)
    if one.advice:
        _indented(Text(sanitize_line(one.advice)), 4, target)


def _lab(lab: LabReadiness, titles: Mapping[str, str], target: Console) -> None:
    whole = lab.gradable == lab.points and not lab.problem
    outcome = Outcome.PASS if whole else Outcome.UNAVAILABLE if lab.gradable else Outcome.FAIL
    if whole and lab.pending:
        outcome = Outcome.UNAVAILABLE
    line = Text.assemble(
        (sanitize_line(lab.id), "bold"), f"  {lab.gradable} of {lab.points} points"
    )
    if lab.pending:
        hoped = sum(task.points for task in lab.pending)
        ids = dict.fromkeys(one for task in lab.pending for one in task.missing)
        things = ", ".join(sanitize_line(titles.get(one, one)) for one in ids)
        line.append(f", {hoped} of them only if {things} can be fetched")
    if lab.problem:
        line.append(f"  {sanitize_line(lab.problem)}")
    _marked(outcome, line, target)
    for missing, tasks in _by_cause(lab, titles).items():
        _indented(Text(f"without {missing}: {', '.join(map(sanitize_line, tasks))}"), 2, target)


def _by_cause(lab: LabReadiness, titles: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the tasks that cannot be graded, by what is missing for them."""
    causes: dict[str, list[str]] = {}
    for task in lab.ungraded:
        named = ", ".join(sanitize_line(titles.get(one, one)) for one in task.missing)
        causes.setdefault(named, []).append(task.id)
    return causes


def _marked(outcome: Outcome, line: Text, target: Console) -> None:
    """Print a line behind a sign; where it wraps, it stays behind the sign."""
    sign = choose_mark(outcome, target)
    width = len(sign.plain) + 1
    lines = line.wrap(target, max(10, target.width - width))
    for number, part in enumerate(lines):
        part.rstrip()
        before = Text.assemble(sign, " ") if number == 0 else Text(" " * width)
        target.print(Text.assemble(before, part))


def _command(command: str, target: Console) -> None:
    """Print a command as one line, however long, so that it can be copied whole."""
    shown = sanitize_line(command, limit=10 * len(command) + 1)
    target.print(Text.assemble("    ", (shown, "cyan")), soft_wrap=True)


def _indented(text: Text, by: int, target: Console) -> None:
    target.print(Padding(text, (0, 0, 0, by), expand=False))


class Fetches:
    """Tells of what is being fetched."""

    def step(self, event: Any) -> ProgressStep | None:
        """Return the fetch that started, is so far, or ended."""
        if isinstance(event, FetchStarted):
            return ProgressStep(event.key, event.label)
        if isinstance(event, FetchSaid):
            return ProgressStep(event.key, event.label, text=event.text)
        if isinstance(event, FetchEnded):
            return ProgressStep(event.key, event.label, over=True)
        return None

    def line(self, event: Any, console: Console) -> Text | None:
        if not isinstance(event, FetchEnded):
            return None
        outcome = Outcome.FAIL if event.trouble else Outcome.PASS
        said = sanitize_line(event.trouble or event.came)
        line = Text.assemble(
            choose_mark(outcome, console), " ", (sanitize_line(event.label), "bold"), f"  {said}"
        )
        line.append(f"  {event.seconds:.1f} s", style="dim")
        if event.trouble and event.hint:
            line.append(f"\n  {sanitize_line(event.hint)}")
        return line
