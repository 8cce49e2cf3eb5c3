"""What a workflow needs of the machine that runs it: actions, runner labels, no containers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffolder.checks.github import workflow_model
from scaffolder.checks.github.workflow_model import (
    Job,
    Workflow,
    ensure_mapping,
    format_scalar,
    list_strings,
)
from scaffolder.core.errors import NotShownError

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_MATRIX = re.compile(r"matrix\.([A-Za-z_][\w-]*)")
_COMPARED = re.compile(r"matrix\.([A-Za-z_][\w-]*)\s*(==|!=)\s*'([^']*)'")
_QUOTED = re.compile(r"'([\w.-]+)'")
_FOREIGN_SYSTEM = re.compile(r"windows|macos", re.IGNORECASE)


@dataclass(frozen=True)
class Switch:
    """A switch of a job: on in the legs of its matrix where `variable` is `value`.

    With `equal` false in the others; without a variable in all. Compared as GitHub compares text.
    """

    variable: str = ""
    value: str = "true"
    equal: bool = True

    def on(self, matrix: Mapping[str, Any]) -> bool:
        """Whether it is on in a leg of the matrix."""
        same = format_scalar(matrix.get(self.variable)).lower() == self.value.lower()
        return not self.variable or same is self.equal


@dataclass(frozen=True)
class Needs:
    """What running a workflow takes.

    `actions` are references such as "actions/cache/restore@v4", `labels` what `runs-on` can come
    to, `soft_jobs` the jobs whose failure the workflow forgives (continue-on-error), and when.
    """

    actions: frozenset[str]
    labels: frozenset[str]
    soft_jobs: Mapping[str, Switch]


def is_forgiven(soft_jobs: Mapping[str, Switch], job_id: str, matrix: Mapping[str, Any]) -> bool:
    """Whether a failure of this leg of a job turns nothing red."""
    switch = soft_jobs.get(job_id)
    return switch is not None and switch.on(matrix)


def find_needs(root: Path, workflow: Workflow) -> Needs:
    """Return what a workflow, and everything in the repository that it uses, needs.

    Raises NotShownError where that is more than this machine can play: containers, other
    systems, somebody else's reusable workflows.
    """
    texts = workflow_model.read_called_files(root, workflow)
    called = [workflow_model.parse_workflow(source, path) for path, source in texts.items()]
    jobs = [job for each in (workflow, *called) for job in each.jobs.values() if not job.dead]
    for job in jobs:
        _refuse_what_cannot_be_played(job)
    return Needs(
        actions=_find_actions(jobs, called),
        labels=frozenset(label for job in jobs for label in list_labels(job.data)),
        soft_jobs={
            job.id: switch
            for job in jobs
            if (switch := read_switch(job.data.get("continue-on-error")))
        },
    )


def _find_actions(jobs: Sequence[Job], called: Sequence[Workflow]) -> frozenset[str]:
    """Return the actions of other repositories; raises NotShownError for one in a container."""
    uses = [step.uses.strip() for job in jobs for step in job.steps]
    uses += [use for action in called for use in _composite_uses(action)]
    for use in uses:
        if use.startswith("docker://"):
            raise NotShownError(f"the step {use} runs in a container; devlab rehearses none")
    return frozenset(use for use in uses if use and not use.startswith("./"))


def _refuse_what_cannot_be_played(job: Job) -> None:
    if job.data.get("container") or job.data.get("services"):
        raise NotShownError(
            f"the job {job.id} runs in a container or beside service containers, which devlab "
            "cannot rehearse",
            hint="run its steps on the runner itself",
        )
    if job.uses and not job.uses.startswith("./"):
        raise NotShownError(
            f"the reusable workflow {job.uses} is in another repository, which devlab does not "
            "fetch",
            hint="keep the reusable workflow in this repository",
        )
    for label in list_labels(job.data):
        if _FOREIGN_SYSTEM.search(label):
            raise NotShownError(
                f"the job {job.id} asks for the runner {label}; devlab rehearses on Linux only",
                hint="use ubuntu-latest",
            )


def _composite_uses(action: Workflow) -> Iterator[str]:
    runs = ensure_mapping(action.data.get("runs"))
    if format_scalar(runs.get("using")) == "docker":
        raise NotShownError(f"the action {action.path} runs in a container; devlab rehearses none")
    steps = runs.get("steps")
    for step in steps if isinstance(steps, list) else []:
        yield format_scalar(ensure_mapping(step).get("uses")).strip()


def list_labels(job: Mapping[str, Any]) -> frozenset[str]:
    """Return every runner label that a job can ask for, its matrix filled in."""
    asked = job.get("runs-on")
    if isinstance(asked, dict):
        asked = asked.get("labels")
    return frozenset(label for each in list_strings(asked) for label in _filled(each, job))


def _filled(label: str, job: Mapping[str, Any]) -> Iterator[str]:
    if not _EXPRESSION.search(label):
        yield label
        return
    for name in _MATRIX.findall(label):
        for value in _matrix_values(job, name):
            for part in list_strings(value):
                yield part.join(_EXPRESSION.split(label)[::2])
    # A label can also be spelled out within: ${{ inputs.runner || 'ubuntu-latest' }}.
    yield from _QUOTED.findall(label)


def _matrix_values(job: Mapping[str, Any], name: str) -> Sequence[Any]:
    matrix = ensure_mapping(ensure_mapping(job.get("strategy")).get("matrix"))
    values, included = matrix.get(name), matrix.get("include")
    return [
        *(values if isinstance(values, list) else []),
        *(
            entry[name]
            for entry in (included if isinstance(included, list) else [])
            if isinstance(entry, dict) and name in entry
        ),
    ]


def read_switch(value: Any) -> Switch | None:
    """Return when a switch of a job is on, None where it is off.

    An expression that cannot be told counts as on: it forgives some failure.
    """
    if not isinstance(value, str):
        return Switch() if value else None
    match = _EXPRESSION.fullmatch(value.strip())
    inner = (match[1] if match else value).strip()
    if inner in ("false", ""):
        return None
    if variable := _MATRIX.fullmatch(inner):
        return Switch(variable[1])
    if compared := _COMPARED.fullmatch(inner):
        return Switch(compared[1], compared[3], compared[2] == "==")
    return Switch()
