"""What is wrong with how a lab differs from learner to learner, before any lab is made for one."""

from __future__ import annotations

from collections.abc import Iterator

from scaffolder.core.errors import DevlabError
from scaffolder.core.lines import split_lines
from scaffolder.core.suggest import suggest_name
from scaffolder.labs.lab_file import LabSource
from scaffolder.labs.variables import Variable, list_variables
from scaffolder.labs.variation import allows, find_references, list_samples
from scaffolder.model import Lab, Problem
from scaffolder.proving.lint_answers import list_planted_faults

_INSTRUCTIONS = "instructions.md"


def find_problems(lab: Lab) -> Iterator[Problem]:
    """Tell what of a lab's `vary` cannot be, or says nothing."""
    source = LabSource(lab.root / "lab.yaml")
    known = list_variables(lab)
    for name, one in lab.variation.variables.items():
        line = source.document.line("vary", "variables", name)
        if one.default is not None and allows(one, one.default):
            yield Problem(
                f"a learner may get {one.default!r} for {name}, which is everybody's default",
                "lab.yaml",
                line,
                "take it out of what is possible, so that the published solution shows as well",
            )
        if name in known:
            yield from _refused(known[name], list_samples(one), line)
    yield from _never_planted(lab, source)
    yield from _unknown_names(lab, source)


def _refused(variable: Variable, values: Iterator[str], line: int) -> Iterator[Problem]:
    for value in values:
        try:
            variable.validate(value)
        except DevlabError as error:
            yield Problem(
                f"a learner may get what the template refuses: {error.message}",
                "lab.yaml",
                line,
                error.hint,
            )
            return


def _never_planted(lab: Lab, source: LabSource) -> Iterator[Problem]:
    planted = list_planted_faults(lab)
    for name in lab.variation.faults:
        if name not in planted:
            line = source.document.line("vary", "faults", name)
            yield Problem(
                f"no check plants the fault {name!r} that others stand in for", "lab.yaml", line
            )


def _unknown_names(lab: Lab, source: LabSource) -> Iterator[Problem]:
    """Tell every `{{ name }}` in words for the learner that nothing replaces."""
    if not lab.variation.variables:
        return
    text = (lab.root / _INSTRUCTIONS).read_text("utf-8", "replace")
    own = [name for name, one in lab.variation.variables.items() if one.default is not None]
    for number, said in enumerate(split_lines(text), start=1):
        yield from _unknown(said, own, _INSTRUCTIONS, number)
    line = source.document.line("vary", "instructions")
    yield from _unknown(lab.variation.instructions, list(lab.variation.variables), "lab.yaml", line)


def _unknown(text: str, known: list[str], path: str, line: int) -> Iterator[Problem]:
    for name, _ in find_references(text):
        if name not in known:
            yield Problem(
                f"unknown variable {name!r}{suggest_name(name, known)}",
                path,
                line,
                f"known: {', '.join(known)}" if known else "",
            )
