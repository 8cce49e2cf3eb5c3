"""A hint for a person and for programs (JSON, schema `devlab.hint/1`)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Evidence, Finding, Outcome, Verdict
from scaffolder.progress.hints import Advice, Given
from scaffolder.report.details import list_causes
from scaffolder.report.terminal import WIDTH, choose_mark

SCHEMA = "devlab.hint/1"
_HINT_LIMIT = 2000
_FINDINGS_SHOWN = 3
_LINES_SHOWN = 3


def make_document(advice: Advice | None) -> str:
    """Return advice as indented JSON that ends in a newline; None is that no task fails."""
    said: dict[str, Any] = {"schema": SCHEMA, "task": None, "hint": None, "used": [], "left": []}
    if advice is not None:
        said["task"] = {
            "id": advice.task.id,
            "title": advice.task.title,
            "verdict": advice.task.outcome.value,
            "waiting": advice.waiting,
            "messages": [check.verdict.message for check in advice.failed],
            "to_be_graded": list(
                dict.fromkeys(
                    check.verdict.hint
                    for check in advice.failed
                    if check.verdict.outcome is Outcome.UNAVAILABLE and check.verdict.hint
                )
            ),
        }
        said["hint"] = _entry(advice.hint) if advice.hint is not None else None
        said["used"] = [_entry(one) for one in advice.used]
        said["left"] = [{"what": what, "where": where} for what, where in _left(advice)]
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"


def _entry(given: Given) -> dict[str, Any]:
    return {
        "number": given.number,
        "place": given.place,
        "of": given.of,
        "text": given.text,
        "answers": given.answers,
        "rule": given.rule,
    }


def render(advice: Advice, *, again: bool = False) -> str:
    """Return what `draw` would print, as plain text for a file or a pipe."""
    buffer = io.StringIO()
    draw(advice, Console(file=buffer, width=WIDTH, markup=False, highlight=False), again=again)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def draw(advice: Advice, target: Console, *, again: bool = False) -> None:
    """Print advice to a console; `again` prints the hints that were used instead of the next."""
    _draw_why(advice, target)
    if again:
        for given in advice.used:
            _draw_hint(given, target)
        words = "no hint of it was used yet" if not advice.used else ""
    elif advice.hint is not None:
        if not advice.hint.answers:
            _draw_again(advice, target)
        _draw_hint(advice.hint, target)
        words = (
            f"try it  devlab check --task {advice.task.id}\nmore    devlab hint {advice.task.id}"
        )
    else:
        _draw_the_end(advice, target)
        words = ""
    if words:
        target.print(Text(f"\n{words}", style="dim"))


def _draw_why(advice: Advice, target: Console) -> None:
    task = advice.task
    if advice.waiting:
        target.print(Text(f"{advice.waiting} waits for {task.id}, which does not pass yet."))
    head = Text.assemble(choose_mark(task.outcome, target), " ", (task.id, "bold"))
    target.print(head.append(f"  {sanitize_line(task.title)}", style="dim"))
    for verdict, _ in list_causes((task.id, check) for check in advice.failed):
        target.print(_indented(verdict.message))
        if verdict.outcome is Outcome.UNAVAILABLE and verdict.hint:
            # The lab's hints are about its tasks; what a machine lacks, none of them knows.
            target.print(_indented(f"to have it graded: {verdict.hint}"))
        for finding in verdict.findings[:_FINDINGS_SHOWN]:
            target.print(_indented(_words(finding)))
        for line in _seen(verdict):
            target.print(_indented(line))


def _seen(verdict: Verdict) -> Iterator[str]:
    """Yield what happened, unless the verdict says it already, and the last words of the log."""
    evidence = verdict.evidence or Evidence()
    if evidence.actual and not verdict.findings and evidence.actual not in verdict.message:
        yield f"happened: {evidence.actual}"
    yield from (f"| {line}" for line in evidence.log[-_LINES_SHOWN:])


def _words(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return "  ".join(part for part in (place, finding.message, finding.rule) if part)


def _draw_hint(given: Given, target: Console, which: str = "") -> None:
    head = Text.assemble("\n", (which or given.title, "bold"))
    target.print(head.append(f"  {given.meant}" if given.meant else "", style="dim"))
    target.print(_indented(given.text))


def _draw_again(advice: Advice, target: Console) -> None:
    """Tell the used hints that were written for this very failure: it may be back, days later."""
    for given in advice.used:
        if given.answers:
            _draw_hint(given, target, "once more")


def _draw_the_end(advice: Advice, target: Console) -> None:
    """Say what is left where all hints are used."""
    _draw_again(advice, target)
    target.print(Text("\nThere is no further hint for this. What is left:"))
    for what, where in _left(advice):
        target.print(_indented(f"{what}: {where}"))


def _left(advice: Advice) -> Iterator[tuple[str, str]]:
    """Yield what a learner can turn to besides the hints."""
    if advice.task.outcome is not Outcome.FAIL:
        return
    findings = [one for check in advice.failed for one in check.verdict.findings]
    for rule, url in dict.fromkeys((one.rule, one.url) for one in findings if one.url):
        yield f"the page of {rule}" if rule else "read", str(url)
    for kind in dict.fromkeys(check.kind for check in advice.failed):
        yield "what is verified, and how", f"devlab lab kinds {kind}"
    if advice.used:
        yield "the hints again", f"devlab hint {advice.task.id} --all"
    yield "the answer, as a diff", f"devlab solution {advice.task.id} --give-up"


def _indented(text: str) -> Padding:
    return Padding(Text(sanitize_line(text, _HINT_LIMIT)), (0, 0, 0, 2), expand=False)
