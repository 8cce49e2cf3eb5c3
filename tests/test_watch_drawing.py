"""What watch draws, at the widths and heights that people have."""

from __future__ import annotations

import io
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from scaffolder.model import (
    CheckResult,
    Evidence,
    Finding,
    Finish,
    FirstPass,
    News,
    NextLab,
    Outcome,
    PointChange,
    Problem,
    Report,
    TaskResult,
    Verdict,
)
from scaffolder.model.events import CheckSaid, CheckStarted
from scaffolder.report.live.watch import (
    Choice,
    Ended,
    Failed,
    Page,
    Pressed,
    Question,
    ResetFile,
    Saved,
    Shown,
    Told,
    Watch,
)
from scaffolder.report.live.watch_screen import Frame, WatchLines, make_frame
from tests.test_watch_state import B, F, P, U, after, checked, report, started

SIZES = [(80, 24), (50, 20), (30, 15), (100, 40), (20, 8), (9, 3), (1, 1)]
TASKS = {"lints": P, "builds": F, "stops-gracefully": B, "is-scanned": U, "last": F}


def console(width: int = 80, height: int = 24, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(
        file=file,
        width=width,
        height=height,
        force_terminal=True,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=True,
    )


def drawn(watch: Watch, width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    return text(make_frame(watch, console(width, height, encoding), 10.0))


def text(made: Frame) -> list[str]:
    return ["".join(segment.text for segment in line) for line in made.lines]


def failing(message: str, findings: int = 1) -> Watch:
    """Return a state in which the first task fails with a verdict that tells a lot."""
    verdict = Verdict(
        Outcome.FAIL,
        message,
        tuple(Finding(f"thing {number}", path="app.py", line=3) for number in range(findings)),
        Evidence("a command", "this", "that", tuple(f"log {number}" for number in range(30))),
        hint="do better",
    )
    check = CheckResult("a-check", "test.ends", verdict, 0.1)
    tasks = (
        TaskResult("a", "The task a", 10, F, (check,)),
        TaskResult("b", "", 10, B, (), "needs a, which did not pass"),
    )
    return after(started("a", "b"), Ended(1, Report("tested", "1", "A lab", "", tasks, 1.0)))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_frame_fills_the_screen_and_no_more(width: int, height: int, encoding: str) -> None:
    for watch in (
        started("a"),
        checked(**TASKS),
        failing("wide 漢字 and narrow\x1b[2J\n" * 20),
        after(started("a"), Failed(1, Problem("broken\nbadly", hint="mend it"))),
        after(started("a"), Shown(Page("title", "words " * 300))),
        after(started("a"), Shown(Choice("which?", tuple(f"file {n}" for n in range(50)), 40))),
        after(started("a"), Shown(Question("sure?", "--- a\n+++ b\n-x\n+y\n", ResetFile("x")))),
    ):
        lines = drawn(watch, width, height, encoding)
        assert len(lines) == height
        assert {cell_len(line) for line in lines} == {width}
        assert not any("\x1b" in line or "\n" in line for line in lines)
        for line in lines:
            line.encode(encoding)


@given(st.text(max_size=200), st.sampled_from(SIZES))
def test_no_words_of_a_learner_break_the_screen(words: str, size: tuple[int, int]) -> None:
    width, height = size
    watch = after(failing(words), Saved((words,), frozenset({"a"})))
    watch = after(watch, Told(2, CheckSaid("a", "a-check", words), 1.0))
    lines = drawn(watch, width, height)
    assert len(lines) == height
    assert not any(unicodedata.category(one) in ("Cc", "Cf") for line in lines for one in line)


def test_it_shows_the_tasks_the_failure_and_the_keys() -> None:
    lines = drawn(failing("It is red."))
    whole = "\n".join(lines)
    assert lines[0].startswith("A lab")
    assert lines[0].rstrip().endswith("0 of 20 points")
    assert lines[1].startswith("✗ a  The task a")
    assert lines[2].startswith("∙ b  needs a, which did not pass")
    for words in ("It is red.", "app.py:3", "thing 0", "a command", "| log 0", "↑ ↓ to scroll"):
        assert words in whole, words
    assert "h hint" in lines[-1]
    assert "q quit" in lines[-1]


def test_all_of_a_long_failure_can_be_scrolled_to() -> None:
    watch, seen = failing("It is red.", findings=5), ""
    for _ in range(20):
        made = make_frame(watch, console(), 0.0)
        seen += "\n".join(text(made))
        watch = after(watch, Pressed("pagedown", made.rows, made.last))
    assert all(f"| log {number}" in seen for number in range(30))
    assert "next  do better" in seen
    assert make_frame(watch, console(), 0.0).last == watch.offset


def test_what_to_do_next_stands_behind_the_message_only_where_not_all_fits() -> None:
    low, high = "\n".join(drawn(failing("It is red."))), "\n".join(drawn(failing("Red."), 80, 60))
    assert low.index("It is red.") < low.index("next  do better") < low.index("thing 0")
    assert low.count("do better") == 1
    assert high.index("| log 29") < high.index("next  do better")


@pytest.mark.parametrize("height", [18, 24, 40])
def test_the_failure_has_the_lines_that_nothing_runs_in(height: int) -> None:
    watch = failing("It is red.", findings=40)
    idle = make_frame(watch, console(80, height), 10.0)
    again = after(watch, Saved(("x",), frozenset({"a"})))
    runs = [make_frame(again, console(80, height), 10.0)]
    for number in range(5):
        again = after(again, Told(2, CheckStarted("a", f"check-{number}"), 4.0))
        runs.append(make_frame(again, console(80, height), 10.0))
    assert "to scroll" in text(idle)[-3]
    assert {made.rows for made in runs} == {runs[0].rows}
    assert idle.rows > runs[0].rows


def test_a_title_is_cut_and_left_out_only_where_it_would_say_nothing() -> None:
    title = "The task stops-gracefully"
    assert f"✗ stops-gracefully  {title}  " in drawn(checked(**{"stops-gracefully": F}), 80)[1]
    assert (
        "✗ stops-gracefully  The task stops-graceful… 0/10"
        in (drawn(checked(**{"stops-gracefully": F}), 49)[1])
    )
    narrow = drawn(checked(**{"stops-gracefully": F}), 30)[1]
    assert narrow.split() == ["✗", "stops-gracefully", "0/10"]


def test_how_long_it_took_is_no_time_ago() -> None:
    assert drawn(checked(a=F))[-2].startswith("checked, took 1.0 s; waiting for a save")
    watch = after(checked(a=F), Saved(("app.py",), frozenset({"a"})))
    watch = after(watch, Ended(2, replace_seconds(checked(a=F), 9.0)))
    assert drawn(watch)[-2].startswith("saved: app.py; checked, took 9.0 s; waiting")


def test_a_low_terminal_has_one_line_for_the_tasks() -> None:
    lines = drawn(checked(**TASKS), 50, 10)
    assert lines[1].startswith("✓✗∙?✗ builds")
    assert drawn(checked(**TASKS), 50, 10, "ascii")[1].startswith("ok FAIL - ? FAIL builds")


def test_what_is_not_settled_is_never_drawn_as_a_verdict() -> None:
    watch = after(checked(a=P, b=P, c=F), Saved(("x\ny",), frozenset({"b", "c"})))
    watch = after(watch, Told(2, CheckStarted("b", "b-check"), 4.0))
    lines = drawn(watch)
    assert [line[:3] for line in lines[1:4]] == ["✓ a", "▸ b", "○ c"]
    assert "checking, 1 of 3" in lines[0]
    assert "points" not in lines[0]
    assert lines[2].rstrip().endswith("-/10")
    assert any("6 s b · b-check" in line for line in lines)
    assert any("from before this save" in line for line in lines)
    assert not any("x\ny" in line for line in lines)


def test_what_runs_is_told_with_seconds_and_more_is_counted() -> None:
    watch = started(*"abcdef")
    for number, task in enumerate("abcdef"):
        watch = after(watch, Told(1, CheckStarted(task, f"{task}-check"), float(number)))
    tall = drawn(watch, 80, 40)
    assert any("10 s a · a-check" in line for line in tall)
    assert any("and 3 more" in line for line in tall)
    assert any("10 s (+5) a · a-check" in line for line in drawn(watch, 50, 15))


def test_a_pass_of_everything_is_said() -> None:
    whole = "\n".join(drawn(checked(a=P, b=P)))
    assert "Everything passes: all 20 points" in whole
    assert "20 of 20 points" in whole


def test_a_broken_workspace_says_what_to_do() -> None:
    whole = "\n".join(drawn(after(checked(a=P), Failed(1, Problem("broken", hint="mend it")))))
    assert "error: broken" in whole
    assert "mend it" in whole
    assert "cannot check" in whole


def test_a_hint_stands_above_its_failure_and_a_page_alone() -> None:
    hint = "\n".join(drawn(after(failing("It is red."), Shown(Page("hint 1 of 2", "look", "h")))))
    assert hint.index("hint 1 of 2") < hint.index("It is red.")
    page = "\n".join(drawn(after(failing("It is red."), Shown(Page("Solution", "diff")))))
    assert "It is red." not in page
    assert "esc back" in page


def test_the_file_that_is_chosen_is_in_sight() -> None:
    options = tuple(f"file {number}\n" for number in range(50))
    lines = drawn(after(started("a"), Shown(Choice("which?", options, 40))), 50, 12)
    assert any(line.startswith("> file 40\\n") for line in lines)


@pytest.mark.parametrize("width", [80, 50, 30])
def test_the_keys_fit(width: int) -> None:
    line = drawn(checked(a=F), width)[-1]
    assert line.startswith("h hint  n next")
    page = drawn(after(checked(a=F), Shown(Page("title", "text"))), width)[-1]
    assert page.startswith("esc back")
    for keys in (line, page):
        assert "…" not in keys
        assert "? help" in keys
        assert all(len(key.split()) == 2 for key in keys.strip().split("  "))


def with_news(made: Report, news: News, finish: Finish | None = None) -> Watch:
    tasks = [task.id for task in made.tasks]
    told = msgspec.structs.replace(made, news=news, finish=finish)
    return after(started(*tasks), Ended(1, told))


NEWS = News((PointChange("a", 10), PointChange("b", -5)), (FirstPass("a", "It \x1b holds."),))


def test_what_is_new_stands_above_the_failure_until_the_next_check() -> None:
    watch = with_news(report(a=P, b=F), NEWS)
    whole = "\n".join(drawn(watch))
    assert whole.index("a passes for the first time: It \\x1b holds.") < whole.index("said")
    assert "+10 a, -5 b; checked" in drawn(watch)[-2]
    saved = after(watch, Saved(("x",), frozenset({"b"})))
    assert "first time" not in "\n".join(drawn(saved))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_finish_takes_the_place_of_the_failure(width: int, height: int) -> None:
    finish = Finish(proved="You did it. " * 20, at_work="Everywhere.")
    news = News(next=NextLab("Another lab", "cd .. && devlab new another-one"))
    watch = with_news(report(a=P, b=P), news, finish)
    lines = drawn(watch, width, height)
    assert len(lines) == height
    assert {cell_len(line) for line in lines} == {width}
    if (width, height) == (80, 24):
        whole = "\n".join(lines)
        for words in ("all 20 points", "What you proved: You", "At work:", "devlab new another"):
            assert words in whole
    assert "What you proved" not in "\n".join(drawn(after(watch, Saved(("x",), frozenset({"a"})))))


def test_one_cause_is_shown_once_with_the_tasks_that_it_stops() -> None:
    def red(task: str, *names: str) -> TaskResult:
        checks = tuple(
            CheckResult(name, "k", Verdict(F, f"{name} is red", because="It is red already."), 0.1)
            for name in names
        )
        return TaskResult(task, task, 10, F, checks)

    tasks = (red("a", "one", "two"), red("b", "three"), red("c", "four"))
    made = Report("tested", "1", "A lab", "", tasks, 1.0)
    whole = "\n".join(drawn(after(started("a", "b", "c"), Ended(1, made))))
    assert whole.count("It is red already.") == 1
    assert "stops as well  b, c" in whole
    assert "a · one" in whole
    assert "a · two" in whole
    assert "b · three" not in whole
    assert "one is red" not in whole


def test_instructions_are_drawn_and_can_be_left() -> None:
    text = "Read [the page](https://example.org/a) and\nwrite **it** `down`.\n\x1b[2J\n"
    lines = drawn(after(checked(a=F), Shown(Page("a: The task", text, "i"))), 50)
    whole = "\n".join(lines)
    assert "Read the page (https://example.org/a) and write" in whole
    assert "\x1b" not in whole
    assert "said" not in whole
    assert lines[-1].startswith("esc back")


def lines_of(*states: Watch) -> str:
    target = Console(file=io.StringIO(), width=80, markup=False, highlight=False)
    front = WatchLines(target)
    for state in states:
        front.show(state, 0.0)
    return target.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_without_a_terminal_a_report_is_printed_once_for_each_run() -> None:
    first = checked(a=F, b=P)
    saved = after(first, Saved(("x\x1b",), frozenset({"a"})))
    same = after(saved, Ended(2, replace_seconds(first, 9.0)))
    told = lines_of(started("a", "b"), first, first, saved, same)
    assert told.count("10 of 20 points") == 2
    assert told.count("said") == 1
    assert "saved: x\\x1b" in told
    assert "as before: 10 of 20 points" in told
    assert "\x1b" not in told
    assert not told.startswith("\n")
    assert told == "".join(f"{line.rstrip()}\n" for line in told.splitlines())


def test_without_a_terminal_trouble_is_printed_once() -> None:
    broken = after(started("a"), Failed(1, Problem("broken", hint="mend it")))
    told = lines_of(started("a"), broken, broken)
    assert told.count("error: broken") == 1
    assert told.count("mend it") == 1
    assert told == "".join(f"{line.rstrip()}\n" for line in told.splitlines())


def replace_seconds(watch: Watch, seconds: float) -> Report:
    import msgspec

    assert watch.report is not None
    return msgspec.structs.replace(watch.report, seconds=seconds)
