"""What `devlab watch` knows and shows, as one frozen value, and how each event moves it.

`update` is pure: a state and an event in, the next state and what is to be done out. The loop in
`watching/` does it and draws the state with `report/watch`; neither decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from scaffolder import model
from scaffolder.model import (
    CheckEnded,
    CheckResult,
    CheckSaid,
    CheckStarted,
    Lab,
    Outcome,
    Problem,
    Report,
    Score,
    Task,
    TaskResult,
)

_TROUBLE = (Outcome.FAIL, Outcome.ERROR, Outcome.UNAVAILABLE)


@dataclass(frozen=True)
class Running:
    """A check that runs: since when, on the clock of the events, and what it says that it is at."""

    since: float
    text: str = ""


# What covers the failure on the screen.


@dataclass(frozen=True)
class Page:
    """Something to read; `key` is the key that asked for it."""

    title: str
    text: str
    key: str = ""


@dataclass(frozen=True)
class Choice:
    """One of several files, to be reset."""

    title: str
    options: tuple[str, ...]
    index: int = 0


@dataclass(frozen=True)
class Question:
    """Something to read and to answer with yes or no; `then` is done on yes."""

    title: str
    text: str
    then: Effect


# What happens.


@dataclass(frozen=True)
class Saved:
    """Files were saved.

    `paths` is what to tell of it, `touched` the tasks whose verdict may be another now; `lab` says
    that the lab itself changed.
    """

    paths: tuple[str, ...]
    touched: frozenset[str]
    lab: bool = False


@dataclass(frozen=True)
class Resumed:
    """devlab was stopped (Ctrl-Z) and goes on; who knows what happened meanwhile."""


@dataclass(frozen=True)
class LabRead:
    """The lab of a run was read again."""

    run: int
    lab: Lab


@dataclass(frozen=True)
class Told:
    """Grading told something, at a time in seconds on any steady clock."""

    run: int
    event: model.Event
    at: float


@dataclass(frozen=True)
class Ended:
    """A run came to its report."""

    run: int
    report: Report


@dataclass(frozen=True)
class Failed:
    """A run could not be made: the workspace or the lab is broken."""

    run: int
    problem: Problem


@dataclass(frozen=True)
class Shown:
    """What an effect found to show."""

    page: Page | Choice | Question


@dataclass(frozen=True)
class Pressed:
    """A key: a character, or `up`, `down`, `pageup`, `pagedown`, `home`, `end`, `enter`, `escape`.

    `rows` is how many lines of text fit on the screen, `last` the largest offset that makes sense.
    """

    key: str
    rows: int = 10
    last: int = 0


Event = Saved | Resumed | LabRead | Told | Ended | Failed | Shown | Pressed


# What is to be done.


@dataclass(frozen=True)
class Grade:
    """Cancel the run that is under way, if any, and start the one of this number.

    `afresh` asks every check again; `lab` reads the lab again first.
    """

    run: int
    afresh: bool = False
    lab: bool = False


@dataclass(frozen=True)
class TakeHint:
    """Show the next hint for a task that fails as the report says, and remember it."""

    task: str
    report: Report


@dataclass(frozen=True)
class ShowSolution:
    """Show what leads from the learner's files to the reference answer, of a task or of all."""

    task: str = ""


@dataclass(frozen=True)
class ListChanged:
    """Offer the files that differ from the start."""


@dataclass(frozen=True)
class PreviewReset:
    """Show what resetting a file would change, and ask."""

    path: str


@dataclass(frozen=True)
class Reset:
    """Put a file back to the start."""

    path: str


@dataclass(frozen=True)
class Leave:
    """End the program."""


Effect = Grade | TakeHint | ShowSolution | ListChanged | PreviewReset | Reset | Leave


@dataclass(frozen=True)
class Watch:
    """Everything that is known, asked and shown.

    `results` and `checks` hold what grading said last of tasks and of their checks, the latter also
    where the task has not ended; for tasks in `unsure` that may have been before the last save.
    `again` asks for a look once the run that is under way has ended. `report` is the last complete
    one. `chosen` is the failing task that the learner turned to.
    `offset` counts the lines that the text is scrolled by.
    """

    lab: Lab
    run: int = 0
    active: bool = False
    again: bool = False
    results: Mapping[str, TaskResult] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, CheckResult]] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    running: Mapping[tuple[str, str], Running] = field(default_factory=dict)
    report: Report | None = None
    problem: Problem | None = None
    saved: tuple[str, ...] = ()
    chosen: str = ""
    page: Page | Choice | Question | None = None
    offset: int = 0

    @property
    def failing(self) -> tuple[str, ...]:
        """Ids of the tasks that something is to be said about: fails first, then the ungraded."""
        return tuple(
            task.id
            for outcome in _TROUBLE
            for task in self.lab.tasks
            if self._trouble(task) is outcome
        )

    @property
    def focus(self) -> str:
        """The failing task that is shown; nothing where none fails."""
        failing = self.failing
        return self.chosen if self.chosen in failing else next(iter(failing), "")

    @property
    def score(self) -> Score:
        """The points as far as they are known."""
        results = self.results.values()
        ungraded = sum(one.points for one in results if not one.outcome.graded)
        total = self.lab.points
        return Score(sum(one.earned for one in results), total - ungraded, total)

    @property
    def outcome(self) -> Outcome:
        """What the work has come to; what is not checked since the last save is not graded."""
        if self.report is not None and not self.unsure:
            return self.report.outcome
        sure = {one.outcome for task, one in self.results.items() if task not in self.unsure}
        return Outcome.FAIL if Outcome.FAIL in sure else Outcome.UNAVAILABLE

    def problems_of(self, task_id: str) -> tuple[CheckResult, ...]:
        """Return the checks of a task that did not pass, in the lab's order."""
        return tuple(
            result
            for result in self.checks.get(task_id, {}).values()
            if result.verdict.outcome is not Outcome.PASS
        )

    def so_far(self) -> Report:
        """Return what is known as a report; a task that has not ended fails with what failed."""
        known = []
        for task in self.lab.tasks:
            trouble = self._trouble(task)
            if task.id not in self.results and trouble is not None:
                checks = tuple(self.checks[task.id].values())
                known.append(TaskResult(task.id, task.title, task.points, trouble, checks))
            elif task.id in self.results:
                known.append(self.results[task.id])
        lab = self.lab
        return Report(lab.id, lab.version, lab.title, "", tuple(known), 0.0)

    def _trouble(self, task: Task) -> Outcome | None:
        """Return what is wrong with a task; a check that failed says so before its task ends."""
        outcomes = {self.results[task.id].outcome} if task.id in self.results else set()
        outcomes |= {result.verdict.outcome for result in self.problems_of(task.id)}
        return next((outcome for outcome in _TROUBLE if outcome in outcomes), None)


Step = tuple[Watch, tuple[Effect, ...]]


def begin(lab: Lab) -> Step:
    """Return the state at the start, and what to do first."""
    return _grade(Watch(lab), frozenset(task.id for task in lab.tasks))


def update(watch: Watch, event: Event) -> Step:
    """Return the state after an event, and what is to be done because of it."""
    if isinstance(event, Pressed):
        return _pressed(watch, event)
    if isinstance(event, Saved):
        return _saved(replace(watch, saved=event.paths), event)
    if isinstance(event, Resumed):
        return _grade(replace(watch, saved=()), _all(watch))
    if isinstance(event, Shown):
        return replace(watch, page=event.page, offset=0), ()
    if event.run != watch.run:
        return watch, ()
    moved = _reported(watch, event)
    return _grade(moved, frozenset()) if moved.again and not moved.active else (moved, ())


def _saved(watch: Watch, event: Saved) -> Step:
    if event.lab:
        return _grade(watch, _all(watch), lab=True)
    if not event.touched and watch.active:
        # Nothing that runs reads it, so that may run on; should a link lead there, it is seen then.
        return replace(watch, again=True), ()
    return _grade(watch, event.touched)


def _all(watch: Watch) -> frozenset[str]:
    return frozenset(task.id for task in watch.lab.tasks)


def _grade(
    watch: Watch, touched: frozenset[str], *, afresh: bool = False, lab: bool = False
) -> Step:
    # A task that waited for its verdict, or whose run was cut short, still waits.
    run = watch.run + 1
    unsure = watch.unsure | touched
    moved = replace(watch, run=run, active=True, again=False, running={}, unsure=unsure)
    # A lab that could not be read has to be read again, whatever was saved since.
    return moved, (Grade(run, afresh, lab or watch.problem is not None),)


def _reported(watch: Watch, event: LabRead | Told | Ended | Failed) -> Watch:
    """Move on what the present run says."""
    if isinstance(event, Told):
        return _told(watch, event)
    if isinstance(event, Ended):
        return _ended(watch, event.report)
    if isinstance(event, Failed):
        return replace(
            watch, active=False, running={}, unsure=_all(watch), problem=event.problem, offset=0
        )
    if event.lab == watch.lab:
        return watch
    fresh = Watch(event.lab, run=watch.run, active=True, saved=watch.saved, page=watch.page)
    return replace(fresh, unsure=_all(fresh))


def _told(watch: Watch, told: Told) -> Watch:
    event = told.event
    if isinstance(event, CheckStarted):
        key = (event.task_id, event.check_id)
        return replace(watch, running={**watch.running, key: Running(told.at)})
    if isinstance(event, CheckSaid):
        key = (event.task_id, event.check_id)
        since = watch.running.get(key, Running(told.at)).since
        return replace(watch, running={**watch.running, key: Running(since, event.text)})
    if isinstance(event, CheckEnded):
        return _check_ended(watch, event)
    return _settled(watch, event.result)


def _check_ended(watch: Watch, event: CheckEnded) -> Watch:
    over = (event.task_id, event.result.id)
    known = {**watch.checks.get(event.task_id, {}), event.result.id: event.result}
    return _keep_place(
        watch,
        replace(
            watch,
            running={key: one for key, one in watch.running.items() if key != over},
            checks={**watch.checks, event.task_id: known},
        ),
    )


def _settled(watch: Watch, result: TaskResult) -> Watch:
    """Take over what a task came to; its checks of earlier runs say nothing any more."""
    return _keep_place(
        watch,
        replace(
            watch,
            results={**watch.results, result.id: result},
            checks={**watch.checks, result.id: {one.id: one for one in result.checks}},
            unsure=watch.unsure - {result.id},
        ),
    )


def _ended(watch: Watch, report: Report) -> Watch:
    for result in report.tasks:
        watch = _settled(watch, result)
    return replace(watch, active=False, running={}, unsure=frozenset(), report=report, problem=None)


def _keep_place(before: Watch, after: Watch) -> Watch:
    """Stay where the learner reads, unless another failure is shown now."""
    return after if before.page or before.focus == after.focus else replace(after, offset=0)


def _pressed(watch: Watch, pressed: Pressed) -> Step:
    offset = _scrolled(watch.offset, pressed)
    if isinstance(watch.page, Choice) and pressed.key in ("up", "down", "j", "k", "enter"):
        return _choose(watch, watch.page, pressed.key)
    if offset is not None:
        return replace(watch, offset=offset), ()
    if isinstance(watch.page, Question) and pressed.key in ("y", "Y"):
        return _close(watch), (watch.page.then,)
    if watch.page is not None and pressed.key in _closing(watch.page):
        return _close(watch), ()
    if pressed.key in KEYS and not isinstance(watch.page, Question):
        return KEYS[pressed.key].press(_close(watch))
    return watch, ()


def _closing(page: Page | Choice | Question) -> tuple[str, ...]:
    """Return the keys that lead back from what covers the failure."""
    if isinstance(page, Question):
        return ("escape", "enter", "n", "N", "q")
    helps = isinstance(page, Page) and page.key == "?"
    return ("escape", "enter", " ", "?") if helps else ("escape", "enter", " ")


def _close(watch: Watch) -> Watch:
    return watch if watch.page is None else replace(watch, page=None, offset=0)


def _scrolled(offset: int, pressed: Pressed) -> int | None:
    """Return where a key scrolls to, or None for a key that does not scroll."""
    page = max(1, pressed.rows - 1)
    moves = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page, "pageup": -page}
    ends = {"home": 0, "end": pressed.last}
    if pressed.key in ends:
        return ends[pressed.key]
    if pressed.key not in moves:
        return None
    return min(max(0, min(offset, pressed.last) + moves[pressed.key]), pressed.last)


def _choose(watch: Watch, choice: Choice, key: str) -> Step:
    if key == "enter":
        return _close(watch), (PreviewReset(choice.options[choice.index]),)
    index = choice.index + (1 if key in ("down", "j") else -1)
    return replace(watch, page=replace(choice, index=index % len(choice.options))), ()


def _hint(watch: Watch) -> Step:
    if not watch.focus:
        return replace(watch, page=Page("Hint", _NOTHING_FAILS)), ()
    return watch, (TakeHint(watch.focus, watch.so_far()),)


def _next(watch: Watch) -> Step:
    failing = watch.failing
    if not failing:
        return watch, ()
    following = failing[(failing.index(watch.focus) + 1) % len(failing)]
    return replace(watch, chosen=following, offset=0), ()


def _all_again(watch: Watch) -> Step:
    return _grade(replace(watch, saved=()), _all(watch), afresh=True)


def _solution(watch: Watch) -> Step:
    if not watch.focus:
        return watch, (ShowSolution(),)
    question = Question(
        f"Solution of {watch.focus}?",
        "It does not pass yet. What you find yourself stays with you; what you read is soon gone."
        "\nA hint (h) gives less away.",
        ShowSolution(watch.focus),
    )
    return replace(watch, page=question, offset=0), ()


def _reset(watch: Watch) -> Step:
    return watch, (ListChanged(),)


def _help(watch: Watch) -> Step:
    lines = [f"{name:<5}  {key.what}" for name, key in KEYS.items()]
    lines += ["up, down, page up, page down    scroll", "esc    back; Ctrl-C ends as well"]
    return replace(watch, page=Page("Keys", "\n".join([*lines, "", _SIGNS]), "?"), offset=0), ()


def _leave(watch: Watch) -> Step:
    return watch, (Leave(),)


_NOTHING_FAILS = "Nothing fails as far as it is checked, so there is nothing to hint at."
_SIGNS = "Every save is checked, on a copy: your files stay as you leave them."


@dataclass(frozen=True)
class Key:
    """A key that can be pressed at any time: a word for the last line, one for the help."""

    word: str
    what: str
    press: Callable[[Watch], Step]


KEYS: Mapping[str, Key] = {
    "h": Key("hint", "the next hint for the task that is shown", _hint),
    "n": Key("next", "the next failing task", _next),
    "a": Key("all", "check everything again, whatever is known already", _all_again),
    "s": Key("solution", "what leads from your files to the reference answer", _solution),
    "r": Key("reset", "put a file back to the start: choose, see, confirm", _reset),
    "?": Key("help", "this page", _help),
    "q": Key("quit", "end", _leave),
}
