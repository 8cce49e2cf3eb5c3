"""Lint a lab: everything that can be said about it in under a second, without running a tool.

What is wrong in one file must not hide what is wrong in another, so every part looks for itself,
and what cannot be looked at because of an error elsewhere is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from scaffolder.core.errors import DevlabError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs import catalog
from scaffolder.labs.answers import read_wrong_answers
from scaffolder.labs.lab_file import LabSource, read_lab
from scaffolder.labs.schema import HISTORY, WrongAnswersFile
from scaffolder.labs.variables import choose_other_variables
from scaffolder.labs.variation import EXAMPLE
from scaffolder.model import Fault, Lab, Problem, WrongAnswers
from scaffolder.model.history import HistoryFile
from scaffolder.proving import (
    lint_answers,
    lint_files,
    lint_history,
    lint_leaks,
    lint_notes,
    lint_tests,
    lint_variation,
    lint_words,
)
from scaffolder.proving.lint_places import make_problem
from scaffolder.proving.lint_states import States, find_leftovers, render_states


def lint_lab(root: Path) -> tuple[Problem, ...]:
    """Return everything that the author of the lab folder `root` must mend, by file and line.

    Never raises for what is wrong with the lab. Code that an untrusted pack brings does not run.
    """
    root = root.resolve()
    found = [*lint_files.find_problems(root), *_problems(root)]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda one: (one.path, one.line or 0, one.message)))


def _problems(root: Path) -> Iterator[Problem]:
    try:
        trusted = _trusted(root)
        lab = msgspec.structs.replace(read_lab(root), trusted=trusted)
    except DevlabError as error:
        yield make_problem(error, root)
        yield from _of_other_files(root)
        return
    yield from lint_words.find_problems(lab)
    yield from lint_tests.find_problems(lab)
    yield from lint_notes.find_problems(lab)
    try:
        answers = read_wrong_answers(lab)
    except DevlabError as error:
        yield make_problem(error, root)
        answers = None
    if answers is not None:
        yield from lint_answers.find_unkilled(lab, answers)
    yield from lint_answers.find_unused_faults(lab)
    yield from lint_history.find_problems(lab, answers)
    with make_run_folder() as folder:
        yield from _of_states(lab, answers, folder)


def _of_other_files(root: Path) -> Iterator[Problem]:
    """Look at what can be read without lab.yaml."""
    for name, kind in (
        ("mistakes.yaml", WrongAnswersFile),
        ("faults.yaml", tuple[Fault, ...]),
        (HISTORY, HistoryFile),
    ):
        try:
            if (root / name).is_file():
                source = LabSource(root / name)
                if source.document.data is not None:
                    source.convert(source.document.data, kind)
        except DevlabError as error:
            yield make_problem(error, root)


def _trusted(root: Path) -> bool:
    """Whether code that the lab brings may run: an author's own, or that of a trusted pack.

    Raises DevlabError where it lies in a pack that is not what was installed.
    """
    pack = catalog.find_pack_around(root)
    if pack is not None:
        pack.require_unchanged()
    return pack is None or pack.trusted


def _of_states(lab: Lab, answers: WrongAnswers | None, place: Path) -> Iterator[Problem]:
    """Render every state of the lab, with several values of what varies, and look at them."""
    try:
        yield from lint_variation.find_problems(lab)
        sets = ((lab, {}), (lab, choose_other_variables(lab)), *_of_a_learner(lab))
    except DevlabError as error:
        yield make_problem(error, lab.root)
        return
    for number, (one, variables) in enumerate(sets):
        states = render_states(one, variables, place / str(number))
        yield from states.problems
        yield from find_leftovers(one, states)
        if "solution" in states.folders:
            yield from lint_notes.find_lost_quotes(one, states.folders["solution"])
        if number == 0:
            yield from _of_default_states(lab, answers, states, place / "changes")


def _of_a_learner(lab: Lab) -> Iterator[tuple[Lab, dict[str, str]]]:
    """Yield the lab as some learner has it, where it is another one then."""
    if lab.variation.variables:
        theirs = read_lab(lab.root, graded=False, learner=EXAMPLE)
        yield msgspec.structs.replace(theirs, trusted=lab.trusted), {}


def _of_default_states(
    lab: Lab, answers: WrongAnswers | None, states: States, place: Path
) -> Iterator[Problem]:
    solution = states.folders.get("solution")
    if solution is None:
        return
    yield from lint_answers.check_alternatives(lab, states)
    yield from lint_leaks.find_problems(lab, states.folders["start"], solution)
    yield from lint_answers.check_faults(lab, solution, place)
    yield from lint_tests.check_suites(lab, states.folders["start"], place)
    if answers is not None:
        yield from lint_answers.check_mistakes(lab, answers, solution, place)
