"""The states of a lab as folders, rendered once, and what should not be left in them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.core.errors import DevlabError
from scaffolder.labs import generate
from scaffolder.labs.catalog import find_template
from scaffolder.labs.variables import complete_variables, make_context
from scaffolder.model import Lab, Problem
from scaffolder.proving.lint_places import make_problem, make_relative
from scaffolder.workspace import MANIFEST, REPOSITORY

# GitHub's `${{ }}`, Helm's `{{ .Values }}` and an app's own templates are nobody's mistake; what
# speaks of cookiecutter, or keeps cookiecutter's hands off, was meant to be gone.
_LEFT = re.compile(r"\{[{%][^}]*\bcookiecutter\b|\{%[-+]?\s*(?:end)?raw\b")


@dataclass
class States:
    """The folders of the states that could be rendered, and why others could not.

    `folders` maps `start`, `solution` and `alternatives/NAME` to a folder each.
    """

    folders: dict[str, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def render_states(lab: Lab, variables: Mapping[str, str], place: Path) -> States:
    """Render the start once and lay the solution and the alternatives over copies of it."""
    states = States()
    start = place / "start"
    try:
        generate.build_state(lab, "start", variables, start)
        context = complete_variables(lab, make_context(lab, variables))
    except DevlabError as error:
        states.problems.append(make_problem(error, lab.root))
        return states
    states.folders["start"] = start
    for name in ("solution", *(f"alternatives/{one}" for one in generate.list_alternatives(lab))):
        source, folder = lab.root / name, place / name
        shutil.copytree(start, folder)
        try:
            generate.apply_overlay(source, context, folder, trusted=lab.trusted)
            states.folders[name] = folder
        except DevlabError as error:
            states.problems.append(make_problem(error, lab.root))
    return states


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every file that is the learner's work, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path != folder / MANIFEST
        and not path.is_relative_to(folder / REPOSITORY)
    }


def find_leftovers(lab: Lab, states: States) -> Iterator[Problem]:
    """Tell every file in which something of cookiecutter's is left."""
    seen: set[tuple[str, bytes]] = set()
    for state, folder in states.folders.items():
        for path, content in read_tree(folder).items():
            # What a state has from the start was looked at there.
            if (path, content) in seen:
                continue
            seen.add((path, content))
            line = _left_line(content)
            if line is not None or generate.JINJA_SUFFIX in path or "{{" in path:
                yield _leftover(lab, state, path, line)


def _left_line(content: bytes) -> int | None:
    found = _LEFT.search(text := content.decode("utf-8", "replace"))
    return None if found is None else text.count("\n", 0, found.start()) + 1


def _leftover(lab: Lab, state: str, path: str, line: int | None) -> Problem:
    """Name the file that it comes from: the overlay's, else the start's, else the template's."""
    for overlay in (state, "start"):
        for name in (path, path + generate.JINJA_SUFFIX):
            source = lab.root / overlay / name
            if source.is_file():
                hint = "only what ends in .jinja is rendered: name it " + path + ".jinja"
                return Problem(
                    f"after rendering ({state}) something of cookiecutter's is left in {path}",
                    make_relative(source, lab.root),
                    line,
                    hint if source.suffix != generate.JINJA_SUFFIX else "",
                )
    return Problem(
        f"after rendering ({state}) something of cookiecutter's is left in {path}",
        make_relative(find_template(lab), lab.root),
    )
