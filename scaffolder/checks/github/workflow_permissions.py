"""What the jobs of a workflow may do with the token that GitHub hands them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffolder.checks.github import workflow_model, workflow_rights
from scaffolder.checks.github.workflow_model import Job, Workflow, ensure_mapping, format_scalar
from scaffolder.core.yaml_source import Position
from scaffolder.model import Finding

_DOCUMENTATION = "https://docs.zizmor.sh/audits/#excessive-permissions"
_RULE = "excessive-permissions"


def find_too_wide(root: Path, workflow: Workflow, allowed: Collection[str] | None) -> list[Finding]:
    """Return a finding for each right that is more than the jobs should have.

    `write-all` over a whole workflow always is, though zizmor lets a lone job have it. With
    `allowed`, so is `write` for every other scope, anywhere in the workflow or in those of the
    repository that it calls. Without it, a `write` is that nothing in its job has a use for.
    """
    called = {each.path: each for each in workflow_model.load_called_workflows(root, workflow)}
    workflows = (workflow, *called.values())
    if allowed is not None:
        return [finding for one in workflows for finding in _written(one, allowed)]
    found = list(_everything(workflow, (), workflow.data))
    for one in workflows:
        for job in one.jobs.values():
            found += _unused(root, one, job, called)
    return found


def _unused(
    root: Path, workflow: Workflow, job: Job, called: Mapping[str, Workflow]
) -> Iterator[Finding]:
    for scope, right in ensure_mapping(job.data.get("permissions")).items():
        if format_scalar(right).strip() == "write" and not _uses_right(
            root, workflow, job, scope, called
        ):
            message = f"the job {job.id} may write {scope}, and nothing in it has a use for that"
            yield _finding(workflow, message, "jobs", job.id, "permissions", scope)


def _uses_right(
    root: Path, workflow: Workflow, job: Job, scope: str, called: Mapping[str, Workflow]
) -> bool:
    if job.uses:
        callee = called.get(job.uses.removeprefix("./"))
        return callee is None or any(
            _uses_right(root, callee, inner, scope, {}) for inner in callee.jobs.values()
        )
    steps = tuple(workflow_model.expand_steps(root, job.steps))
    return workflow_rights.may_use(scope, job.data, steps, workflow.data.get("env"))


def _written(workflow: Workflow, allowed: Collection[str]) -> Iterator[Finding]:
    yield from _in(workflow, (), workflow.data, allowed)
    for job in workflow.jobs.values():
        yield from _in(workflow, ("jobs", job.id), job.data, allowed)


def _in(
    workflow: Workflow, place: Position, data: Mapping[str, Any], allowed: Collection[str]
) -> Iterator[Finding]:
    yield from _everything(workflow, place, data)
    for scope, right in ensure_mapping(data.get("permissions")).items():
        if format_scalar(right).strip() == "write" and scope not in allowed:
            message = f"{_who(place)} may write {scope}, and nothing here has to"
            yield _finding(workflow, message, *place, "permissions", scope)


def _everything(workflow: Workflow, place: Position, data: Mapping[str, Any]) -> Iterator[Finding]:
    if format_scalar(data.get("permissions")).strip() == "write-all":
        message = f"write-all gives {_who(place)} every right; name what each job needs"
        yield _finding(workflow, message, *place, "permissions")


def _who(place: Position) -> str:
    return f"the job {place[-1]}" if place else "every job"


def _finding(workflow: Workflow, message: str, *position: str | int) -> Finding:
    line = workflow.line(*position)
    return Finding(message, path=workflow.path, line=line, rule=_RULE, url=_DOCUMENTATION)
