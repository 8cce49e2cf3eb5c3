"""The report and its progress as a person sees them, at the widths that people have."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console, Group, RenderableType

from scaffolder.model import CheckResult, Evidence, Outcome, Report, TaskResult, Verdict
from scaffolder.model.events import CheckEnded, CheckSaid, TaskEnded
from scaffolder.report import terminal
from scaffolder.report.live.progress import Checks, _running, choose_display

SAYS = "sending SIGTERM while a request is in flight"


def screen(width: int, *, live: bool = True) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=live,
        color_system=None,
        markup=False,
        highlight=False,
        legacy_windows=False,
    )


def format_one(task: str, check: CheckResult, target: Console) -> RenderableType:
    return terminal.format_checks(task, check.verdict, [(task, check)], target)


def shown(target: Console) -> list[str]:
    return target.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def result(
    outcome: Outcome = Outcome.FAIL, *, log: Sequence[str] = (), kind: str = "dockerfile.lint"
) -> CheckResult:
    verdict = Verdict(outcome, "It is red.", evidence=Evidence(log=tuple(log)))
    return CheckResult("finishes-request-then-ends", kind, verdict, 3.4, cached=True)


def report(check: CheckResult, heading: str = "A lab") -> Report:
    task = TaskResult("stops-gracefully", "It stops", 10, check.verdict.outcome, (check,))
    return Report("tested", "1", heading, "", (task,), 12.3)


@pytest.mark.parametrize("width", range(40, 90))
def test_what_is_wrapped_stands_below_the_text_and_numbers_keep_their_unit(width: int) -> None:
    target = screen(width, live=False)
    target.print(format_one("stops-gracefully", result(), target))
    head = shown(target)[: shown(target).index("  It is red.")]
    assert all(line.startswith("  ") for line in head[1:])
    assert "3.4 s" in "\n".join(head)
    assert " ".join(" ".join(head).split()).endswith("dockerfile.lint, 3.4 s, as before")
    assert len([line for line in head if "as before" in line]) == 1


@pytest.mark.parametrize("width", range(20, 60))
def test_the_seconds_of_the_last_line_stay_with_their_number(width: int) -> None:
    target = screen(width, live=False)
    terminal.draw(report(result(), "A lab with a title"), target)
    assert "12.3 s" in "\n".join(shown(target))


def test_each_line_of_a_log_has_its_mark() -> None:
    target = screen(50, live=False)
    check = result(log=["word " * 30, "x" * 100])
    target.print(format_one("a", check, target))
    lines = [line for line in shown(target) if "word" in line or "xx" in line]
    assert len(lines) > 6
    assert {line.index("| ") for line in lines} == {lines[0].index("| ")}
    assert sum(line.count("x") for line in lines) == 100


def test_what_several_checks_say_alike_is_said_once_below_all_their_names() -> None:
    no_engine = Verdict(Outcome.UNAVAILABLE, "No engine answers.", hint="start one")
    tasks = [
        TaskResult(name, name, 5, verdict.outcome, (CheckResult(f"of-{name}", "k", verdict, 1.0),))
        for name, verdict in (
            ("one", no_engine),
            ("two", Verdict(Outcome.FAIL, "It is red.")),
            ("three", no_engine),
            ("four", Verdict(Outcome.UNAVAILABLE, "No engine answers.", hint="start another")),
        )
    ]
    text = terminal.render(Report("tested", "1", "A lab", "", tuple(tasks), 1.0))
    blocks = [block.splitlines() for block in text.split("\n\n")]
    assert [line.split("  ")[0] for line in blocks[0][:2]] == [
        "? one · of-one",
        "? three · of-three",
    ]
    assert blocks[0][2:] == ["  No engine answers.", "  next  start one"]
    assert blocks[1][0].startswith("✗ two")
    assert blocks[2][-1] == "  next  start another"


def test_what_stops_several_checks_is_said_once_in_words_that_fit_all() -> None:
    def red(name: str, hint: str = "") -> CheckResult:
        verdict = Verdict(
            Outcome.FAIL,
            f"{name} is not shown",
            evidence=Evidence(log=(f"the log of {name}",)),
            hint=hint,
            because="It is red already.",
        )
        return CheckResult(name, "k", verdict, 1.0)

    tasks = (
        TaskResult("a", "a", 5, Outcome.FAIL, (red("one"), red("two"))),
        TaskResult("b", "b", 5, Outcome.FAIL, (red("three", "read it"),)),
    )
    text = terminal.render(Report("tested", "1", "A lab", "", tasks, 1.0))
    block = text.split("\n\n")[0].splitlines()
    assert [line.split("  ")[0] for line in block[:3]] == ["✗ a · one", "✗ a · two", "✗ b · three"]
    assert block[3:] == ["  It is red already.", "  log  | the log of one", "  next  read it"]
    alone = terminal.render(Report("tested", "1", "A lab", "", tasks[1:], 1.0))
    assert "three is not shown" in alone


def test_a_text_for_a_file_begins_with_words_and_has_no_blanks_at_line_ends() -> None:
    text = terminal.render(report(result(log=["one"])))
    assert text.startswith("✗ stops-gracefully")
    assert text == "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def told(target: Console, *events: object) -> list[str]:
    with choose_display(target, Checks(), quiet=False) as listen:
        for event in events:
            listen(event)
    return shown(target)


WITHHELD = TaskEnded(TaskResult("b", "", 10, Outcome.BLOCKED, (), "needs a"))


def test_a_terminal_keeps_no_line_of_what_the_table_lists() -> None:
    events = (CheckEnded("a", result(Outcome.PASS)), WITHHELD, CheckEnded("c", result()))
    lines = "\n".join(told(screen(80), *events))
    assert "c · finishes" in lines
    assert "a · finishes" not in lines
    assert "needs a" not in lines


def test_a_pipe_gets_a_line_of_everything_however_long() -> None:
    task = "a-" * 60
    events = (CheckEnded(task, result(Outcome.PASS)), WITHHELD)
    assert told(screen(50, live=False), *events) == [
        f"✓ {task} · finishes-request-then-ends  3.4 s, as before",
        "∙ b  needs a",
    ]


@pytest.mark.parametrize("width", [50, 60])
def test_a_line_that_is_too_long_is_cut_in_its_middle(width: int) -> None:
    line = Checks().line(CheckEnded("stops-gracefully", result()), screen(width))
    assert line is not None
    assert line.cell_len == width
    assert line.plain.startswith("✗ stops-gracefully · finish")
    assert line.plain.endswith("…  3.4 s, as before")


@pytest.mark.parametrize(
    ("width", "begins"),
    [
        (120, f" 12 s stops-gracefully · finishes-request-then-ends  {SAYS}"),
        (80, f" 12 s finishes-request-then-ends  {SAYS}"),
        (50, " 12 s finishes-request-then-ends  sending"),
    ],
)
def test_what_runs_has_its_seconds_first_and_room_for_its_words(width: int, begins: str) -> None:
    step = Checks().step(CheckSaid("stops-gracefully", "finishes-request-then-ends", SAYS))
    assert step is not None
    line = _running(step, 12.0, width)
    target = screen(width - 2)
    target.print(Group(line))
    (drawn,) = shown(target)
    assert drawn.startswith(begins)
    assert drawn.rstrip().endswith((SAYS, "…"))


@pytest.mark.parametrize("width", [44, 50, 60, 100])
def test_no_word_of_the_table_of_tasks_is_broken(width: int) -> None:
    title = "Authentication understands misconfigured intermediaries"
    ended = TaskResult("red-on-a-failing-dependency", title, 10, Outcome.PASS, ())
    target = screen(width, live=False)
    terminal.draw(Report("tested", "1", "A lab", "", (ended,), 1.0), target)
    table = "\n".join(shown(target))
    assert {"red-on-a-failing-dependency", *title.split()} <= set(table.split())
    assert max(map(len, shown(target))) <= width
