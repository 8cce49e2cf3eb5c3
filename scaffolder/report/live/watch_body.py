"""What stands in the middle of watch's screen: the failure, the finish, or what was asked for."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from scaffolder.core.text import sanitize_line
from scaffolder.model import Problem
from scaffolder.report import terminal
from scaffolder.report.details import list_causes
from scaffolder.report.finish import format_finish
from scaffolder.report.instructions import format_instructions
from scaffolder.report.live.watch import Choice, Page, Question, Watch

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def format_body(watch: Watch, target: Console, *, next_first: bool = False) -> RenderableType:
    """Return what the state has to show; `next_first` puts what to do before its grounds."""
    page = watch.page
    if isinstance(page, Choice):
        return _choice(page)
    if isinstance(page, Question):
        answer = Text("\ny  yes      n  no", style="bold")
        return Group(Text(sanitize_line(page.title), style="bold"), _text(page.text), answer)
    if isinstance(page, Page):
        text = format_instructions(page.text) if page.key == "i" else _text(page.text)
        parts: list[RenderableType] = [Text(sanitize_line(page.title), style="bold"), text]
        if page.key == "h":
            parts += ["", _failure(watch, target, next_first=next_first)]
        return Group(*parts)
    return _failure(watch, target, next_first=next_first)


def _choice(choice: Choice) -> RenderableType:
    rows = [
        Text(f"{'>' if index == choice.index else ' '} {sanitize_line(option)}")
        for index, option in enumerate(choice.options)
    ]
    rows[choice.index].stylize("reverse")
    # What is chosen stays in sight, however many there are.
    return Group(Text(sanitize_line(choice.title), style="bold"), *rows[max(0, choice.index - 3) :])


def _text(text: str) -> RenderableType:
    """Return a text of somebody's, its lines wrapped, those of a diff coloured."""
    is_diff = text.startswith("--- ") or "\n--- " in text
    return Group(
        *(
            Text(sanitize_line(line, 2000), style=_DIFF_STYLES.get(line[:1], "") if is_diff else "")
            for line in text.splitlines()
        )
    )


def _failure(watch: Watch, target: Console, *, next_first: bool) -> RenderableType:
    if watch.problem is not None:
        return format_problem(watch.problem)
    news = _news(watch, target)
    if not watch.focus:
        return Group(*news, _nothing_fails(watch))
    blocks = news
    if watch.focus in watch.unsure and watch.active and watch.focus in watch.results:
        blocks.append(Text("from before this save; it is checked again", style="dim"))
    problems = [(task.id, one) for task in watch.lab.tasks for one in watch.problems_of(task.id)]
    for verdict, checks in list_causes(problems):
        if any(task == watch.focus for task, _ in checks):
            blocks.append(
                terminal.format_checks(watch.focus, verdict, checks, target, next_first=next_first)
            )
            blocks.append("")
    return Group(*blocks[:-1])


def _news(watch: Watch, target: Console) -> list[RenderableType]:
    """Return what the last check proved for the first time, until the next one is under way."""
    if watch.active or watch.report is None or not watch.report.news.proved:
        return []
    return [terminal.format_first_passes(watch.report.news, target), ""]


def format_problem(what: Problem) -> RenderableType:
    """Return why nothing can be checked, and what to do."""
    parts: list[RenderableType] = [
        Text.assemble(("error: ", "bold red"), sanitize_line(part))
        if number == 0
        else sanitize_line(part)
        for number, part in enumerate(what.message.splitlines())
    ]
    if what.hint:
        parts.append(Padding(_text(what.hint), (0, 0, 0, 2)))
    return Group(*parts)


def _nothing_fails(watch: Watch) -> RenderableType:
    if watch.unsure:
        return Text("Nothing fails so far.")
    report = watch.report
    if report is not None and report.finish is not None:
        return format_finish(report.finish, report.score.total, report.news.next)
    return Text(f"Everything passes: all {watch.score.gradable} points. q ends.")
