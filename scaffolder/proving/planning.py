"""Which cases a lab is proven with, and where its author finds each."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from scaffolder import workspace
from scaffolder.core.errors import DevlabError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs import generate
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.labs.lab_file import LabSource, read_lab
from scaffolder.labs.variables import choose_other_variables
from scaffolder.labs.variation import choose_example_learners
from scaffolder.model import Lab, Problem
from scaffolder.model.proofs import Case, Stage
from scaffolder.proving.grading import Plan, Variant
from scaffolder.proving.memory import make_lab_key
from scaffolder.proving.mutants import Mutant
from scaffolder.proving.states import list_mutants


def plan_proof(lab: Lab, only: Sequence[str] = ()) -> Plan:
    """Return what a lab is proven with.

    `only` names states, with `*` for any text: `start`, `mutant:drop-*`. Raises DevlabError where
    the lab's files cannot be read or none of its states is meant.
    """
    wrong = read_wrong_answers(lab)
    mutants = (
        {mutant.id: mutant for mutant in list_mutants(lab)} if _wants(only, Stage.MUTANT) else {}
    )
    cases = tuple(_cases(lab, [one.id for one in wrong.mistakes], mutants))
    chosen = tuple(case for case in cases if _chosen(case, only))
    if not chosen:
        raise DevlabError(
            f"{lab.id} has no state like {', '.join(only)}",
            hint="states: start, solution, alternative:NAME, mistake:NAME, mutant:ID; "
            "* stands for any text",
        )
    with make_run_folder() as folder:
        variants = dict(_variants(lab, chosen, folder))
    return Plan(
        lab=lab,
        variants=variants,
        cases=chosen,
        mistakes={one.id: one for one in wrong.mistakes},
        mutants=mutants,
        accepted={name: one.reason for one in wrong.equivalent for name in one.mutants},
        places=_places(lab, mutants),
    )


def _variants(lab: Lab, cases: Sequence[Case], folder: Path) -> Iterator[tuple[str, Variant]]:
    """Yield the lab as everybody has it, and as each learner among the cases does."""
    yield "", _make_variant(lab, folder / "start")
    for learner in dict.fromkeys(case.learner for case in cases if case.learner):
        read = read_lab(lab.root, learner=learner)
        variant = msgspec.structs.replace(read, id=lab.id, trusted=lab.trusted)
        yield learner, _make_variant(variant, folder / f"start-{learner}")


def _make_variant(lab: Lab, scratch: Path) -> Variant:
    """Return a lab with the fingerprint of its start, made in the new folder `scratch`."""
    generate.build_state(lab, "start", {}, scratch)
    start = workspace.fingerprint_work(scratch)
    return Variant(lab, make_lab_key(lab, start), start)


def _wants(only: Sequence[str], stage: Stage) -> bool:
    return not only or any(name.startswith((stage.value, "*")) for name in only)


def _chosen(case: Case, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(case.state, name) for name in only)


def _cases(lab: Lab, mistakes: Sequence[str], mutants: Mapping[str, Mutant]) -> Iterator[Case]:
    yield Case(Stage.START, "start", "start")
    yield Case(Stage.SOLUTION, "solution", "solution")
    yield Case(Stage.SOLUTION, "solution", "solution, again")
    others = choose_other_variables(lab)
    if others:
        yield Case(Stage.SOLUTION, "solution", "solution, other variables", others)
    yield from _learners_cases(lab)
    for name in generate.list_alternatives(lab):
        yield Case(Stage.ALTERNATIVE, f"alternative:{name}", f"alternative:{name}")
    for name in mistakes:
        yield Case(Stage.MISTAKE, f"mistake:{name}", f"mistake:{name}")
    for mutant in mutants.values():
        state = f"mutant:{mutant.id}"
        yield Case(Stage.MUTANT, state, state, operator=mutant.operator)


def _learners_cases(lab: Lab) -> Iterator[Case]:
    """Yield the lab of enough learners to see every fault planted, and what one may hand on."""
    vary = lab.variation
    if not vary.variables and not vary.faults:
        return
    learners = choose_example_learners(vary, lab.root.name)
    for learner in learners:
        name = f"solution, {learner}"
        yield Case(Stage.SOLUTION, "solution", name, learner=learner)
    first, second = learners[:2]
    yield Case(Stage.START, "start", f"start, {first}", learner=first)
    if vary.variables:
        yield Case(Stage.COPY, f"copied:{second}", f"copied:{second}, {first}", learner=first)


def _places(lab: Lab, mutants: Mapping[str, Mutant]) -> dict[str, tuple[str, int | None]]:
    source = LabSource(lab.root / "mistakes.yaml")
    places: dict[str, tuple[str, int | None]] = {
        "start": ("start", None),
        "solution": ("solution", None),
    }
    for name in generate.list_alternatives(lab):
        places[f"alternative:{name}"] = (f"alternatives/{name}", None)
    vary = LabSource(lab.root / "lab.yaml").document.line("vary")
    for case in _learners_cases(lab):
        places.setdefault(case.state, ("lab.yaml", vary))
    for index, mistake in enumerate(read_wrong_answers(lab).mistakes):
        line = source.document.line("mistakes", index, "id")
        places[f"mistake:{mistake.id}"] = ("mistakes.yaml", line)
    lab_file = LabSource(lab.root / "lab.yaml")
    for index, task in enumerate(lab.tasks):
        places[task.id] = ("lab.yaml", lab_file.document.line("tasks", index, "id"))
        for number, check in enumerate(task.checks):
            line = lab_file.document.line("tasks", index, "checks", number, "id")
            places[check.id] = ("lab.yaml", line)
    for task_id, checks in lab.variation.checks.items():
        for number, one in enumerate(checks):
            line = lab_file.document.line("vary", "checks", task_id, number, "id")
            places[str(one.get("id"))] = ("lab.yaml", line)
    for mutant in mutants.values():
        places[f"mutant:{mutant.id}"] = (f"solution/{mutant.path}", mutant.line)
    return places


def find_unknown_equivalents(lab: Lab, mutants: Mapping[str, Mutant]) -> Iterator[Problem]:
    """Yield each mutant that is accepted in mistakes.yaml and that nobody generates (any more)."""
    source = LabSource(lab.root / "mistakes.yaml")
    for index, entry in enumerate(read_wrong_answers(lab).equivalent):
        for number, name in enumerate(entry.mutants):
            if name not in mutants:
                position = ("equivalent", index, "mutants", number)
                error = source.unknown("mutant", name, mutants, *position)
                text = error.message.partition(": ")[2]
                yield Problem(text, "mistakes.yaml", source.document.line(*position))


def find_unkilled(plan: Plan, kills: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
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
