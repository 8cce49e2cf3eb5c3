"""The rehearsals that the kinds `pipeline.*` ask for, and the words for what happened in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple

from scaffolder.checks.context import Context, Run
from scaffolder.checks.drawing import drawn
from scaffolder.checks.github import workflow_model
from scaffolder.checks.github.act import Step, as_told
from scaffolder.checks.github.rehearsal import Rehearsal, Scene, rehearse, why_not_started
from scaffolder.checks.github.rehearsal_event import Event
from scaffolder.checks.github.rehearsal_stage import RehearsedKind
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline import line_ends
from scaffolder.checks.planting import planting
from scaffolder.model import Evidence, Finding, Verdict, failed

LOG_LINES = 15


def require_started(context: Context, workflow: str, event: Event, branch: str) -> None:
    """Raise CheckFailedError where an event would not start the workflow."""
    model = workflow_model.of(context.run, workflow)
    reason = why_not_started(model, event, branch)
    if reason:
        raise CheckFailedError(
            f"{workflow} would not start: {reason}",
            Finding(reason, path=workflow, line=model.line("on")),
        )


def healthy(
    context: Context,
    workflow: str,
    event: Event,
    branch: str,
    harmless: str,
    *,
    home: str = "",
    tag: bool = False,
    repository: str = "",
) -> Rehearsal:
    """Rehearse the healthy app: a harmless change, if the lab has one, and a test that passes.

    `home` is the default branch where it is not `branch`; the others are those of Scene.
    """
    harmless = harmless or next(iter(_harmless_changes(context.run)), "")
    scene = Scene(workflow, event, branch, harmless or "healthy", home or branch, tag, repository)
    return _rehearse(context, scene, harmless, planting.probe())


def faulty(context: Context, workflow: str, event: Event, branch: str, fault: str) -> Rehearsal:
    """Rehearse the app with one of the lab's faults in it."""
    scene = Scene(workflow, event, branch, fault, branch)
    return _rehearse(context, scene, fault, planting.probe())


def with_canary(context: Context, workflow: str, event: Event, branch: str) -> Rehearsal:
    """Rehearse the healthy app with a test that fails."""
    scene = Scene(workflow, event, branch, "failing-test", branch)
    return _rehearse(context, scene, "", planting.canary())


def rehearse_together(
    context: Context, asked: Sequence[Callable[[], Rehearsal]]
) -> list[Rehearsal]:
    """Rehearse side by side, and return each in its place.

    Which begins first is drawn: what a rehearsal is for cannot be told by that.
    """
    order = list(range(len(asked)))
    drawn(context.run, "order", context.check_id).shuffle(order)
    with ThreadPoolExecutor(4) as pool:
        begun = {place: pool.submit(asked[place]) for place in order}
        return [begun[place].result() for place in range(len(asked))]


def _rehearse(context: Context, scene: Scene, fault: str, test: planting.Plant) -> Rehearsal:
    run = context.run
    changed = [planting.faulty(run, run.faults[fault])] if fault else []
    # Its words are known to whoever read the lab: no copy may be told by having them, or not.
    harmless = [planting.harmless(run, run.faults[one]) for one in _harmless_changes(run, fault)]
    words = planting.unlike_any_other(run, *(str(part) for part in astuple(scene)))
    return rehearse(context, scene, planting.both(*changed, *harmless, words, test))


def _harmless_changes(run: Run, planted: str = "") -> tuple[str, ...]:
    """Return the ids of the lab's harmless changes, without the one that is `planted` anyway."""
    kinds = (spec.check for spec in run.checks)
    named = {kind.harmless_change for kind in kinds if isinstance(kind, RehearsedKind)}
    return tuple(sorted(named - {"", planted}))


def red_when_healthy(context: Context, rehearsal: Rehearsal) -> Verdict:
    """Say that nothing is broken and yet something is red."""
    step = rehearsal.failures[0]
    message = (
        f"the pipeline is red for {rehearsal.scene.words}, though nothing is broken: "
        f"{named(step)} failed"
    )
    hint = "the log says why the step failed; act runs the same on your machine"
    words = "\n".join((_script_of(context, rehearsal.scene.workflow, step), *step.log))
    scripts = line_ends.find_windows_scripts(context.run.snapshot, words)
    if scripts:
        message += f"; {scripts[0]} has Windows line ends, with which it does not run"
        hint = line_ends.HINT
    return failed(
        message,
        *findings(context, rehearsal, rehearsal.failures),
        *(Finding("Windows line ends", path=script, line=1) for script in scripts),
        evidence=evidence(rehearsal, step, "green on the healthy app"),
        hint=hint,
        lasting=False,
    )


def named(step: Step) -> str:
    """Return a step in words: its name, its job, its leg of the matrix."""
    name = step.name.strip().splitlines()[0][:80] if step.name.strip() else step.key
    leg = ", ".join(f"{key} {value}"[:80] for key, value in step.matrix.items())[:200]
    return f"the step {name!r} of the job {step.job_id}" + (f" ({leg})" if leg else "")


def step_names(rehearsal: Rehearsal) -> list[str]:
    """Return the steps that ran, as job and name, in order."""
    names = [
        f"{step.job_id}: {step.name.strip().splitlines()[0][:60]}"
        for step in rehearsal.record.steps
        if step.name.strip() and not step.key.startswith(("Pre", "Post", "--"))
    ]
    return list(dict.fromkeys(names))


def evidence(rehearsal: Rehearsal, step: Step, expected: str) -> Evidence:
    """Return what a step did, with the end of its log."""
    log = as_told([line for line in step.log if line.strip()][-LOG_LINES:])
    return Evidence(
        ran=rehearsal.command,
        expected=expected,
        actual=f"{named(step)} ended with {step.result}",
        log=log,
    )


def findings(context: Context, rehearsal: Rehearsal, steps: Sequence[Step]) -> Iterator[Finding]:
    """Yield each step as a finding with its line in the workflow."""
    for step in steps:
        yield Finding(
            f"{named(step)} failed",
            path=rehearsal.scene.workflow,
            line=step_line(context, rehearsal.scene.workflow, step),
        )


def _script_of(context: Context, path: str, step: Step) -> str:
    job = workflow_model.of(context.run, path).jobs.get(step.job_id)
    own = step.key.rpartition(" ")[2]
    for index, each in enumerate(job.steps if job else ()):
        if own in (str(index), each.data.get("id")):
            return str(each.data.get("run", ""))
    return ""


def step_line(context: Context, path: str, step: Step) -> int | None:
    """Return the line where a step begins, None where it is in another file."""
    workflow = workflow_model.of(context.run, path)
    job = workflow.jobs.get(step.job_id)
    if job is None:
        return None
    own = step.key.rpartition(" ")[2]
    for index, each in enumerate(job.steps):
        if own in (str(index), each.data.get("id")):
            return each.line
    return job.line


def job_line(context: Context, path: str, job_id: str) -> int | None:
    """Return the line where a job begins."""
    job = workflow_model.of(context.run, path).jobs.get(job_id)
    return job.line if job else None
