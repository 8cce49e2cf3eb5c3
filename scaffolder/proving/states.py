"""Every state of a lab that can be graded: those that `generate` makes, and its mutants."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.core.suggest import suggest_name
from scaffolder.labs import generate
from scaffolder.model import Lab
from scaffolder.proving import mutants
from scaffolder.proving.mutants import Mutant

_MUTANT = "mutant:"


def list_mutants(lab: Lab, given: Mapping[str, str] | None = None) -> tuple[Mutant, ...]:
    """Return the mutants of a lab's solution, made from the files that its overlay writes.

    `given` are variables of the template that differ from the defaults.

    Raises DevlabError where the solution cannot be rendered.
    """
    with make_run_folder() as folder:
        solved = folder / "solved"
        generate.build_state(lab, "solution", given or {}, solved)
        return mutants.generate_mutants(solved, generate.list_overlay_paths(lab.root / "solution"))


def build_state(lab: Lab, state: str, given: Mapping[str, str], target: Path) -> None:
    """Write a state of a lab into the new folder `target`: as `generate.build_state`, and mutants.

    Raises DevlabError as that does, and where the solution has no such mutant.
    """
    if not state.startswith(_MUTANT):
        generate.build_state(lab, state, given, target)
        return
    wanted = state.removeprefix(_MUTANT)
    known = {mutant.id: mutant for mutant in list_mutants(lab, given)}
    if wanted not in known:
        raise DevlabError(
            f"{lab.id} has no mutant {wanted!r}{suggest_name(wanted, known)}",
            hint=f"mutants: {', '.join(known) or 'none'}",
        )
    build_mutant(lab, known[wanted], given, target)


def build_mutant(lab: Lab, mutant: Mutant, given: Mapping[str, str], target: Path) -> None:
    """Write the solution with one mutant's change into the new folder `target`."""
    generate.build_state(lab, "solution", given, target, mutant.change)
