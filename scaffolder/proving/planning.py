"""Which cases a lab is proven with, and where its author finds each."""

from __future__ import annotations

import fnmatch
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scaffolder import generate
from scaffolder.errors import DevlabError
from scaffolder.labfile import Source, read_wrong_answers
from scaffolder.model import Lab, Problem
from scaffolder.proofs import Case, Stage
from scaffolder.proving.grading import Plan
from scaffolder.proving.memory import key_of_lab
from scaffolder.proving.mutants import Mutant
from scaffolder.proving.states import mutants_of


def plan(lab: Lab, only: Sequence[str] = ()) -> Plan:
    """Return what a lab is proven with.

    `only` names states, with `*` for any text: `start`, `mutant:drop-*`. Raises DevlabError where
    the lab's files cannot be read or none of its states is meant.
    """
    wrong = read_wrong_answers(lab)
    mutants = (
        {mutant.id: mutant for mutant in mutants_of(lab)} if _wants(only, Stage.MUTANT) else {}
    )
    cases = tuple(_cases(lab, [one.id for one in wrong.mistakes], mutants))
    chosen = tuple(case for case in cases if _chosen(case, only))
    if not chosen:
        raise DevlabError(
            f"{lab.id} has no state like {', '.join(only)}",
            hint="states: start, solution, alternative:NAME, mistake:NAME, mutant:ID; "
            "* stands for any text",
        )
    with tempfile.TemporaryDirectory(prefix="devlab-plan-") as folder:
        lab_key = key_of_lab(lab, Path(folder) / "start")
    return Plan(
        lab=lab,
        lab_key=lab_key,
        cases=chosen,
        mistakes={one.id: one for one in wrong.mistakes},
        mutants=mutants,
        accepted={name: one.reason for one in wrong.equivalent for name in one.mutants},
        places=_places(lab, mutants),
    )


def _wants(only: Sequence[str], stage: Stage) -> bool:
    return not only or any(name.startswith((stage.value, "*")) for name in only)


def _chosen(case: Case, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(case.state, name) for name in only)


def _cases(lab: Lab, mistakes: Sequence[str], mutants: Mapping[str, Mutant]) -> Iterator[Case]:
    yield Case(Stage.START, "start", "start")
    yield Case(Stage.SOLUTION, "solution", "solution")
    yield Case(Stage.SOLUTION, "solution", "solution, again")
    others = generate.other_variables(lab)
    if others:
        yield Case(Stage.SOLUTION, "solution", "solution, other variables", others)
    for name in generate.alternatives(lab):
        yield Case(Stage.ALTERNATIVE, f"alternative:{name}", f"alternative:{name}")
    for name in mistakes:
        yield Case(Stage.MISTAKE, f"mistake:{name}", f"mistake:{name}")
    for mutant in mutants.values():
        state = f"mutant:{mutant.id}"
        yield Case(Stage.MUTANT, state, state, operator=mutant.operator)


def _places(lab: Lab, mutants: Mapping[str, Mutant]) -> dict[str, tuple[str, int | None]]:
    source = Source(lab.root / "mistakes.yaml")
    places: dict[str, tuple[str, int | None]] = {
        "start": ("start", None),
        "solution": ("solution", None),
    }
    for name in generate.alternatives(lab):
        places[f"alternative:{name}"] = (f"alternatives/{name}", None)
    for index, mistake in enumerate(read_wrong_answers(lab).mistakes):
        line = source.document.line("mistakes", index, "id")
        places[f"mistake:{mistake.id}"] = ("mistakes.yaml", line)
    lab_file = Source(lab.root / "lab.yaml")
    for index, task in enumerate(lab.tasks):
        places[task.id] = ("lab.yaml", lab_file.document.line("tasks", index, "id"))
        for number, check in enumerate(task.checks):
            line = lab_file.document.line("tasks", index, "checks", number, "id")
            places[check.id] = ("lab.yaml", line)
    for mutant in mutants.values():
        places[f"mutant:{mutant.id}"] = (f"solution/{mutant.path}", mutant.line)
    return places


def unknown_equivalents(lab: Lab, mutants: Mapping[str, Mutant]) -> Iterator[Problem]:
    """Yield each mutant that is accepted in mistakes.yaml and that nobody generates (any more)."""
    source = Source(lab.root / "mistakes.yaml")
    for index, entry in enumerate(read_wrong_answers(lab).equivalent):
        for number, name in enumerate(entry.mutants):
            if name not in mutants:
                position = ("equivalent", index, "mutants", number)
                error = source.unknown("mutant", name, mutants, *position)
                text = error.message.partition(": ")[2]
                yield Problem(text, "mistakes.yaml", source.document.line(*position))


def unkilled(plan: Plan, kills: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Yield each check that mistakes name and none fails; one that none names, lint tells."""
    named = {name for mistake in plan.mistakes.values() for name in mistake.fails}
    for check in (check for task in plan.lab.tasks for check in task.checks):
        if check.id in named and not any(name.startswith("mistake:") for name in kills[check.id]):
            path, line = plan.places[check.id]
            yield Problem(
                f"{check.id} ({check.kind}) fails none of the mistakes that name it",
                path,
                line,
                hint="sharpen the check, or take it away: one that cannot fail is worth nothing",
            )
