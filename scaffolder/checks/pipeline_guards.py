"""Conditions that ask for one repository or one person, as projects with forks have them.

A rehearsal takes place in a repository that was made up, so what such a condition guards does not
run in it. Whether it would run elsewhere is found by rehearsing in the repository that it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scaffolder.checks import workflow_model
from scaffolder.checks.base import Context
from scaffolder.checks.pipeline_scenes import healthy
from scaffolder.checks.rehearsal import Rehearsal
from scaffolder.checks.workflow_language import (
    ExpressionError,
    Node,
    parse_expression,
    split_text,
)
from scaffolder.checks.workflow_model import Workflow, text
from scaffolder.errors import NotShownError

_ASKED = 3
_WHO = frozenset(
    {
        *("github.repository", "github.repository_owner", "github.actor"),
        *("github.triggering_actor", "github.event.repository.full_name"),
        *("github.event.repository.name", "github.event.repository.owner.login"),
        *("github.event.repository.owner.name", "github.event.sender.login"),
        *("github.event.pusher.name", "github.event.head_commit.author.username"),
        "github.event.pull_request.user.login",
    }
)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?")


@dataclass(frozen=True)
class _Guard:
    """A condition of a job, or of a step in it, and a repository that it may ask for."""

    job: str
    condition: str
    repository: str


def require_unguarded(context: Context, rehearsal: Rehearsal) -> None:
    """Raise NotShownError where more of the healthy app's pipeline runs in a repository that one
    of its conditions asks for."""
    scene = rehearsal.scene
    workflow = workflow_model.of(context.run, scene.workflow)
    called = workflow_model.called_workflows(context.run.snapshot, workflow)
    guards = {guard.repository: guard for each in (workflow, *called) for guard in _guards(each)}
    ran = {step.place for step in rehearsal.record.steps}
    for guard in list(guards.values())[:_ASKED]:
        other = healthy(
            context,
            scene.workflow,
            scene.event,
            scene.branch,
            scene.change if scene.change in context.run.faults else "",
            home=scene.home,
            repository=guard.repository,
        )
        if {step.place for step in other.record.steps} - ran:
            raise NotShownError(
                f"the job {guard.job} runs only where {guard.condition[:200]}: a rehearsal takes "
                f"place in another repository, so what is guarded there does not run",
                hint="it may well be right on GitHub; ask for the event and the branch alone, and "
                "it counts",
            )


def _guards(workflow: Workflow) -> Iterator[_Guard]:
    for job in workflow.jobs.values():
        conditions = [text(job.data.get("if")), *(text(step.data.get("if")) for step in job.steps)]
        for condition in filter(None, conditions):
            for repository in _asked_for(condition):
                yield _Guard(job.id, condition.strip(), repository)


def _asked_for(condition: str) -> Iterator[str]:
    """Yield the names in a condition that has to do with who somebody is."""
    try:
        codes = [part.code for part in split_text(condition)] or [condition]
        for code in codes:
            nodes = list(_walk(parse_expression(code)))
            if not {_path(node) for node in nodes} & _WHO:
                continue
            for node in nodes:
                name = node.name[1:-1] if node.name.startswith("'") else ""
                if node.kind == "literal" and _REPOSITORY.fullmatch(name):
                    yield name
    except ExpressionError:
        return


def _path(node: Node) -> str:
    """Return what a context, or a part of one, is called, however it is spelled."""
    if node.kind == "index":
        return ".".join(_path(part) for part in node.parts)
    return node.name.strip("'").lower()


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _walk(part)
