"""A GitHub Actions workflow as values: triggers, jobs, steps, each with its place in the file.

Reading is bounded and never runs anything. It is also forgiving: a part of the wrong shape reads
as absent, because saying what is wrong with a workflow is the schema's work, not the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffolder import workspace
from scaffolder.checks.context import Run
from scaffolder.core import yaml_source
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.yaml_source import Document, Position, YamlError

WORKFLOWS = ".github/workflows"
JOB_LIMIT = 256
STEP_LIMIT = 1000  # GitHub's own bound on the steps of one job
_ACTION_FILES = ("action.yml", "action.yaml")
_NESTING_LIMIT = 8


@dataclass(frozen=True)
class Step:
    """One step: what it says, in which file and at which line it begins."""

    data: Mapping[str, Any]
    path: str
    line: int
    position: Position = ()

    @property
    def run(self) -> str:
        """The script of the step, or nothing."""
        return format_scalar(self.data.get("run"))

    @property
    def uses(self) -> str:
        """The action that the step uses, or nothing."""
        return format_scalar(self.data.get("uses"))

    @property
    def action(self) -> str:
        """The action without its version, in lower case as GitHub compares it."""
        return self.uses.partition("@")[0].strip().lower()

    @property
    def inputs(self) -> Mapping[str, str]:
        """What `with` gives to the action: names in lower case, values as text."""
        return {name.lower(): value for name, value in format_values(self.data.get("with")).items()}

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that the step adds."""
        return format_values(self.data.get("env"))

    @property
    def dead(self) -> bool:
        """Whether its condition says in so many words that it never runs."""
        return is_dead(self.data)


@dataclass(frozen=True)
class Job:
    """One job: its id, the jobs it waits for, its steps, or the workflow that it calls."""

    id: str
    data: Mapping[str, Any]
    line: int
    needs: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def uses(self) -> str:
        """The reusable workflow that the job calls, or nothing."""
        return format_scalar(self.data.get("uses"))

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that the job adds."""
        return format_values(self.data.get("env"))

    @property
    def dead(self) -> bool:
        """Whether its condition says in so many words that it never runs."""
        return is_dead(self.data)


@dataclass(frozen=True)
class Workflow:
    """A parsed workflow. `triggers` maps each event to its filters, however `on` spells them."""

    path: str
    source: str = field(repr=False)
    document: Document = field(repr=False)
    triggers: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Job]

    @property
    def data(self) -> Mapping[str, Any]:
        return ensure_mapping(self.document.data)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of every job."""
        return format_values(self.data.get("env"))

    def line(self, *position: str | int) -> int:
        """Return the line of a part of the document, or of what is nearest around it."""
        return self.document.line(*position)


def read_workflow(run: Run, path: str) -> Workflow:
    """Return the workflow at `path` of the learner's work, parsed once in a run.

    Raises UnusableFileError where it cannot be read as a workflow: missing, a link, larger than
    workspace.TEXT_LIMIT, not UTF-8, not YAML, empty, not a mapping, more than JOB_LIMIT jobs.
    """
    for skipped in run.skipped:
        if Path(path).is_relative_to(skipped.path):
            raise UnusableFileError(f"is {skipped.reason}", path)
    return run.shared.get(("workflow", path), lambda: load_workflow(run.snapshot, path))


def load_workflow(root: Path, path: str) -> Workflow:
    """Read and parse the workflow at `root / path`; raises as `read_workflow`."""
    _refuse_links(root, path)
    if (root / path).is_dir():
        raise UnusableFileError("is a folder", path)
    try:
        source = workspace.read_text(root, path)
    except UnusableFileError as error:
        found = _others(root, path)
        if (root / path).exists() or not found:
            raise
        hint = f"found {', '.join(found)}: the lab asks for {path}"
        raise UnusableFileError(error.message, path, hint=hint) from error
    return parse_workflow(source, path)


def parse_workflow(source: str, path: str) -> Workflow:
    """Parse the text of a workflow; raises UnusableFileError as `read_workflow` does."""
    document = _document(source, path)
    if document.data is None:
        raise UnusableFileError("is empty", path, hint="a workflow begins with name, on and jobs")
    if not isinstance(document.data, dict):
        raise UnusableFileError("is not a mapping with on and jobs", path, line=1)
    jobs = ensure_mapping(document.data.get("jobs"))
    if len(jobs) > JOB_LIMIT:
        raise UnusableFileError(
            f"has {len(jobs):,} jobs, at most {JOB_LIMIT} are read",
            path,
            hint="repeat one job with strategy.matrix instead",
            line=document.line("jobs"),
        )
    return Workflow(
        path=path,
        source=source,
        document=document,
        triggers=_triggers(document.data.get("on")),
        jobs={str(name): _job(str(name), data, document, path) for name, data in jobs.items()},
    )


def expand_steps(root: Path, steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the steps in the order in which they run, local composite actions opened up.

    Steps that never run are left out. A local action that cannot be read yields nothing.
    """
    budget = [STEP_LIMIT]
    yield from _effective(root, steps, budget, 0)


def walk_steps(root: Path, workflow: Workflow) -> Iterator[tuple[Step, str]]:
    """Yield each step of a workflow and of what it leads to in its repository, with its file."""
    called = (
        parse_workflow(source, path) for path, source in read_called_files(root, workflow).items()
    )
    for each in (workflow, *called):
        for job in each.jobs.values():
            yield from ((step, each.source) for step in job.steps)
        yield from ((step, each.source) for step in _composite_steps(each))


def read_called_files(root: Path, workflow: Workflow) -> dict[str, str]:
    """Return path and text of every local action and workflow that `workflow` leads to.

    What cannot be read is left out.
    """
    found: dict[str, str] = {}
    waiting = [*_local_uses(workflow)]
    while waiting and len(found) < JOB_LIMIT:
        path = waiting.pop()
        called = _try_parse(root, path)
        if path in found or path == workflow.path or called is None:
            continue
        found[path] = called.source
        waiting.extend(_local_uses(called))
        waiting.extend(
            candidate for step in _composite_steps(called) for candidate in _candidates(step.uses)
        )
    return found


def load_called_workflows(root: Path, workflow: Workflow) -> tuple[Workflow, ...]:
    """Return the reusable workflows in the same repository that `workflow` leads to."""
    local = read_called_files(root, workflow)
    return tuple(
        parse_workflow(source, path)
        for path, source in local.items()
        if Path(path).is_relative_to(WORKFLOWS)
    )


def format_scalar(value: Any) -> str:
    """Return a scalar as GitHub shows it, anything else as nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def format_values(value: Any) -> Mapping[str, str]:
    """Return a mapping with its values as text."""
    return {str(name): format_scalar(part) for name, part in ensure_mapping(value).items()}


def ensure_mapping(value: Any) -> Mapping[Any, Any]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def list_strings(value: Any) -> tuple[str, ...]:
    """Return a string or a list of strings as a tuple; what is neither is left out."""
    parts = value if isinstance(value, list) else [value]
    return tuple(format_scalar(part) for part in parts if format_scalar(part))


def is_dead(data: Mapping[str, Any]) -> bool:
    """Whether the `if` of a job or step is literally false."""
    condition = format_scalar(data.get("if")).strip()
    if condition.startswith("${{") and condition.endswith("}}"):
        condition = condition[3:-2].strip()
    return condition.lower() in {"false", "0", "!true", "''", "null"}


def _document(source: str, path: str) -> Document:
    try:
        return yaml_source.load_yaml(source, core=True)
    except YamlError as error:
        raise UnusableFileError(error.message, path, line=error.line) from error


def _refuse_links(root: Path, path: str) -> None:
    workspace.resolve_inside(root, path)
    parts = Path(path).parts
    for length in range(1, len(parts) + 1):
        part = Path(*parts[:length])
        if (root / part).is_symlink():
            raise UnusableFileError(
                f"is reached through the link {part}, and GitHub does not follow links there", path
            )


def _others(root: Path, path: str) -> list[str]:
    folder = root / Path(path).parent
    places = [folder, root / ".github", root / ".github/workflow", root]
    found = {
        str(file.relative_to(root))
        for place in places
        if place.is_dir() and not place.is_symlink()
        for pattern in ("*.yml", "*.yaml")
        for file in place.glob(pattern)
    }
    return sorted(found)[:3]


def _triggers(on: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(on, dict):
        return {str(event): ensure_mapping(filters) for event, filters in on.items()}
    return {event: {} for event in list_strings(on)}


def _job(name: str, data: Any, document: Document, path: str) -> Job:
    body = ensure_mapping(data)
    place: Position = ("jobs", name)
    return Job(
        id=name,
        data=body,
        line=document.line(*place),
        needs=list_strings(body.get("needs")),
        steps=_steps(body.get("steps"), document, path, (*place, "steps")),
    )


def _steps(data: Any, document: Document, path: str, place: Position) -> tuple[Step, ...]:
    """Return the steps of a list, those of its parallel groups in their place."""
    found: list[Step] = []
    for index, part in enumerate(data[:STEP_LIMIT] if isinstance(data, list) else []):
        position = (*place, index)
        if not isinstance(part, dict):
            continue
        if "parallel" in part:
            found += _steps(part["parallel"], document, path, (*position, "parallel"))
        else:
            found.append(Step(part, path, document.line(*position), position))
    return tuple(found)


def _effective(
    root: Path, steps: tuple[Step, ...], budget: list[int], depth: int
) -> Iterator[Step]:
    for step in steps:
        budget[0] -= 1
        if step.dead or budget[0] < 0:
            continue
        yield step
        if depth < _NESTING_LIMIT:
            for candidate in _candidates(step.uses):
                called = _try_parse(root, candidate)
                if called is not None:
                    yield from _effective(root, _composite_steps(called), budget, depth + 1)


def _composite_steps(action: Workflow) -> tuple[Step, ...]:
    steps = ensure_mapping(action.data.get("runs")).get("steps")
    return _steps(steps, action.document, action.path, ("runs", "steps"))


def _local_uses(workflow: Workflow) -> list[str]:
    uses = [job.uses for job in workflow.jobs.values()]
    uses += [step.uses for job in workflow.jobs.values() for step in job.steps]
    return [candidate for one in uses for candidate in _candidates(one)]


def _candidates(uses: str) -> tuple[str, ...]:
    """Return the files that a local `uses` may mean."""
    if not uses.startswith("./"):
        return ()
    path = uses.removeprefix("./").rstrip("/")
    if path.endswith((".yml", ".yaml")):
        return (path,)
    return tuple(str(Path(path) / name) for name in _ACTION_FILES)


def _try_parse(root: Path, path: str) -> Workflow | None:
    try:
        return load_workflow(root, path)
    except UnusableFileError:
        return None
