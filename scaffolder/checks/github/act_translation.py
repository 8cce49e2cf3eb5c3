"""A workflow that GitHub takes, as one that act 0.2.89 runs in the same way.

What act refuses though GitHub takes it, or reads otherwise, is written in another way where that
comes to the same; where nothing does, the work is not shown: `NotShownError` names the construct.
All of it is written as JSON, which YAML is a superset of, from the values that GitHub reads: act's
parser leans to YAML 1.1. Steps see the file as it was committed.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffolder.checks.context import Run
from scaffolder.checks.github import workflow_model, workflow_validity
from scaffolder.checks.github.act_environment import read_environment
from scaffolder.checks.github.act_expressions import Translator, UntranslatableError
from scaffolder.checks.github.workflow_contexts import find_room
from scaffolder.checks.github.workflow_model import Workflow, ensure_mapping, format_scalar
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import NotShownError
from scaffolder.core.yaml_source import Position
from scaffolder.workspace import resolve_inside

# Which shell GitHub runs a step with that names none; `shell: bash` adds pipefail. act 0.2.89 knows
# that once: the first leg of a matrix writes "bash" into the step that all legs share.
# https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell
UNSPECIFIED = "bash -e {0}"
_RUN_EVENTS = ("push", "pull_request")
# Of no consequence for what a rehearsal runs; act knows only some of what they may hold.
_IDLE = frozenset({"permissions", "concurrency", "run-name", "cache-mode"})
_IDLE_IN_JOBS = _IDLE | {"cancel-timeout-minutes", "snapshot", "environment"}
# Mappings that act reads as empty, or not at all, where an expression stands for the whole.
_WHOLE = ("env", "with", "strategy", "defaults", "services", "outputs")
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def write_for_act(run: Run, work: Path, workflow: Workflow, root: Path) -> None:
    """Write a workflow, and those that it calls in its repository `root`, into `work` as act wants.

    What is not in `work`, because git left it out, is not written either. Raises CheckFailedError
    where GitHub would refuse one of them, NotShownError where act cannot run one that GitHub takes.
    """
    key = ("workflows for act", root, workflow.path, workflow.source)
    for path, source in run.shared.get(key, lambda: _prepare(workflow, root)).items():
        place = resolve_inside(work, path)
        if place.is_file():
            place.write_text(source, "utf-8")


def translate_workflow(workflow: Workflow) -> str:
    """Return the source for act of one workflow; raises NotShownError."""
    try:
        return _as_json(_edit(workflow))
    except UntranslatableError as error:
        raise NotShownError(
            f"act, which rehearses {workflow.path}, cannot tell {error}",
            hint="say it in another way, and it can be rehearsed",
        ) from error


def _prepare(workflow: Workflow, root: Path) -> Mapping[str, str]:
    prepared: dict[str, str] = {}
    for each in (workflow, *workflow_model.load_called_workflows(root, workflow)):
        faults = workflow_validity.find_faults(each)
        if faults:
            message = f"GitHub would refuse {each.path}: line {faults[0].line}: {faults[0].message}"
            raise CheckFailedError(message, *faults)
        prepared[each.path] = translate_workflow(each)
    return prepared


def _edit(workflow: Workflow) -> dict[str, Any]:
    """Return the data of a workflow with everything changed that act reads in another way.

    Raises UntranslatableError where nothing that act knows comes to the same.
    """
    data: dict[str, Any] = copy.deepcopy(dict(workflow.data))
    jobs = {str(name): job for name, job in ensure_mapping(data.get("jobs")).items()}
    spelled = {name.lower(): name for name in jobs}
    environment = read_environment(data)
    for name, job in jobs.items():
        if not isinstance(job, dict):
            continue
        _refuse_whole(job, f"jobs.{name}")
        _edit_needs(job, spelled)
        if isinstance(job.get("steps"), list):
            job["steps"] = list(_steps(job["steps"], f"jobs.{name}"))
        _drop_nothing(job)
        translator = Translator(workflow.path, job, environment)
        jobs[name] = _rewritten(job, ("jobs", name), translator)
        _let_legs_end(jobs[name])
    rest = {key: value for key, value in data.items() if key != "jobs"}
    _refuse_whole(rest, "the workflow")
    outside = Translator(workflow.path, environment=environment)
    return {key: _rewritten(value, (key,), outside) for key, value in rest.items()} | {"jobs": jobs}


def _refuse_whole(part: Mapping[str, Any], where: str) -> None:
    for key in _WHOLE:
        value = part.get(key)
        if isinstance(value, str) and "${{" in value:
            raise UntranslatableError(f"{where}.{key}, which is an expression as a whole")
        if any("${{" in str(name) for name in ensure_mapping(value)):
            raise UntranslatableError(f"{where}.{key}, in which an expression is a key")


def _edit_needs(job: dict[str, Any], spelled: Mapping[str, str]) -> None:
    """Spell the jobs that one needs as they are spelled: to GitHub, case is nothing in them."""
    needs = job.get("needs")
    if isinstance(needs, list):
        job["needs"] = [spelled.get(format_scalar(need).lower(), need) for need in needs]
    elif needs is not None:
        job["needs"] = spelled.get(format_scalar(needs).lower(), needs)


def _let_legs_end(job: dict[str, Any]) -> None:
    """Have each leg of a matrix end by itself.

    GitHub cancels those that still run when one fails, and which these are is a race: the job is
    red either way, and what each leg would have said is no accident so.
    """
    strategy = job.get("strategy")
    if isinstance(strategy, dict) and not isinstance(strategy.get("fail-fast"), str):
        strategy["fail-fast"] = False


def _drop_nothing(part: dict[str, Any]) -> None:
    """Drop keys without a value: GitHub takes them for the empty text, act for an error."""
    for key in ("name", "if", "environment", "container", "working-directory"):
        if key in part and part[key] in (None, ""):
            del part[key]


def _steps(steps: list[Any], where: str) -> Iterator[Any]:
    """Yield steps one after the other: those in the background come where they would begin.

    Whether the job is green, and which step is not, comes to the same so, unless one is stopped or
    its failure forgiven where it is waited for.
    """
    for index, step in enumerate(steps):
        place = f"{where}.steps[{index}]"
        if not isinstance(step, dict):
            yield step
        elif "parallel" in step:
            inner = step["parallel"]
            yield from _steps(inner if isinstance(inner, list) else [], f"{place}.parallel")
        elif "cancel" in step:
            raise UntranslatableError(f"{place}, which stops a step in the background")
        elif "wait" in step or "wait-all" in step:
            if step.get("continue-on-error"):
                raise UntranslatableError(f"{place}, which forgives a step in the background")
            # In its place, so that the steps behind it keep their numbers.
            yield {"name": "wait", "run": ":"}
        else:
            _refuse_whole(step, place)
            _drop_nothing(step)
            step.pop("background", None)
            if "run" in step and step["run"] in (None, ""):
                step["run"] = ":"
            yield step


def _rewritten(value: Any, position: Position, translator: Translator) -> Any:
    if isinstance(value, dict):
        return {key: _rewritten(part, (*position, key), translator) for key, part in value.items()}
    if isinstance(value, list):
        return [
            _rewritten(part, (*position, index), translator) for index, part in enumerate(value)
        ]
    room = find_room(position)
    if not isinstance(value, str) or room is None:
        return value
    return translator.rewrite(value, condition=room.condition)


def _as_json(data: Mapping[str, Any]) -> str:
    """Return a workflow as JSON with nothing in it that a rehearsal does not go by.

    Whether an event starts it is judged by `workflow_triggers`; act takes no filters into account.
    """
    kept = {key: value for key, value in data.items() if key not in _IDLE}
    kept["jobs"] = {
        name: {key: value for key, value in ensure_mapping(job).items() if key not in _IDLE_IN_JOBS}
        for name, job in ensure_mapping(data.get("jobs")).items()
    }
    on = kept.get("on")
    if isinstance(on, dict):
        kept["on"] = {event: None for event in on if event in _RUN_EVENTS}
        kept["on"] |= {event: on[event] for event in on if event == "workflow_call"}
    defaults = kept["defaults"] = dict(ensure_mapping(kept.get("defaults")))
    defaults["run"] = {"shell": UNSPECIFIED, **ensure_mapping(defaults.get("run"))}
    written = json.dumps(kept, ensure_ascii=False, indent=1)
    # What JSON allows in a string and YAML takes for the end of a line.
    return _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", written)
