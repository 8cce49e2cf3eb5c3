"""Conditions that ask for one repository or one person, as projects with forks have them.

A rehearsal takes place in a repository that was made up, so what such a condition guards does not
run in it. Whether it would run elsewhere is found by rehearsing in the repository that it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.github import workflow_model
from scaffolder.checks.github.rehearsal import ELSEWHERE, Rehearsal
from scaffolder.checks.github.workflow_language import (
    ExpressionError,
    Node,
    parse_expression,
    split_text,
)
from scaffolder.checks.github.workflow_model import Workflow, text
from scaffolder.checks.pipeline.scenes import healthy
from scaffolder.core.errors import NotShownError

_ASKED = 3
_REPOSITORY_PARTS = ("full_name", "name", "owner", "id", "fork", "private", "html_url")
# What says whose repository it is, who acts in it, and where a pull request comes from; what lies
# in one of them belongs to it.
_WHO = tuple(
    tuple(name.split("."))
    for name in (
        *("github.repository", "github.repository_owner", "github.repository_id"),
        *("github.actor", "github.actor_id", "github.triggering_actor"),
        *("github.repository_owner_id", "github.event.sender"),
        *(f"github.event.repository.{part}" for part in _REPOSITORY_PARTS),
        *("github.event.pusher", "github.event.head_commit.author"),
        *("github.event.pull_request.user", "github.event.pull_request.head.repo"),
        *("github.event.pull_request.head.user", "github.event.pull_request.head.label"),
        "github.event.pull_request.author_association",
    )
)
# Of those, what a script finds in its environment.
_VARIABLES = re.compile(r"\bGITHUB_(?:REPOSITORY|ACTOR|TRIGGERING_ACTOR|EVENT_PATH)")
_HINT = "it may well be right on GitHub; ask for the event and the branch alone, and it counts"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?")


@dataclass(frozen=True)
class _Guard:
    """A condition of a job, or of a step in it, and a repository that it may ask for."""

    job: str
    condition: str
    repository: str


def require_unguarded(context: Context, rehearsal: Rehearsal) -> None:
    """Raise NotShownError where more of the healthy app's pipeline runs for somebody else: in a
    repository that one of its conditions asks for, or in one that is not of whoever acts in it."""
    scene = rehearsal.scene
    workflow = workflow_model.of(context.run, scene.workflow)
    called = workflow_model.called_workflows(context.run.snapshot, workflow)
    guards = {guard.repository: guard for each in (workflow, *called) for guard in _guards(each)}
    for guard in list(guards.values())[:_ASKED]:
        if _runs_more(context, rehearsal, guard.repository):
            raise NotShownError(
                f"the job {guard.job} runs only where {guard.condition[:200]}: a rehearsal takes "
                f"place in another repository, so what is guarded there does not run",
                hint=_HINT,
            )
    if any(_asks_who(text) for each in (workflow, *called) for text in _texts(each.data)):
        for job in _runs_more(context, rehearsal, ELSEWHERE):
            raise NotShownError(
                f"more of the job {job} runs where the repository is another's, or a pull request "
                "comes from a fork: a rehearsal takes place in a repository of whoever acts in it",
                hint=_HINT,
            )


def _runs_more(context: Context, rehearsal: Rehearsal, repository: str) -> list[str]:
    """Return the jobs of which more runs in another repository."""
    scene = rehearsal.scene
    other = healthy(
        context,
        scene.workflow,
        scene.event,
        scene.branch,
        scene.change if scene.change in context.run.faults else "",
        home=scene.home,
        repository=repository,
    )
    ran = {step.place for step in rehearsal.record.steps}
    return [step.job_id for step in other.record.steps if step.place not in ran]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _asks_who(value: str) -> bool:
    """Whether a text has to do with who somebody is: an expression, a condition or a script."""
    if _VARIABLES.search(value):
        return True
    try:
        codes = [part.code for part in split_text(value)] or [value]
        return any(_is_who(node) for code in codes for node in _walk(parse_expression(code)))
    except ExpressionError:
        return False


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
            if not any(map(_is_who, nodes)):
                continue
            for node in nodes:
                name = node.name[1:-1] if node.name.startswith("'") else ""
                if node.kind == "literal" and _REPOSITORY.fullmatch(name):
                    yield name
    except ExpressionError:
        return


def _is_who(node: Node) -> bool:
    path = tuple(_path(node).split("."))
    return any(path[: len(each)] == each for each in _WHO)


def _path(node: Node) -> str:
    """Return what a context, or a part of one, is called, however it is spelled."""
    if node.kind == "index":
        return ".".join(_path(part) for part in node.parts)
    return node.name.strip("'").lower()


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _walk(part)
