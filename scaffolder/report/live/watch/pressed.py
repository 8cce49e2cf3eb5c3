"""What each key does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scaffolder.report.live.watch.state import Step, Watch, check_again, list_tasks
from scaffolder.report.live.watch.words import (
    Choice,
    Leave,
    ListChanged,
    Page,
    Pressed,
    PreviewReset,
    Question,
    ShowSolution,
    ShowTask,
    TakeHint,
)


def press_key(watch: Watch, pressed: Pressed) -> Step:
    """Return the state after a key was pressed, and what is to be done."""
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
    toggles = (page.key,) if isinstance(page, Page) and page.key in ("?", "i") else ()
    return ("escape", "enter", " ", *toggles)


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
    return watch, (TakeHint(watch.focus, watch.list_sure()),)


def _next(watch: Watch) -> Step:
    failing = watch.failing
    if not failing:
        return watch, ()
    following = failing[(failing.index(watch.focus) + 1) % len(failing)]
    return replace(watch, chosen=following, offset=0), ()


def _all_again(watch: Watch) -> Step:
    return check_again(replace(watch, saved=()), list_tasks(watch), afresh=True)


def _instructions(watch: Watch) -> Step:
    open_tasks = (task.id for task in watch.lab.tasks if task.id not in watch.results)
    return watch, (ShowTask(watch.focus or next(open_tasks, watch.lab.tasks[-1].id)),)


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
class KeyBinding:
    """A key that can be pressed at any time: a word for the last line, one for the help."""

    word: str
    what: str
    press: Callable[[Watch], Step]


KEYS: Mapping[str, KeyBinding] = {
    "h": KeyBinding("hint", "the next hint for the task that is shown", _hint),
    "n": KeyBinding("next", "the next failing task", _next),
    "a": KeyBinding("all", "check everything again, whatever is known already", _all_again),
    "i": KeyBinding("task", "what the instructions say of the task that is shown", _instructions),
    "s": KeyBinding("solution", "what leads from your files to the reference answer", _solution),
    "r": KeyBinding("reset", "put a file back to the start: choose, see, confirm", _reset),
    "?": KeyBinding("help", "this page", _help),
    "q": KeyBinding("quit", "end", _leave),
}
