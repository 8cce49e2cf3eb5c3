"""What GitHub would refuse in the calls of a workflow to others in its repository.

https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffolder.checks.github import workflow_model, workflow_validity
from scaffolder.checks.github.workflow_model import Job, Workflow, ensure_mapping, format_scalar
from scaffolder.checks.github.workflow_validity import find_cycle
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Finding

_DOCUMENTATION = "https://docs.github.com/actions/how-tos/reuse-automations/reuse-workflows"
_RULE = "called-workflow"
# How deep workflows may be nested, the caller counted, and how many others one may call in all.
_LEVELS_LIMIT, _CALLED_LIMIT = 10, 50
_SHOWN_LIMIT = 60
_PLACE = re.compile(rf"{re.escape(workflow_model.WORKFLOWS)}/[^/\\]+\.ya?ml")


@dataclass
class _Tree:
    """The workflows of the repository that one calls, by path, and the jobs by which they do."""

    workflows: dict[str, Workflow] = field(default_factory=dict)
    calls: dict[str, dict[str, Job]] = field(default_factory=dict)

    def add(self, workflow: Workflow) -> None:
        self.workflows[workflow.path] = workflow
        self.calls[workflow.path] = {}

    def levels(self) -> dict[str, int]:
        """Return how deep each workflow is nested, itself counted; none may call itself."""
        known: dict[str, int] = {}
        while len(known) < len(self.calls):
            for path, called in self.calls.items():
                if called.keys() <= known.keys():
                    known[path] = 1 + max((known[each] for each in called), default=0)
        return known


def find_call_faults(root: Path, workflow: Workflow) -> Iterator[Finding]:
    """Yield what is wrong with the local workflows that jobs call, and with what they hand over."""
    tree = _Tree()
    tree.add(workflow)
    waiting = [workflow]
    while waiting:
        caller = waiting.pop()
        for job in caller.jobs.values():
            path = job.uses.removeprefix("./")
            if path == job.uses:
                continue
            called, wrong = _look_up(root, path)
            if called is None:
                yield _finding(caller, job, wrong, "uses")
                continue
            yield from _handed_over(caller, job, called)
            tree.calls[caller.path].setdefault(path, job)
            if path in tree.workflows:
                continue
            if len(tree.workflows) > _CALLED_LIMIT:
                message = f"more than {_CALLED_LIMIT} workflows are called, all in all"
                yield _finding(caller, job, message, "uses")
                return
            tree.add(called)
            waiting.append(called)
            yield from workflow_validity.find_faults(called)
    yield from _nested(workflow, tree)


def _look_up(root: Path, path: str) -> tuple[Workflow | None, str]:
    """Return the workflow of a path, or None and why there is none."""
    if not _PLACE.fullmatch(path):
        return None, f"{_shorten(path)} is no file right in {workflow_model.WORKFLOWS}"
    try:
        return workflow_model.load_workflow(root, path), ""
    except UnusableFileError as error:
        return None, f"{path} {error.message}"


def _nested(workflow: Workflow, tree: _Tree) -> Iterator[Finding]:
    """Yield where workflows call each other in a circle, or too deep."""
    if circle := find_cycle({path: list(called) for path, called in tree.calls.items()}):
        message = f"the workflows call each other: {' -> '.join(map(_shorten, circle))}"
        job = tree.calls[circle[0]][circle[1]]
        yield _finding(tree.workflows[circle[0]], job, message, "uses")
        return
    levels = tree.levels()
    for path, job in tree.calls[workflow.path].items():
        if levels[path] >= _LEVELS_LIMIT:
            message = (
                f"jobs.{job.id} makes {levels[path] + 1} levels of workflows; GitHub connects "
                f"{_LEVELS_LIMIT} at most"
            )
            yield _finding(workflow, job, message, "uses")


def _shorten(path: str) -> str:
    name = path.removeprefix(f"{workflow_model.WORKFLOWS}/")
    return name if len(name) <= _SHOWN_LIMIT else f"{name[:_SHOWN_LIMIT]}..."


def _handed_over(caller: Workflow, job: Job, called: Workflow) -> Iterator[Finding]:
    if "workflow_call" not in called.triggers:
        message = f"{called.path} cannot be called: its on does not name workflow_call"
        yield _finding(caller, job, message, "uses")
        return
    asked = called.triggers["workflow_call"]
    secrets = job.data.get("secrets")
    yield from _held_against(caller, job, "with", ensure_mapping(asked.get("inputs")))
    if format_scalar(secrets) != "inherit":
        yield from _held_against(caller, job, "secrets", ensure_mapping(asked.get("secrets")))


def _held_against(
    caller: Workflow, job: Job, key: str, asked: Mapping[Any, Any]
) -> Iterator[Finding]:
    """Yield what is handed over and not asked for, and what is required and not handed over."""
    given = {str(name).lower(): str(name) for name in ensure_mapping(job.data.get(key))}
    known = {str(name).lower(): ensure_mapping(part) for name, part in asked.items()}
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
