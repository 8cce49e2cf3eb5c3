"""The scenes that the kinds `pipeline.*` have played, and the words for what happened in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple

from scaffolder.checks.context import Context, Run
from scaffolder.checks.drawing import make_random
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.pipeline import line_ends
from scaffolder.checks.pipeline.kinds import PipelineKind
from scaffolder.checks.pipeline.runner import (
    Event,
    PipelineRun,
    Scene,
    StepRun,
    Work,
    find_runner,
    read_file,
)
from scaffolder.checks.planting import planting
from scaffolder.model import Evidence, Finding, Verdict, failed

LOG_LINES = 15


def require_started(context: Context, pipeline: str, event: Event, branch: str) -> None:
    """Raise CheckFailedError where an event would not start the pipeline."""
    file = read_file(context.run, pipeline)
    reason = file.why_not_started(event, branch)
    if reason:
        raise CheckFailedError(
            f"{pipeline} would not start: {reason}",
            Finding(reason, path=pipeline, line=file.trigger_line),
        )


def run_healthy(
    context: Context,
    pipeline: str,
    event: Event,
    branch: str,
    harmless: str,
    *,
    home: str = "",
    tag: bool = False,
    repository: str = "",
) -> PipelineRun:
    """Play the healthy app: a harmless change, if the lab has one, and a test that passes.

    `home` is the default branch where it is not `branch`; the others are those of Scene.
    """
    harmless = harmless or next(iter(_harmless_changes(context.run)), "")
    scene = Scene(pipeline, event, branch, harmless or "healthy", home or branch, tag, repository)
    return _play(context, scene, harmless, planting.plant_probe())


def run_faulty(
    context: Context, pipeline: str, event: Event, branch: str, fault: str
) -> PipelineRun:
    """Play the app with one of the lab's faults in it."""
    scene = Scene(pipeline, event, branch, fault, branch)
    return _play(context, scene, fault, planting.plant_probe())


def run_with_canary(context: Context, pipeline: str, event: Event, branch: str) -> PipelineRun:
    """Play the healthy app with a test that fails."""
    scene = Scene(pipeline, event, branch, "failing-test", branch)
    return _play(context, scene, "", planting.plant_canary())


def run_together(context: Context, asked: Sequence[Callable[[], PipelineRun]]) -> list[PipelineRun]:
    """Play scenes side by side, and return each in its place.

    Which begins first is drawn: what a scene is for cannot be told by that.
    """
    order = list(range(len(asked)))
    make_random(context.run, "order", context.check_id).shuffle(order)
    with ThreadPoolExecutor(4) as pool:
        begun = {place: pool.submit(asked[place]) for place in order}
        return [begun[place].result() for place in range(len(asked))]


def _play(context: Context, scene: Scene, fault: str, test: planting.Plant) -> PipelineRun:
    run = context.run
    changed = [planting.plant_fault(run, run.faults[fault])] if fault else []
    # Its words are known to whoever read the lab: no copy may be told by having them, or not.
    harmless = [
        planting.plant_harmless_change(run, run.faults[one])
        for one in _harmless_changes(run, fault)
    ]
    words = planting.plant_unique_words(run, *(str(part) for part in astuple(scene)))
    work = Work(context, planting.plant_both(*changed, *harmless, words, test))
    return find_runner(scene.pipeline).run(scene, work)


def _harmless_changes(run: Run, planted: str = "") -> tuple[str, ...]:
    """Return the ids of the lab's harmless changes, without the one that is `planted` anyway."""
    kinds = (spec.check for spec in run.checks)
    named = {kind.harmless_change for kind in kinds if isinstance(kind, PipelineKind)}
    return tuple(sorted(named - {"", planted}))


def fail_when_healthy(context: Context, played: PipelineRun) -> Verdict:
    """Say that nothing is broken and yet something is red."""
    scene, step = played.scene, played.failures[0]
    runner = find_runner(scene.pipeline)
    message = (
        f"the pipeline is red for {scene.words}, though nothing is broken: {name_step(step)} failed"
    )
    hint = runner.wording.repeat
    script = runner.read_file(context.run, scene.pipeline).find_script(step)
    scripts = line_ends.find_windows_scripts(context.run.snapshot, "\n".join((script, *step.log)))
    if scripts:
        message += f"; {scripts[0]} has Windows line ends, with which it does not run"
        hint = line_ends.HINT
    return failed(
        message,
        *list_findings(context, played, played.failures),
        *(Finding("Windows line ends", path=script, line=1) for script in scripts),
        evidence=show_step(played, step, "green on the healthy app"),
        hint=hint,
        lasting=False,
        because=explain_red(step),
    )


def explain_red(step: StepRun) -> str:
    """Say, in the same words for every check that it stops, that a step is red without a fault."""
    return f"the pipeline is red on the healthy app already: {name_step(step)} failed"


def name_step(step: StepRun) -> str:
    """Return a step in words: its name, its job, its leg of the matrix."""
    name = step.name.strip().splitlines()[0][:80] if step.name.strip() else step.key
    leg = ", ".join(f"{key} {value}"[:80] for key, value in step.matrix.items())[:200]
    return f"the step {name!r} of the job {step.job_id}" + (f" ({leg})" if leg else "")


def list_steps(played: PipelineRun) -> list[str]:
    """Return the steps of the pipeline's file that ran, as job and name, in order."""
    names = [
        f"{step.job_id}: {step.name.strip().splitlines()[0][:60]}"
        for step in played.steps
        if step.name.strip() and not step.auxiliary
    ]
    return list(dict.fromkeys(names))


def show_step(played: PipelineRun, step: StepRun, expected: str) -> Evidence:
    """Return what a step did, with the end of its log."""
    runner = find_runner(played.scene.pipeline)
    log = runner.clean_log([line for line in step.log if line.strip()][-LOG_LINES:])
    return Evidence(
        ran=played.command,
        expected=expected,
        actual=f"{name_step(step)} ended with {step.result}",
        log=log,
    )


def list_findings(
    context: Context, played: PipelineRun, steps: Sequence[StepRun]
) -> Iterator[Finding]:
    """Yield each step as a finding with its line in the pipeline's file."""
    path = played.scene.pipeline
    file = read_file(context.run, path)
    for step in steps:
        yield Finding(f"{name_step(step)} failed", path=path, line=file.find_step_line(step))
