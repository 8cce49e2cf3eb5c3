"""A workflow as operators see it: jobs and steps with names, and where each part stands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scaffolder.checks.mutations import Source
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.yaml_source import Position, Span


@dataclass(frozen=True)
class WorkflowPart:
    """A job or a step: the way to it, its data, and what it is called in an id."""

    position: Position
    data: dict[Any, Any]
    name: str


@dataclass(frozen=True)
class WorkflowDocument:
    """A workflow: its text, its data, and where each part of it stands."""

    text: str
    data: dict[Any, Any]
    spans: dict[Position, Span]

    @cached_property
    def jobs(self) -> tuple[WorkflowPart, ...]:
        found = ensure_mapping(self.data.get("jobs"))
        return tuple(
            WorkflowPart(("jobs", name), job, f"jobs.{name}")
            for name, job in found.items()
            if isinstance(name, str) and isinstance(job, dict)
        )

    @cached_property
    def steps(self) -> tuple[WorkflowPart, ...]:
        """The steps of all jobs in their order."""
        return tuple(step for job in self.jobs for step in self.steps_of(job))

    def steps_of(self, job: WorkflowPart) -> tuple[WorkflowPart, ...]:
        """Return a job's steps; each is called by what it says of itself, not by its number."""
        seen: Counter[str] = Counter()
        found = []
        for index, step in enumerate(ensure_list(job.data.get("steps"))):
            if isinstance(step, dict):
                word = _step_word(step)
                seen[word] += 1
                suffix = f"-{seen[word]}" if seen[word] > 1 else ""
                name = f"{job.name}.steps.{word}{suffix}"
                found.append(WorkflowPart((*job.position, "steps", index), step, name))
        return tuple(found)

    def siblings(self, position: Position) -> list[Span]:
        """Return the spans of a part and of those beside it, in their order."""
        beside = (place for place in self.spans if place and place[:-1] == position[:-1])
        return sorted((self.spans[place] for place in beside), key=lambda span: span.start)

    def written(self, position: Position) -> str:
        """Return how a value is written."""
        span = self.spans[position]
        return self.text[span.value : span.end]


def parse_workflow(source: Source) -> WorkflowDocument | None:
    """Return the workflow, or None where it has no jobs; raises UnusableFileError."""
    try:
        data = yaml_source.load_yaml(source.text).data
        spans = yaml_source.find_spans(source.text)
    except yaml_source.YamlError as error:
        raise UnusableFileError(error.message, source.path, line=error.line) from error
    workflow = WorkflowDocument(source.text, ensure_mapping(data), spans)
    return workflow if workflow.jobs else None


def ensure_mapping(value: Any) -> dict[Any, Any]:
    """Return a mapping, or an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def ensure_list(value: Any) -> list[Any]:
    """Return a list, or an empty one for any other value."""
    return value if isinstance(value, list) else []


def _step_word(step: dict[Any, Any]) -> str:
    """Return what a step is best known by: its id, its name, its action, its command."""
    uses = str(step.get("uses") or "").partition("@")[0].rpartition("/")[2]
    run = " ".join(str(step.get("run") or "").split()[:3])
    words = str(step.get("id") or step.get("name") or uses or run or "step")
    return re.sub(r"[^\w-]+", "-", words.lower()).strip("-") or "step"
