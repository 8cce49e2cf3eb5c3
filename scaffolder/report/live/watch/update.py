"""How each event moves the state."""

from __future__ import annotations

from dataclasses import replace

from scaffolder.model import Lab, Report, TaskResult
from scaffolder.model.events import CheckEnded, CheckSaid, CheckStarted
from scaffolder.report.live.watch.pressed import press_key
from scaffolder.report.live.watch.state import Step, Watch, check_again, list_failures, list_tasks
from scaffolder.report.live.watch.words import (
    Ended,
    Event,
    Failed,
    LabRead,
    Page,
    Pressed,
    Resumed,
    Running,
    Saved,
    Shown,
    Told,
)


def begin_watch(lab: Lab) -> Step:
    """Return the state at the start, and what to do first."""
    return check_again(Watch(lab), frozenset(task.id for task in lab.tasks))


def update_watch(watch: Watch, event: Event) -> Step:
    """Return the state after an event, and what is to be done because of it."""
    if isinstance(event, Pressed):
        return press_key(watch, event)
    if isinstance(event, Saved):
        return _saved(replace(watch, saved=event.paths), event)
    if isinstance(event, Resumed):
        return check_again(replace(watch, saved=()), list_tasks(watch))
    if isinstance(event, Shown):
        return replace(watch, page=event.page, offset=0), ()
    # What this run says after its end would be shown as under way for ever.
    over = not watch.active and not isinstance(event, Failed)
    if event.run != watch.run or over:
        return watch, ()
    moved = _reported(watch, event)
    return check_again(moved, frozenset()) if moved.again and not moved.active else (moved, ())


def _saved(watch: Watch, event: Saved) -> Step:
    if event.lab:
        return check_again(watch, list_tasks(watch), lab=True)
    if not event.touched and watch.active:
        # Nothing that runs reads it, so that may run on; should a link lead there, it is seen then.
        return replace(watch, again=True), ()
    return check_again(watch, event.touched)


def _reported(watch: Watch, event: LabRead | Told | Ended | Failed) -> Watch:
    """Move on what the present run says."""
    if isinstance(event, Told):
        return _told(watch, event)
    if isinstance(event, Ended):
        return _ended(watch, event.report)
    if isinstance(event, Failed):
        return replace(
            watch,
            active=False,
            running={},
            unsure=list_tasks(watch),
            problem=event.problem,
            offset=0,
        )
    if event.lab == watch.lab:
        return watch
    fresh = Watch(event.lab, run=watch.run, active=True, saved=watch.saved, page=watch.page)
    return replace(fresh, unsure=list_tasks(fresh))


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
            fresh=watch.fresh | {over},
        ),
    )


def _settled(watch: Watch, result: TaskResult) -> Watch:
    """Take over what a task came to; its checks of earlier runs say nothing any more."""
    page = watch.page
    if isinstance(page, Page) and page.task == result.id and _is_answered(page, result):
        watch = replace(watch, page=None, offset=0)
    return _keep_place(
        watch,
        replace(
            watch,
            results={**watch.results, result.id: result},
            checks={**watch.checks, result.id: {one.id: one for one in result.checks}},
            unsure=watch.unsure - {result.id},
        ),
    )


def _is_answered(hint: Page, result: TaskResult) -> bool:
    """Whether nothing is left of the failures that a hint was for."""
    left = list_failures(result)
    return not left or (bool(hint.answers) and not hint.answers & left)


def _ended(watch: Watch, report: Report) -> Watch:
    for result in report.tasks:
        watch = _settled(watch, result)
    return replace(watch, active=False, running={}, unsure=frozenset(), report=report, problem=None)


def _keep_place(before: Watch, after: Watch) -> Watch:
    """Stay where the learner reads, unless another failure is shown now."""
    return after if before.page or before.focus == after.focus else replace(after, offset=0)
