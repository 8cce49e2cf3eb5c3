"""Conditions that ask for one repository or one person, as projects with forks have them.

A rehearsal takes place in a repository that was made up, so what such a condition guards does not
run in it. Whether it would run elsewhere is found by rehearsing in the repository that it asks for.
"""

from __future__ import annotations

from scaffolder.checks.context import Context
from scaffolder.checks.pipeline.runner import ELSEWHERE, PipelineRun, find_runner
from scaffolder.checks.pipeline.scenes import run_healthy
from scaffolder.core.errors import NotShownError

_ASKED = 3
_HINT = "it may well be right on {system}; ask for the event and the branch alone, and it counts"


def require_unguarded(context: Context, played: PipelineRun) -> None:
    """Raise NotShownError where more of the healthy app's pipeline runs for somebody else: in a
    repository that one of its conditions asks for, or in one that is not of whoever acts in it."""
    runner = find_runner(played.scene.pipeline)
    file = runner.read_file(context.run, played.scene.pipeline)
    hint = _HINT.format(system=runner.wording.system)
    for guard in file.list_guards()[:_ASKED]:
        if _runs_more(context, played, guard.repository):
            raise NotShownError(
                f"the job {guard.job} runs only where {guard.condition[:200]}: a rehearsal takes "
                f"place in another repository, so what is guarded there does not run",
                hint=hint,
            )
    if file.asks_who_acts():
        for job in _runs_more(context, played, ELSEWHERE):
            raise NotShownError(
                f"more of the job {job} runs where the repository is another's, or a pull request "
                "comes from a fork: a rehearsal takes place in a repository of whoever acts in it",
                hint=hint,
            )


def _runs_more(context: Context, played: PipelineRun, repository: str) -> list[str]:
    """Return the jobs of which more runs in another repository."""
    scene = played.scene
    other = run_healthy(
        context,
        scene.pipeline,
        scene.event,
        scene.branch,
        scene.change if scene.change in context.run.faults else "",
        home=scene.home,
        repository=repository,
    )
    ran = {step.place for step in played.steps}
    return [step.job_id for step in other.steps if step.place not in ran]
