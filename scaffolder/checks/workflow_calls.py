"""What GitHub would refuse in the calls of a workflow to others in its repository.

https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffolder.checks import workflow_model, workflow_validity
from scaffolder.checks.workflow_model import Job, Workflow, mapping, text
from scaffolder.errors import UnusableFileError
from scaffolder.model import Finding

_DOCUMENTATION = "https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows"
_RULE = "called-workflow"


def find_call_faults(root: Path, workflow: Workflow) -> Iterator[Finding]:
    """Yield what is wrong with the local workflows that jobs call, and with what they hand over."""
    judged = {workflow.path}
    waiting = [workflow]
    while waiting:
        caller = waiting.pop()
        for job in caller.jobs.values():
            path = job.uses.removeprefix("./")
            if path == job.uses or not path.startswith(f"{workflow_model.WORKFLOWS}/"):
                continue
            try:
                called = workflow_model.load(root, path)
            except UnusableFileError as error:
                yield _finding(caller, job, f"{path} {error.message}", "uses")
                continue
            yield from _handed_over(caller, job, called)
            if path not in judged:
                judged.add(path)
                waiting.append(called)
                yield from workflow_validity.find_faults(called)


def _handed_over(caller: Workflow, job: Job, called: Workflow) -> Iterator[Finding]:
    if "workflow_call" not in called.triggers:
        message = f"{called.path} cannot be called: its on does not name workflow_call"
        yield _finding(caller, job, message, "uses")
        return
    asked = called.triggers["workflow_call"]
    secrets = job.data.get("secrets")
    yield from _held_against(caller, job, "with", mapping(asked.get("inputs")))
    if text(secrets) != "inherit":
        yield from _held_against(caller, job, "secrets", mapping(asked.get("secrets")))


def _held_against(
    caller: Workflow, job: Job, key: str, asked: Mapping[Any, Any]
) -> Iterator[Finding]:
    """Yield what is handed over and not asked for, and what is required and not handed over."""
    given = {str(name).lower(): str(name) for name in mapping(job.data.get(key))}
    known = {str(name).lower(): mapping(part) for name, part in asked.items()}
    what = "input" if key == "with" else "secret"
    for name in given.keys() - known.keys():
        message = f"the workflow that jobs.{job.id} calls has no {what} {given[name]}"
        yield _finding(caller, job, message, key, given[name])
    for name, part in known.items():
        needed = part.get("required") is True and part.get("default") is None
        if needed and name not in given:
            message = f"the workflow that jobs.{job.id} calls requires the {what} {name}"
            yield _finding(caller, job, message, "uses")


def _finding(workflow: Workflow, job: Job, message: str, *place: str) -> Finding:
    line = workflow.line("jobs", job.id, *place)
    return Finding(message, path=workflow.path, line=line, rule=_RULE, url=_DOCUMENTATION)
