"""Which events would start a workflow, by the rules of GitHub's documentation.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#on

What asks whether an event would start one raises CheckFailedError for a filter that GitHub cannot
read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from scaffolder.checks.github.workflow_model import Workflow, list_strings
from scaffolder.checks.github.workflow_patterns import is_selected
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Finding

PATTERN_LIMIT = 100
# Without `types` a pull request starts a workflow for these activities.
PULL_REQUEST_DEFAULTS = ("opened", "synchronize", "reopened")
_PULL_REQUEST_MEANING = {
    "opened": "a new pull request",
    "synchronize": "new commits in a pull request",
    "reopened": "a pull request that is opened again",
}
_EXCLUSIVE = (("branches", "branches-ignore"), ("tags", "tags-ignore"), ("paths", "paths-ignore"))

# (rule, keys below the event, message)
Reason = tuple[str, tuple[str, ...], str]


def why_not_pushed(
    workflow: Workflow, branch: str, changes: Iterable[str] = ()
) -> Iterator[Reason]:
    """Yield why a push to `branch` would not start the workflow; nothing if it would.

    `changes` are paths each of which, changed alone, must start it.
    """
    filters = workflow.triggers.get("push")
    if filters is None:
        yield "push-missing", (), "on does not name push"
        return
    only_tags = {"tags", "tags-ignore"} & filters.keys()
    if only_tags and not {"branches", "branches-ignore"} & filters.keys():
        yield "push-tags-only", (min(only_tags),), "push is limited to tags, so no branch starts it"
        return
    yield from _filtered(workflow, "push", f"a push to {branch}", branch, changes)


def why_tag_not_pushed(workflow: Workflow, tag: str) -> Iterator[Reason]:
    """Yield why a push of a tag would not start the workflow; nothing if it would."""
    filters = workflow.triggers.get("push")
    if filters is None:
        yield "push-missing", (), "on does not name push"
        return
    if not {"tags", "tags-ignore"} & filters.keys():
        for key in sorted({"branches", "branches-ignore"} & filters.keys()):
            yield "push-branches-only", (key,), "push is limited to branches, so no tag starts it"
            return
    for key in ("tags", "tags-ignore"):
        if key in filters and not _passes(workflow, "push", key, tag):
            yield f"push-{key}", (key,), f"a push of the tag {tag} does not start it"


def why_no_pull_request(workflow: Workflow, base: str, changes: Iterable[str]) -> Iterator[Reason]:
    """Yield why pull requests towards the branch `base` would not start the workflow."""
    filters = workflow.triggers.get("pull_request")
    if filters is None:
        more = (
            ": pull_request_target runs the base branch's code, with its secrets, instead"
            if "pull_request_target" in workflow.triggers
            else ""
        )
        yield "pull-request-missing", (), f"on does not name pull_request{more}"
        return
    types = list_strings(filters.get("types"))
    for activity in PULL_REQUEST_DEFAULTS:
        if "types" in filters and activity not in types:
            words = _PULL_REQUEST_MEANING[activity]
            yield "pull-request-types", ("types",), f"types leaves out {activity}: {words}"
    yield from _filtered(workflow, "pull_request", f"a pull request to {base}", base, changes)


def derive_branches(good: Collection[str]) -> tuple[str, ...]:
    """Return names that look like those of good branches and are others."""
    derived = (
        near
        for name in good
        for near in (f"{name}-old", f"{name}2", f"my{name}", f"feature/{name}", f"{name}/next")
    )
    cased = (name.swapcase() for name in good)
    return tuple(dict.fromkeys(near for near in (*derived, *cased) if near not in good))


def derive_tags(branches: Collection[str]) -> tuple[str, ...]:
    """Return names of tags that look like those of branches."""
    return tuple(near for name in branches for near in (name, f"{name}-1.0"))


def derive_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Return files that could be added beside those that are there, in every folder of them.

    The root and hidden folders are left out: what lies there is often listed by name.
    """
    places = {
        (path.rpartition("/")[0], path.rpartition(".")[2])
        for path in paths
        if "/" in path and not path.startswith(".") and "." in path.rpartition("/")[2][1:]
    }
    return tuple(f"{folder}/added_later.{suffix}" for folder, suffix in sorted(places))


def find_contradictions(workflow: Workflow) -> Iterator[Reason]:
    """Yield filters that GitHub refuses: both ways of one filter, or only negative patterns."""
    for event in ("push", "pull_request", "pull_request_target"):
        filters = workflow.triggers.get(event, {})
        for positive, negative in _EXCLUSIVE:
            if positive in filters and negative in filters:
                message = f"{event} has both {positive} and {negative}, and GitHub allows only one"
                yield "filter-twice", (event, negative), message
            patterns = list_strings(filters.get(positive))
            if patterns and all(pattern.startswith("!") for pattern in patterns):
                message = f"{event}.{positive} has only patterns with !, so it selects nothing"
                yield "filter-only-negative", (event, positive), message


def _filtered(
    workflow: Workflow, event: str, what: str, branch: str, changes: Iterable[str]
) -> Iterator[Reason]:
    filters = workflow.triggers[event]
    rule = event.replace("_", "-")
    for key in ("branches", "branches-ignore"):
        if key in filters and not _passes(workflow, event, key, branch):
            shown = ", ".join(list_strings(filters[key])[:5]) or "nothing"
            yield f"{rule}-{key}", (key,), f"{what} does not start it: {key} is {shown}"
    for key in ("paths", "paths-ignore"):
        if key in filters:
            left_out = [path for path in changes if not _passes(workflow, event, key, path)]
            if left_out:
                shown = ", ".join(left_out[:3]) + (" ..." if len(left_out) > 3 else "")
                message = f"{what} that changes only {left_out[0]} does not start it"
                yield f"{rule}-{key}", (key,), f"{message}; {key} leaves out {shown}"


def _passes(workflow: Workflow, event: str, key: str, name: str) -> bool:
    """Whether one filter lets a name through."""
    patterns = list_strings(workflow.triggers[event][key])
    try:
        if len(patterns) > PATTERN_LIMIT:
            raise ValueError(f"{key} has {len(patterns):,} patterns; {PATTERN_LIMIT} are read")
        return is_selected(name, patterns) is not key.endswith("-ignore")
    except ValueError as error:
        message = f"a filter in {workflow.path} cannot be read: {error}"
        line = workflow.line("on", event, key)
        raise CheckFailedError(message, Finding(message, path=workflow.path, line=line)) from error
