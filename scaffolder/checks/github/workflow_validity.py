"""What GitHub would refuse in a workflow, told once and in words.

The published schema, corrected by the runner's own (`tools.github_schema`), decides about
structure, `workflow_contexts` about expressions, and the rules here about what neither can say. act
has no say: what only act refuses is a matter of rehearsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from scaffolder.checks.github import schemas
from scaffolder.checks.github.workflow_contexts import find_expression_problems, find_room
from scaffolder.checks.github.workflow_matrix import LEG_LIMIT, is_too_large
from scaffolder.checks.github.workflow_model import Job, Workflow, ensure_mapping, format_scalar
from scaffolder.checks.github.workflow_triggers import find_contradictions
from scaffolder.checks.json_schemas import SchemaProblem, format_position
from scaffolder.core.yaml_source import Position
from scaffolder.model import Finding

FINDING_LIMIT = 20
DOCUMENTATION = "https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax"
EXPRESSIONS = "https://docs.github.com/actions/reference/workflows-and-actions/expressions"
# What GitHub lets the names of owners and repositories have.
_OWNER_LIMIT, _REPOSITORY_LIMIT = 39, 100
_USES = re.compile(r"(?P<owner>[\w-]+)/(?P<repository>[\w.-]+)(?:/[^@\s]+)?@[^@\s]+", re.ASCII)
_ID = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_-]{0,98}")


def find_faults(workflow: Workflow) -> tuple[Finding, ...]:
    """Return what GitHub would refuse, in the order of the file."""
    return _once((*_structural(workflow), *_expressions(workflow)))


def _structural(workflow: Workflow) -> Iterator[Finding]:
    """Yield what the schema and the rules that it cannot express find wrong."""
    wrong = tuple(_schema(workflow))
    yield from wrong
    yield from _merge_keys(workflow)
    yield from _repeated_keys(workflow)
    yield from _needs(workflow)
    yield from _references(workflow)
    if not wrong:
        yield from _empty_jobs(workflow)
        yield from _matrices(workflow)
    for rule, position, message in find_contradictions(workflow):
        yield _finding(workflow, rule, message, workflow.line("on", *position))


def _schema(workflow: Workflow) -> Iterator[Finding]:
    for problem in schemas.find_workflow_problems(workflow.document.data):
        if not _is_told_better_or_allowed(problem):
            where = f"{problem.path}: " if problem.path else ""
            line = workflow.line(*problem.position)
            yield _finding(workflow, "schema", f"{where}{problem.message}", line)


def _expressions(workflow: Workflow) -> Iterator[Finding]:
    for position, message in find_expression_problems(workflow.document.data):
        where = format_position(position)
        yield Finding(
            f"{where}: {message}",
            path=workflow.path,
            line=workflow.line(*position),
            rule="expression",
            url=EXPRESSIONS,
        )


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of the file, one for each line and rule, and not too many."""
    chosen: dict[tuple[int | None, str | None], Finding] = {}
    for finding in findings:
        chosen.setdefault((finding.line, finding.rule), finding)
    ordered = sorted(chosen.values(), key=lambda finding: finding.line or 0)
    return tuple(ordered[:FINDING_LIMIT])


def _is_told_better_or_allowed(problem: SchemaProblem) -> bool:
    """Whether `contradictions` says the same in words, or an expression stands for the value.

    What an expression comes to is known only when it is evaluated.
    """
    if problem.validator == "not":
        return problem.position[:1] == ("on",)
    value = problem.value
    return isinstance(value, str) and "${{" in value and find_room(problem.position) is not None


def _repeated_keys(workflow: Workflow) -> Iterator[Finding]:
    """Yield keys that are the same to GitHub, which knows no case in them."""
    waiting: list[tuple[Position, object]] = [((), workflow.document.data)]
    while waiting:
        position, value = waiting.pop()
        if isinstance(value, list):
            waiting += [((*position, index), part) for index, part in enumerate(value)]
        seen: dict[str, str] = {}
        for key, part in ensure_mapping(value).items():
            waiting.append(((*position, key), part))
            before = seen.setdefault(str(key).lower(), str(key))
            if before != str(key):
                message = f"{format_position((*position, key))} is the same key as {before}"
                yield _finding(workflow, "key-twice", message, workflow.line(*position, key))


def _merge_keys(workflow: Workflow) -> Iterator[Finding]:
    for position in workflow.document.lines:
        if position and position[-1] == "<<":
            message = "GitHub reads anchors and aliases, but not the merge key <<"
            # What << itself leads to stands where its anchor is.
            yield _finding(workflow, "merge-key", message, workflow.line(*position[:-1]))


def _needs(workflow: Workflow) -> Iterator[Finding]:
    known = {name.lower() for name in workflow.jobs}
    for job in workflow.jobs.values():
        for needed in job.needs:
            if needed.lower() not in known:
                message = f"jobs.{job.id} needs {needed}, and there is no such job"
                line = workflow.line("jobs", job.id, "needs")
                yield _finding(workflow, "unknown-needs", message, line)
    cycle = _cycle(workflow)
    if cycle:
        message = f"the jobs wait for each other: {' -> '.join(cycle)}"
        line = workflow.line("jobs", cycle[0], "needs")
        yield _finding(workflow, "needs-cycle", message, line)


def _cycle(workflow: Workflow) -> list[str]:
    spelled = {name.lower(): name for name in workflow.jobs}
    needs = {
        job.id: [spelled[needed.lower()] for needed in job.needs if needed.lower() in spelled]
        for job in workflow.jobs.values()
    }
    return find_cycle(needs)


def find_cycle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what needs each other in one circle, the first one twice, or nothing."""
    blocked = dict(needs)
    while free := [each for each, wanted in blocked.items() if not set(wanted) & blocked.keys()]:
        for each in free:
            del blocked[each]
    way: list[str] = []
    here = next(iter(blocked), None)
    while here is not None:
        if here in way:
            return [*way[way.index(here) :], here]
        way.append(here)
        here = next(needed for needed in blocked[here] if needed in blocked)
    return []


def _empty_jobs(workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs.values():
        if not job.uses and not job.data.get("steps"):
            message = f"jobs.{job.id} has neither steps nor uses"
            yield _finding(workflow, "job-empty", message, job.line)


def _matrices(workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs.values():
        if is_too_large(job.data):
            message = f"the matrix of jobs.{job.id} makes more than {LEG_LIMIT} jobs"
            line = workflow.line("jobs", job.id, "strategy", "matrix")
            yield _finding(workflow, "matrix-too-large", message, line)


def _references(workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs.values():
        if not _ID.fullmatch(job.id):
            yield _finding(workflow, "id", _wrong_id(job.id), job.line)
        yield from _uses(workflow, job)
        yield from _ids(workflow, job)


def _ids(workflow: Workflow, job: Job) -> Iterator[Finding]:
    seen: set[str] = set()
    for step in job.steps:
        name = format_scalar(step.data.get("id"))
        line = workflow.line(*step.position, "id")
        if name and name.lower() in seen:
            message = f"jobs.{job.id} has two steps with the id {name}"
            yield _finding(workflow, "step-id-twice", message, line)
        if name and not _ID.fullmatch(name):
            yield _finding(workflow, "id", _wrong_id(name), line)
        seen.add(name.lower())


def _wrong_id(name: str) -> str:
    return (
        f"{name[:60]!r} is no id: fewer than 100 letters, digits, - and _, beginning with a letter "
        "or one _"
    )


def _uses(workflow: Workflow, job: Job) -> Iterator[Finding]:
    named = [(job.uses, workflow.line("jobs", job.id, "uses"))]
    named += [(step.uses, workflow.line(*step.position, "uses")) for step in job.steps]
    for uses, line in named:
        if message := _wrong_reference(uses):
            yield _finding(workflow, "uses-version", message, line)


def _wrong_reference(uses: str) -> str:
    """Return why GitHub knows no action of this name, nothing where it may."""
    if not uses or uses.startswith(("./", ".\\", "docker://")):
        return ""
    shown = uses if len(uses) <= 2 * _REPOSITORY_LIMIT else f"{uses[:_REPOSITORY_LIMIT]}..."
    match = _USES.fullmatch(uses)
    if not match:
        return f"uses: {shown} names no version: write owner/name@commit"
    for part, limit in (("owner", _OWNER_LIMIT), ("repository", _REPOSITORY_LIMIT)):
        if len(match[part]) > limit:
            length = len(match[part])
            return f"uses: {shown} names a {part} of {length} characters; GitHub's have {limit}"
    return ""


def _finding(workflow: Workflow, rule: str, message: str, line: int) -> Finding:
    return Finding(message, path=workflow.path, line=line, rule=rule, url=DOCUMENTATION)
