"""Conditions and scripts of a workflow that have to do with whose repository it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scaffolder.checks.github.workflow_language import (
    ExpressionError,
    ExpressionNode,
    parse_expression,
    split_text,
)
from scaffolder.checks.github.workflow_model import Workflow, format_scalar
from scaffolder.checks.pipeline.runner import Guard

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
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?")


def asks_who_acts(workflow: Workflow) -> bool:
    """Whether anything in a workflow has to do with who somebody is."""
    return any(_asks_who(value) for value in _texts(workflow.data))


def list_guards(workflow: Workflow) -> Iterator[Guard]:
    """Yield the conditions in a workflow that ask for a repository or its owner."""
    for job in workflow.jobs.values():
        conditions = [
            format_scalar(job.data.get("if")),
            *(format_scalar(step.data.get("if")) for step in job.steps),
        ]
        for condition in filter(None, conditions):
            for repository in _asked_for(condition):
                yield Guard(job.id, condition.strip(), repository)


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


def _is_who(node: ExpressionNode) -> bool:
    path = tuple(_path(node).split("."))
    return any(path[: len(each)] == each for each in _WHO)


def _path(node: ExpressionNode) -> str:
    """Return what a context, or a part of one, is called, however it is spelled."""
    if node.kind == "index":
        return ".".join(_path(part) for part in node.parts)
    return node.name.strip("'").lower()


def _walk(node: ExpressionNode) -> Iterator[ExpressionNode]:
    yield node
    for part in node.parts:
        yield from _walk(part)
