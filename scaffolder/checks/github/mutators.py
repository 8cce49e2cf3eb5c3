"""How people get workflows wrong: operators over the parsed YAML and the places of its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from scaffolder.checks.github.mutator_parts import (
    WorkflowDocument,
    WorkflowPart,
    ensure_list,
    ensure_mapping,
)
from scaffolder.checks.mutations import (
    SourceEdit,
    Splice,
    begins_line,
    find_line_end,
    find_line_start,
    insert_line,
    remove_lines,
)
from scaffolder.core.yaml_source import Position

_PINNED = re.compile(r"(?P<action>[^@\s]+)@(?P<ref>\S+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = re.compile(r"#\s*(?:tag=)?(?P<tag>v?\d[\w.-]*)")
_FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore", "types")
_INJECTION = 'run: echo "${{ github.event.head_commit.message }}"'


Edits = Callable[[WorkflowDocument], Iterator[SourceEdit]]


def continue_on_error(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Let jobs, their commands and their last step fail without a consequence.

    An action in front of other steps is left out: what it leaves undone makes the next step fail.
    """
    for job in file.jobs:
        steps = file.steps_of(job)
        for part in (job, *(step for step in steps if "run" in step.data or step == steps[-1])):
            if "continue-on-error" not in part.data:
                splices = _entry_added(file, part, "continue-on-error: true")
                yield from _edit(part.name, f"{part.name} may fail", splices)


def append_or_true(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Append `|| true` to the last command of a step."""
    for step in file.steps:
        place = (*step.position, "run")
        if place not in file.spans or not _in_shell(step) or "<<" in str(step.data["run"]):
            continue
        written = file.written(place)
        if written.startswith("*") or "#" in written.splitlines()[-1]:
            continue
        quoted = written[:1] in ("'", '"')
        at = file.spans[place].end - quoted
        yield SourceEdit(
            step.name, f"{step.name} ends well in any case", (Splice(at, at, " || true"),)
        )


def drop_needs(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Start a job without waiting for all or one of those that it needs."""
    for job in file.jobs:
        place = (*job.position, "needs")
        yield from _edit(f"{job.name}.needs", f"{job.name} waits for no job", _drop(file, place))
        needed = ensure_list(job.data.get("needs"))
        for index, name in enumerate(needed if len(needed) > 1 else ()):
            splices = _drop(file, (*place, index))
            yield from _edit(f"{job.name}.needs.{name}", f"{job.name} ignores {name}", splices)


def drop_condition(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Run a job or a step in every case."""
    for part in (*file.jobs, *file.steps):
        splices = _drop(file, (*part.position, "if"))
        yield from _edit(part.name, f"{part.name} runs in every case", splices)


def run_always(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Run a job that needs others although they failed."""
    for job in file.jobs:
        if "needs" not in job.data:
            continue
        place = (*job.position, "if")
        title = f"{job.name} runs although what it needs failed"
        if "if" not in job.data:
            yield from _edit(job.name, title, _entry_added(file, job, "if: always()"))
        elif place in file.spans and (start := _expression_start(file.written(place))) is not None:
            at = file.spans[place].value + start
            yield SourceEdit(job.name, title, (Splice(at, at, "always() && "),))


def drop_step(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Forget a step."""
    for job in file.jobs:
        steps = file.steps_of(job)
        for step in steps if len(steps) > 1 else ():
            yield from _edit(step.name, f"{step.name} is missing", _drop(file, step.position))


def drop_job(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Forget a job, and with it the other jobs' waiting for it."""
    for job in file.jobs:
        splices = _drop(file, job.position)
        for other in file.jobs if splices else ():
            splices += _without_need(file, other, job.position[-1])
        yield from _edit(job.name, f"{job.name} is missing", splices)


def drop_trigger(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Start the workflow for one event less."""
    events = file.data.get("on")
    keys = range(len(events)) if isinstance(events, list) else ensure_mapping(events)
    for key in keys if len(keys) > 1 else ():
        name = events[key] if isinstance(events, list) else key
        splices = _drop(file, ("on", key))
        yield from _edit(f"on.{name}", f"{name} does not start the workflow", splices)


def drop_filter(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Start the workflow for every branch, path or sort of an event."""
    for event, settings in ensure_mapping(file.data.get("on")).items():
        for name in ensure_mapping(settings):
            if name in _FILTERS:
                splices = _drop_or_empty(file, ("on", event, name))
                title = f"{event} starts the workflow whatever its {name}"
                yield from _edit(f"on.{event}.{name}", title, splices)


def drop_permissions(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Leave the permissions to the repository's settings, or forget one."""
    for name, position, data in _workflow_and_jobs(file):
        place = (*position, "permissions")
        title = f"{name} has the permissions that the repository's settings give"
        yield from _edit(f"{name}.permissions", title, _drop(file, place))
        for scope in ensure_mapping(data.get("permissions")):
            splices = _drop(file, (*place, scope))
            title = f"{name} has no permission for {scope}"
            yield from _edit(f"{name}.permissions.{scope}", title, splices)


def widen_permissions(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Permit more than is needed: writing where reading is enough, everything at the top."""
    for name, position, data in _workflow_and_jobs(file):
        place = (*position, "permissions")
        span = file.spans.get(place)
        if span and not position and begins_line(file.text, span.start):
            widened = Splice(span.start, span.end, "permissions: write-all")
            yield SourceEdit(f"{name}.permissions", f"{name} may write everything", (widened,))
        for scope, level in ensure_mapping(data.get("permissions")).items():
            if level == "read" and (one := file.spans.get((*place, scope))):
                splice = Splice(one.value, one.end, "write")
                title = f"{name} may write {scope}"
                yield SourceEdit(f"{name}.permissions.{scope}", title, (splice,))


def shrink_matrix(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Cut a dimension of a matrix to its first value."""
    for job in file.jobs:
        matrix = ensure_mapping(ensure_mapping(job.data.get("strategy")).get("matrix"))
        for name, values in matrix.items():
            place = (*job.position, "strategy", "matrix", name)
            items = file.siblings((*place, 0))
            if len(ensure_list(values)) < 2 or len(items) < 2 or name == "exclude":
                continue
            first, last = items[0], items[-1]
            splice = (
                Splice(first.end, last.end)
                if first.flow
                else remove_lines(file.text, items[1].start, last.end)
            )
            yield SourceEdit(f"{job.name}.matrix.{name}", f"{name} has one value only", (splice,))


def unpin_action(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Use an action by a tag or a branch, which may be moved, instead of by a commit."""
    for part in (*file.jobs, *file.steps):
        place = (*part.position, "uses")
        found = _PINNED.search(file.written(place)) if place in file.spans else None
        if not found:
            continue
        ref = found["ref"].rstrip("\"'")
        start = file.spans[place].value + found.start("ref")
        behind = file.text[start : find_line_end(file.text, start)]
        tag = _TAG.search(behind) if _COMMIT.fullmatch(ref) else None
        moving = tag["tag"] if tag else "main"
        if ref != moving:
            splice = Splice(start, start + len(ref), moving)
            action = found["action"].lstrip("\"'")
            yield SourceEdit(part.name, f"{part.name} uses {action}@{moving}", (splice,))


def inject_script(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Put a commit's message, which anybody may write, into a script."""
    for job in file.jobs:
        steps = file.steps_of(job)
        span = file.spans.get(steps[-1].position) if steps else None
        if span is None or span.flow or not begins_line(file.text, span.start):
            continue
        indent = file.text[find_line_start(file.text, span.start) : span.start]
        splice = insert_line(file.text, span.end, f"{indent}- {_INJECTION}")
        yield SourceEdit(job.name, f"{job.name} runs what a commit's message says", (splice,))


def drop_input(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Forget an input of an action."""
    for step in file.steps:
        for name in ensure_mapping(step.data.get("with")):
            splices = _drop_or_parent(file, (*step.position, "with", name))
            yield from _edit(
                f"{step.name}.with.{name}", f"{step.name} goes without {name}", splices
            )


def drop_environment(file: WorkflowDocument) -> Iterator[SourceEdit]:
    """Forget a variable of the environment."""
    for part in (WorkflowPart((), file.data, "workflow"), *file.jobs, *file.steps):
        for name in ensure_mapping(part.data.get("env")):
            splices = _drop_or_parent(file, (*part.position, "env", name))
            yield from _edit(f"{part.name}.env.{name}", f"{part.name} goes without {name}", splices)


def make_drop_operator(key: str, title: str) -> Edits:
    """Return an operator that removes a setting of the workflow and of each job."""

    def edits(file: WorkflowDocument) -> Iterator[SourceEdit]:
        for name, position, _ in _workflow_and_jobs(file):
            yield from _edit(name, f"{name} {title}", _drop(file, (*position, key)))

    return edits


def _edit(place: str, title: str, splices: tuple[Splice, ...]) -> Iterator[SourceEdit]:
    if splices:
        yield SourceEdit(place, title, splices)


def _in_shell(step: WorkflowPart) -> bool:
    shell = str(step.data.get("shell", "bash"))
    return isinstance(step.data.get("run"), str) and shell.split()[0:1] in (["bash"], ["sh"])


def _workflow_and_jobs(file: WorkflowDocument) -> Iterator[tuple[str, Position, dict[Any, Any]]]:
    yield "workflow", (), file.data
    for job in file.jobs:
        yield job.name, job.position, job.data


def _expression_start(written: str) -> int | None:
    """Return where the condition begins inside its quotes and braces; None if it has a block."""
    found = re.match(r"[\"']?\s*(?:\$\{\{\s*)?", written)
    block = written[:1] in ("|", ">", "*", "&", "!")
    return None if block or found is None else found.end()


def _drop(file: WorkflowDocument, position: Position) -> tuple[Splice, ...]:
    """Remove an entry; nothing where it is not there, or is the only one of a block."""
    span = file.spans.get(position)
    if span is None:
        return ()
    beside = file.siblings(position)
    at = beside.index(span)
    following = beside[at + 1] if at + 1 < len(beside) else None
    if span.flow:
        if following:
            return (Splice(span.start, following.start),)
        return (Splice(beside[at - 1].end if at else span.start, span.end),)
    if len(beside) < 2:
        return ()
    if begins_line(file.text, span.start):
        return (remove_lines(file.text, span.start, span.end),)
    return (Splice(span.start, following.start),) if following else ()


def _drop_or_parent(file: WorkflowDocument, position: Position) -> tuple[Splice, ...]:
    """Remove an entry, and the mapping around it where it is the only one."""
    only = len(file.siblings(position)) == 1
    return _drop(file, position[:-1] if only else position)


def _drop_or_empty(file: WorkflowDocument, position: Position) -> tuple[Splice, ...]:
    """Remove an entry, and leave the mapping around it without a value where it is the only one."""
    around = file.spans.get(position[:-1])
    if around and not around.flow and len(file.siblings(position)) == 1:
        key = file.text.rfind(":", around.start, around.value) + 1
        return (Splice(key, around.end),) if key else ()
    return _drop(file, position)


def _without_need(file: WorkflowDocument, job: WorkflowPart, needed: Any) -> tuple[Splice, ...]:
    needs = job.data.get("needs")
    place = (*job.position, "needs")
    if needs in (needed, [needed]):
        return _drop(file, place)
    items = ensure_list(needs)
    return _drop(file, (*place, items.index(needed))) if needed in items else ()


def _entry_added(file: WorkflowDocument, part: WorkflowPart, entry: str) -> tuple[Splice, ...]:
    """Add a line to a mapping in block style, behind its first entry."""
    first = min(
        (span for place, span in file.spans.items() if place[:-1] == part.position and place),
        key=lambda span: span.start,
        default=None,
    )
    if first is None or first.flow:
        return ()
    column = first.start - find_line_start(file.text, first.start)
    return (insert_line(file.text, first.end, " " * column + entry),)
