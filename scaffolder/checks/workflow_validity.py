"""What GitHub would refuse in a workflow, from three sources, told once and in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffolder.checks.workflow_expressions import EXPRESSION_LIMIT, too_long
from scaffolder.checks.workflow_model import Job, Workflow, text
from scaffolder.checks.workflow_triggers import contradictions
from scaffolder.lines import lines_of
from scaffolder.model import Finding
from scaffolder.tools import schemas
from scaffolder.tools.processes import Completed
from scaffolder.tools.schemas import Problem

FINDING_LIMIT = 20
DOCUMENTATION = "https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax"
EXPRESSIONS = "https://docs.github.com/actions/reference/workflows-and-actions/expressions"
_ACT_PLACE = re.compile(r"Line: (\d+) Column (\d+): ")
_ACT_YAML = re.compile(r"line (\d+): (.*)")
_ACT_EXPRESSION = ("Failed to parse", "Unknown Function Call", "Unknown Variable Access")
_ALTERNATIVE = "Failed to match "
# Lists that GitHub, unlike the published schema, also takes as one plain string.
_LISTS_OR_TEXT = frozenset(
    {"branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"}
)


def findings(workflow: Workflow, act: Completed) -> tuple[Finding, ...]:
    """Return what GitHub would refuse; `act` is what act's validation came to.

    The schema tells of structure in better words than act, so act is asked about structure only
    where the schema is content, and about expressions always. What act refuses is never dropped.
    """
    structure = tuple(_structural(workflow))
    told = () if act.ok else tuple(_from_act(workflow, act))
    if structure:
        told = tuple(finding for finding in told if finding.rule == "expression")
    return _once((*structure, *told))


def _structural(workflow: Workflow) -> Iterator[Finding]:
    """Yield what the schema and the rules that it cannot express find wrong."""
    wrong = tuple(_schema(workflow))
    yield from wrong
    yield from _merge_keys(workflow)
    yield from _needs(workflow)
    for line, length in too_long(workflow.source):
        message = f"an expression of {length:,} characters; GitHub takes {EXPRESSION_LIMIT:,}"
        yield _finding(workflow, "expression", message, line)
    yield from _references(workflow)
    if not wrong:
        yield from _empty_jobs(workflow)
    for rule, position, message in contradictions(workflow):
        yield _finding(workflow, rule, message, workflow.line("on", *position))


def _schema(workflow: Workflow) -> Iterator[Finding]:
    for problem in schemas.github_workflow_problems(workflow.document.data):
        if not _is_told_better_or_allowed(problem):
            where = f"{problem.path}: " if problem.path else ""
            line = workflow.line(*problem.position)
            yield _finding(workflow, "schema", f"{where}{problem.message}", line)


def _from_act(workflow: Workflow, done: Completed) -> Iterator[Finding]:
    """Yield what act's strict validation says, without the alternatives that nobody meant.

    act follows each way in which a part could be read and reports all of them. Expressions that do
    not parse come first; else what it found on the longest way in.
    """
    chains = [_chain(line) for line in lines_of(done.output) if _ACT_PLACE.search(line)]
    leaves = [chain[-1] for chain in chains]
    told = [leaf for leaf in leaves if leaf[1].startswith(_ACT_EXPRESSION)]
    if not told and chains:
        deepest = max(len(chain) for chain in chains)
        told = [chain[-1] for chain in chains if len(chain) == deepest]
    if not told:
        told = [(int(line), words) for line, words in _ACT_YAML.findall(done.output)]
    if not told:
        told = [(1, " ".join(done.tail(1)) or f"act ended with code {done.returncode}")]
    for line, words in dict.fromkeys(told):
        rule = "expression" if words.startswith(_ACT_EXPRESSION) else "act"
        url = EXPRESSIONS if rule == "expression" else DOCUMENTATION
        yield Finding(words.strip(), path=workflow.path, line=line, rule=rule, url=url)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of the file, one for each line and rule, and not too many."""
    chosen: dict[tuple[int | None, str | None], Finding] = {}
    for finding in findings:
        chosen.setdefault((finding.line, finding.rule), finding)
    ordered = sorted(chosen.values(), key=lambda finding: finding.line or 0)
    return tuple(ordered[:FINDING_LIMIT])


def _is_told_better_or_allowed(problem: Problem) -> bool:
    """Whether `contradictions` says the same in words, or GitHub takes what the schema refuses.

    GitHub reads any scalar where it wants text, nothing as the empty text of a variable, and one
    text in place of a list of patterns. What of that is wrong all the same, act says.
    """
    place, value = problem.position, problem.value
    if problem.validator == "not":
        return place[:1] == ("on",)
    if problem.validator != "type" or not place:
        return False
    if place[0] == "on" and place[-1] in _LISTS_OR_TEXT:
        return isinstance(value, str)
    if value is None:
        return "env" in place[:-1]
    return problem.wanted == "string" and isinstance(value, bool | int | float)


def _merge_keys(workflow: Workflow) -> Iterator[Finding]:
    for position in workflow.document.lines:
        if position and position[-1] == "<<":
            message = "GitHub reads anchors and aliases, but not the merge key <<"
            # What << itself leads to stands where its anchor is.
            yield _finding(workflow, "merge-key", message, workflow.line(*position[:-1]))


def _needs(workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs.values():
        for needed in job.needs:
            if needed not in workflow.jobs:
                message = f"jobs.{job.id} needs {needed}, and there is no such job"
                line = workflow.line("jobs", job.id, "needs")
                yield _finding(workflow, "unknown-needs", message, line)
    cycle = _cycle(workflow)
    if cycle:
        message = f"the jobs wait for each other: {' -> '.join(cycle)}"
        line = workflow.line("jobs", cycle[0], "needs")
        yield _finding(workflow, "needs-cycle", message, line)


def _cycle(workflow: Workflow) -> list[str]:
    """Return the jobs of one cycle, the first one twice, or nothing."""
    blocked = {
        job.id: [needed for needed in job.needs if needed in workflow.jobs]
        for job in workflow.jobs.values()
    }
    while free := [job for job, needs in blocked.items() if not set(needs) & blocked.keys()]:
        for job in free:
            del blocked[job]
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


def _references(workflow: Workflow) -> Iterator[Finding]:
    for job in workflow.jobs.values():
        yield from _uses(workflow, job)
        yield from _ids(workflow, job)


def _ids(workflow: Workflow, job: Job) -> Iterator[Finding]:
    seen: set[str] = set()
    for step in job.steps:
        name = text(step.data.get("id"))
        if name and name.lower() in seen:
            message = f"jobs.{job.id} has two steps with the id {name}"
            yield _finding(workflow, "step-id-twice", message, workflow.line(*step.position, "id"))
        seen.add(name.lower())


def _uses(workflow: Workflow, job: Job) -> Iterator[Finding]:
    named = [(job.uses, workflow.line("jobs", job.id, "uses"))]
    named += [(step.uses, workflow.line(*step.position, "uses")) for step in job.steps]
    for uses, line in named:
        local = uses.startswith(("./", "docker://"))
        if uses and not local and not re.fullmatch(r"[^@\s/]+/[^@\s]+@\S+", uses):
            message = f"uses: {uses} names no version: write owner/name@commit"
            yield _finding(workflow, "uses-version", message, line)


def _finding(workflow: Workflow, rule: str, message: str, line: int) -> Finding:
    return Finding(message, path=workflow.path, line=line, rule=rule, url=DOCUMENTATION)


def _chain(line: str) -> list[tuple[int, str]]:
    """Split "Line: 4 Column 5: Failed to match a: Line: 6 Column 9: why" into its places."""
    _, *parts = _ACT_PLACE.split(line)
    triples = zip(parts[::3], parts[2::3], strict=True)
    chain = [(int(number), words.removesuffix(": ")) for number, words in triples]
    last = chain[-1][1]
    if last.startswith(_ALTERNATIVE) and ": " in last:
        chain[-1] = (chain[-1][0], last.partition(": ")[2])
    return chain
