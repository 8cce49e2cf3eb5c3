"""What watch knows and does, event by event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.model import (
    CheckResult,
    CheckSpec,
    Lab,
    Outcome,
    Problem,
    Report,
    Task,
    TaskResult,
    Verdict,
)
from scaffolder.model.events import CheckEnded, CheckSaid, CheckStarted, Event, TaskEnded
from scaffolder.report.live import watch
from scaffolder.report.live.watch import (
    KEYS,
    Choice,
    Effect,
    Ended,
    Failed,
    Grade,
    LabRead,
    Leave,
    ListChanged,
    Page,
    Pressed,
    PreviewReset,
    Question,
    ResetFile,
    Resumed,
    Running,
    Saved,
    Shown,
    ShowSolution,
    ShowTask,
    TakeHint,
    Told,
    Watch,
    begin_watch,
    update_watch,
)


def lab(*ids: str, title: str = "A lab") -> Lab:
    tasks = tuple(
        Task(one, f"The task {one}", 10, (CheckSpec(f"{one}-check", "test.ends", None, 60.0),))
        for one in ids
    )
    return Lab("tested", "1", title, "", "", "", 1, (), "tiny", tasks, Path("lab"))


def result(task: str, outcome: Outcome) -> TaskResult:
    if outcome is Outcome.BLOCKED:
        return TaskResult(task, "", 10, outcome, (), "needs a, which did not pass")
    return TaskResult(task, "", 10, outcome, (check(task, outcome),))


def check(task: str, outcome: Outcome) -> CheckResult:
    return CheckResult(f"{task}-check", "test.ends", Verdict(outcome, "said"), 0.1)


def report(**outcomes: Outcome) -> Report:
    tasks = tuple(result(task, outcome) for task, outcome in outcomes.items())
    return Report("tested", "1", "A lab", "", tasks, 1.0)


P, F, B, U, E = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.BLOCKED,
    Outcome.UNAVAILABLE,
    Outcome.ERROR,
)


def after(watch: Watch, *events: watch.Event) -> Watch:
    for event in events:
        watch, _ = update_watch(watch, event)
    return watch


def started(*ids: str) -> Watch:
    return begin_watch(lab(*ids))[0]


def checked(**outcomes: Outcome) -> Watch:
    return after(started(*outcomes), Ended(1, report(**outcomes)))


def press(watch: Watch, keys: str) -> tuple[Watch, list[Effect]]:
    effects: list[Effect] = []
    for key in keys.split():
        watch, more = update_watch(watch, Pressed(key, rows=5, last=20))
        effects += more
    return watch, effects


def test_it_begins_with_a_check_of_everything() -> None:
    watch, effects = begin_watch(lab("a", "b"))
    assert effects == (Grade(1),)
    assert watch.active
    assert watch.unsure == {"a", "b"}
    assert watch.outcome is U


def test_a_run_is_told_as_it_goes() -> None:
    watch = after(started("a", "b"), Told(1, CheckStarted("a", "a-check"), 5.0))
    assert watch.running[("a", "a-check")].since == 5.0
    watch = after(watch, Told(1, CheckSaid("a", "a-check", "building"), 6.0))
    assert watch.running[("a", "a-check")] == Running(5.0, "building")
    watch = after(watch, Told(1, CheckEnded("a", check("a", F)), 7.0))
    assert not watch.running
    # The failure is shown before its task has ended.
    assert watch.focus == "a"
    assert watch.unsure == {"a", "b"}
    watch = after(watch, Told(1, TaskEnded(result("a", F)), 7.0))
    assert watch.unsure == {"b"}
    assert watch.outcome is F
    watch = after(watch, Ended(1, report(a=F, b=P)))
    assert not watch.active
    assert not watch.unsure
    assert (watch.score.earned, watch.score.gradable) == (10, 20)


def test_a_save_checks_again_and_doubts_only_what_it_touches() -> None:
    watch, effects = update_watch(checked(a=P, b=F), Saved(("app.py",), frozenset({"b"})))
    assert effects == (Grade(2),)
    assert watch.unsure == {"b"}
    assert watch.focus == "b"
    # What was said before is still there to read, and not counted.
    assert watch.outcome is U
    assert after(watch, Ended(2, report(a=P, b=P))).outcome is P


def test_what_an_older_run_still_says_is_not_heard() -> None:
    watch = after(started("a"), Saved(("x",), frozenset({"a"})))
    for event in (
        Told(1, CheckStarted("a", "a-check"), 1.0),
        Told(1, TaskEnded(result("a", P)), 1.0),
        Ended(1, report(a=P)),
        Failed(1, Problem("broken")),
        LabRead(1, lab("other")),
    ):
        assert update_watch(watch, event) == (watch, ())


def test_a_save_in_the_middle_leaves_what_was_not_settled_in_doubt() -> None:
    watch = after(
        started("a", "b", "c"),
        Told(1, TaskEnded(result("a", P)), 1.0),
        Told(1, CheckStarted("b", "b-check"), 1.0),
        Saved(("x",), frozenset({"c"})),
    )
    assert watch.unsure == {"b", "c"}
    assert not watch.running


def test_a_save_that_nothing_reads_lets_a_run_go_on_and_looks_again_after_it() -> None:
    watch, effects = update_watch(started("a"), Saved(("notes",), frozenset()))
    assert effects == ()
    assert watch.run == 1
    watch, effects = update_watch(watch, Ended(1, report(a=P)))
    assert effects == (Grade(2),)
    assert not watch.unsure
    assert update_watch(watch, Ended(2, report(a=P)))[1] == ()


def test_a_save_that_nothing_reads_doubts_nothing() -> None:
    watch, effects = update_watch(checked(a=P), Saved(("notes",), frozenset()))
    assert effects == (Grade(2),)
    assert watch.outcome is P


@pytest.mark.parametrize(
    ("outcomes", "failing"),
    [
        ({"a": P, "b": P}, ()),
        ({"a": F, "b": B}, ("a",)),
        ({"a": U, "b": F, "c": E, "d": F}, ("b", "d", "c", "a")),
    ],
)
def test_fails_come_first_and_what_only_waits_is_not_shown(
    outcomes: dict[str, Outcome], failing: tuple[str, ...]
) -> None:
    watch = checked(**outcomes)
    assert watch.failing == failing
    assert watch.focus == (failing[0] if failing else "")


def test_n_goes_round_and_the_choice_holds_until_it_passes() -> None:
    watch = checked(a=F, b=P, c=F)
    seen = []
    for _ in range(3):
        watch, _ = press(watch, "n")
        seen.append(watch.focus)
    assert seen == ["c", "a", "c"]
    watch = after(watch, Saved(("x",), frozenset({"c"})), Ended(2, report(a=F, b=P, c=F)))
    assert watch.focus == "c"
    watch = after(watch, Saved(("x",), frozenset({"c"})), Ended(3, report(a=F, b=P, c=P)))
    assert watch.focus == "a"
    assert press(checked(a=P), "n") == (checked(a=P), [])


def test_checks_of_an_earlier_run_are_gone_when_the_task_is_blocked() -> None:
    watch = checked(a=P, b=F)
    watch = after(watch, Saved((), frozenset({"a", "b"})), Ended(2, report(a=F, b=B)))
    assert watch.problems_of("b") == ()
    assert watch.failing == ("a",)


def test_a_checks_everything_afresh() -> None:
    watch, effects = press(checked(a=P, b=F), "a")
    assert effects == [Grade(2, afresh=True)]
    assert watch.unsure == {"a", "b"}


def test_after_ctrl_z_everything_is_looked_at() -> None:
    watch, effects = update_watch(checked(a=P), Resumed())
    assert effects == (Grade(2),)
    assert watch.unsure == {"a"}


def test_a_broken_workspace_is_told_until_a_run_works_again() -> None:
    watch = after(checked(a=P), Saved(("x",), frozenset()), Failed(2, Problem("broken")))
    assert watch.problem == Problem("broken")
    assert not watch.active
    assert watch.outcome is U
    # The lab may be what was broken.
    watch, effects = update_watch(watch, Saved(("x",), frozenset()))
    assert effects == (Grade(3, lab=True),)
    assert after(watch, Ended(3, report(a=P))).problem is None


def test_a_lab_that_changes_is_read_again_and_nothing_of_the_old_one_stays() -> None:
    watch, effects = update_watch(checked(a=F), Saved((), frozenset(), lab=True))
    assert effects == (Grade(2, lab=True),)
    fresh = after(watch, LabRead(2, lab("b", title="New")))
    assert fresh.lab.title == "New"
    assert fresh.failing == ()
    assert fresh.unsure == {"b"}
    assert fresh.run == 2
    assert after(watch, LabRead(2, watch.lab)) == watch


def test_q_leaves_and_the_outcome_tells_how() -> None:
    assert press(checked(a=P), "q")[1] == [Leave()]
    assert checked(a=P, b=U).outcome is U
    assert checked(a=P, b=F).outcome is F
    assert after(checked(a=P), Saved(("x",), frozenset({"a"}))).outcome is U
    assert after(checked(a=F, b=P), Saved(("x",), frozenset({"b"}))).outcome is F


def test_h_asks_for_the_hint_of_what_fails_now() -> None:
    _, (effect,) = press(checked(a=P, b=F, c=B), "h")
    assert isinstance(effect, TakeHint)
    assert effect.task == "b"
    assert [task.outcome for task in effect.report.tasks] == [P, F, B]
    watch, effects = press(checked(a=P), "h")
    assert effects == []
    assert isinstance(watch.page, Page)


def test_a_hint_for_a_task_that_has_not_ended_knows_what_failed_of_it() -> None:
    watch = after(started("a"), Told(1, CheckEnded("a", check("a", F)), 7.0))
    _, (effect,) = press(watch, "h")
    assert isinstance(effect, TakeHint)
    assert effect.report.tasks[0].checks == (check("a", F),)


def test_after_a_save_no_hint_answers_what_failed_before_it() -> None:
    saved = after(checked(a=P, b=F), Saved(("x",), frozenset({"b"})))
    _, (effect,) = press(saved, "h")
    assert isinstance(effect, TakeHint)
    assert effect.report.tasks[1].checks == ()
    again = after(saved, Told(2, CheckEnded("b", check("b", F)), 7.0))
    _, (effect,) = press(again, "h")
    assert isinstance(effect, TakeHint)
    assert effect.report.tasks[1].checks == (check("b", F),)
    untouched = after(checked(a=P, b=F), Saved(("x",), frozenset({"a"})))
    _, (effect,) = press(untouched, "h")
    assert isinstance(effect, TakeHint)
    assert effect.report.tasks[1].checks == (check("b", F),)


def test_i_asks_for_the_instructions_of_what_is_shown_or_comes_first() -> None:
    assert press(checked(a=P, b=F, c=F), "i")[1] == [ShowTask("b")]
    assert press(started("a", "b"), "i")[1] == [ShowTask("a")]
    assert press(checked(a=P, b=P), "i")[1] == [ShowTask("b")]
    page = after(checked(a=F), Shown(Page("a", "what to do", "i")))
    assert press(page, "i") == (replace(page, page=None), [])


def test_a_hint_is_put_away_when_nothing_is_left_of_what_it_was_for() -> None:
    hint = Page("hint 1 of 2", "look", "h", "b", frozenset({("b-check", "said")}))
    watch = after(checked(a=P, b=F), Shown(hint))
    saved = after(watch, Saved(("x",), frozenset({"b"})))
    assert saved.page == hint
    assert after(saved, Ended(2, report(a=P, b=F))).page == hint
    assert after(saved, Ended(2, report(a=F, b=P))).page is None
    assert after(saved, Ended(2, report(a=F, b=B))).page is None
    other = msgspec.structs.replace(check("b", F), verdict=Verdict(F, "something else"))
    moved = report(a=P, b=F)
    moved = replace_task(moved, TaskResult("b", "", 10, F, (other,)))
    assert after(saved, Ended(2, moved)).page is None
    reading = after(saved, Shown(Page("Keys", "q")))
    assert after(reading, Ended(2, report(a=P, b=P))).page == Page("Keys", "q")


def replace_task(whole: Report, task: TaskResult) -> Report:
    tasks = tuple(task if one.id == task.id else one for one in whole.tasks)
    return msgspec.structs.replace(whole, tasks=tasks)


def test_s_asks_first_where_the_task_fails() -> None:
    watch, effects = press(checked(a=F), "s")
    assert effects == []
    assert isinstance(watch.page, Question)
    assert press(watch, "n")[0].page is None
    assert press(watch, "n")[1] == []
    assert press(watch, "y")[1] == [ShowSolution("a")]
    assert press(checked(a=P), "s")[1] == [ShowSolution()]


def test_r_chooses_shows_and_asks() -> None:
    watch, effects = press(checked(a=F), "r")
    assert effects == [ListChanged()]
    watch = after(watch, Shown(Choice("which?", ("x", "y", "z"))))
    assert press(watch, "down enter")[1] == [PreviewReset("y")]
    assert press(watch, "up enter")[1] == [PreviewReset("z")]
    assert press(watch, "j j j enter")[1] == [PreviewReset("x")]
    assert press(watch, "escape enter")[1] == []
    asked = after(watch, Shown(Question("sure?", "diff", ResetFile("y"))))
    assert press(asked, "y")[1] == [ResetFile("y")]
    for no in ("n", "escape", "enter", "q", "h", "a"):
        assert press(asked, no)[1] == []


def test_a_page_closes_and_keys_work_on_it() -> None:
    watch, _ = press(checked(a=F), "?")
    assert isinstance(watch.page, Page)
    assert all(key in watch.page.text for key in KEYS)
    assert press(watch, "escape")[0].page is None
    assert press(watch, "enter")[0].page is None
    assert press(watch, "?")[0].page is None
    assert press(watch, "q")[1] == [Leave()]
    assert press(watch, "x")[0] == watch


def test_scrolling_stays_within_the_text() -> None:
    watch = checked(a=F)
    for keys, offset in [
        ("up", 0),
        ("down down", 2),
        ("pagedown", 4),
        ("end down", 20),
        ("end pageup", 16),
        ("end home", 0),
    ]:
        assert press(watch, keys)[0].offset == offset
    # A screen that grew made the old offset meaningless.
    far = replace(watch, offset=90)
    assert update_watch(far, Pressed("up", rows=5, last=3))[0].offset == 2


def test_the_place_is_kept_while_the_same_failure_is_shown() -> None:
    watch, _ = press(checked(a=F, b=F), "down down")
    again = after(watch, Saved((), frozenset({"a"})), Ended(2, report(a=F, b=F)))
    assert again.offset == 2
    assert after(again, Saved((), frozenset({"a"})), Ended(3, report(a=P, b=F))).offset == 0
    assert press(watch, "n")[0].offset == 0


OUTCOMES = st.sampled_from(list(Outcome))
TASKS = ("a", "b", "c")
RUNS = st.integers(1, 4)


def told(draw: st.DrawFn) -> Event:
    task = draw(st.sampled_from(TASKS))
    return draw(
        st.sampled_from(
            [
                CheckStarted(task, f"{task}-check"),
                CheckSaid(task, f"{task}-check", "words"),
                CheckEnded(task, check(task, draw(OUTCOMES))),
                TaskEnded(result(task, draw(OUTCOMES))),
            ]
        )
    )


@st.composite
def events(draw: st.DrawFn) -> watch.Event:
    page = draw(
        st.sampled_from(
            [Page("t", "x"), Choice("c", ("x", "y")), Question("?", "", ResetFile("x"))]
        )
    )
    keys = [*KEYS, "up", "down", "end", "enter", "escape", "y", "x"]
    touched = draw(st.frozensets(st.sampled_from(TASKS)))
    return draw(
        st.sampled_from(
            [
                Pressed(draw(st.sampled_from(keys)), last=draw(st.integers(0, 9))),
                Saved(("x",), touched, lab=draw(st.booleans())),
                Resumed(),
                LabRead(draw(RUNS), lab("a", "b", "c", title=draw(st.sampled_from("xy")))),
                Told(draw(RUNS), told(draw), 1.0),
                Ended(draw(RUNS), report(**{task: draw(OUTCOMES) for task in TASKS})),
                Failed(draw(RUNS), Problem("broken")),
                Shown(page),
            ]
        )
    )


@given(st.lists(events(), max_size=40))
def test_whatever_happens_no_verdict_is_stale_and_runs_count_up(happening: list[object]) -> None:
    watch, effects = begin_watch(lab(*TASKS))
    for event in happening:
        before = watch
        watch, effects = update_watch(watch, event)  # type: ignore[arg-type]
        runs = [one.run for one in effects if isinstance(one, Grade)]
        assert runs == ([watch.run] if watch.run != before.run else [])
        assert watch.run - before.run in (0, 1)
        # A task is without doubt only by what the present run, or a complete one, said of it.
        assert watch.unsure | set(watch.results) >= set(TASKS)
        if isinstance(event, Saved) and runs:
            assert watch.unsure >= event.touched
        if watch.outcome is Outcome.PASS:
            assert not watch.unsure
            assert not watch.problem
        assert watch.focus in ("", *watch.failing)
        assert watch.active or not watch.running
        assert watch.offset >= 0
