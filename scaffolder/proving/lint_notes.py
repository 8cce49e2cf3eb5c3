"""What is wrong with a lab's notes on its answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.core.lines import split_lines
from scaffolder.core.suggest import suggest_name
from scaffolder.labs import generate
from scaffolder.labs.notes import (
    ALTERNATIVES,
    NOTES,
    STEPS_NOTES,
    Notes,
    find_places,
    read_notes,
)
from scaffolder.labs.steps import read_steps
from scaffolder.model import Lab, Problem
from scaffolder.model.history import Steps
from scaffolder.proving.lint_places import make_problem


def find_problems(lab: Lab) -> Iterator[Problem]:
    """Look whether each file of the solution and each alternative has its section, if any has."""
    if not (lab.root / NOTES).exists():
        return
    try:
        notes = read_notes(lab.root)
    except DevlabError as error:
        yield make_problem(error, lab.root)
        return
    files = generate.list_overlay_paths(lab.root / "solution")
    others = [f"{ALTERNATIVES}{name}" for name in generate.list_alternatives(lab)]
    known = (*files, *(f"{STEPS_NOTES}{name}" for name in _read_steps(lab)), *others)
    for name, section in notes.sections.items():
        if name not in known:
            what = "alternative" if section.alternative else "file of the solution"
            what = "step of the solution" if name.startswith(STEPS_NOTES) else what
            message = f"there is no {what} {name!r}{suggest_name(name, known)}"
            yield Problem(message, NOTES, section.line)
    for name in known:
        if name not in notes.sections:
            yield Problem(f"nothing is said of {name}", NOTES, hint=f"begin it with: ## {name}")


def find_lost_quotes(lab: Lab, solution: Path) -> Iterator[Problem]:
    """Look whether what is quoted stands once in the solution that was rendered there."""
    steps = {f"{STEPS_NOTES}{name}": text for name, text in _read_steps(lab).items()}
    for section in _read(lab).sections.values():
        path = solution / section.name
        if section.alternative or not (section.name in steps or path.is_file()):
            continue
        text = steps.get(section.name)
        lines = split_lines(path.read_text("utf-8", "replace") if text is None else text)
        for note in section.notes:
            count = len(find_places(note, lines))
            if count != 1:
                yield Problem(
                    f"{note.quote[0]!r} stands {count} times in {section.name}, not once",
                    NOTES,
                    note.line,
                    "quote a part of a line that no variable changes, or the lines around it, too",
                )


def _read(lab: Lab) -> Notes:
    try:
        return read_notes(lab.root)
    except DevlabError:
        return Notes()


def _read_steps(lab: Lab) -> Steps:
    """Return the steps of the solution; none where they cannot be read, which is told elsewhere."""
    try:
        return read_steps(lab, lab.root / "solution")
    except DevlabError:
        return {}
