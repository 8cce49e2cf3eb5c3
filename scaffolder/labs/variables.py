"""The variables of a lab: those of its template, which one may set, and those that vary.

Those that follow from a learner's id cannot be set, and the lab's own cannot be set at all.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.labs import rendering
from scaffolder.labs.catalog import find_template
from scaffolder.core.suggest import suggest_name
from scaffolder.core.errors import DevlabError
from scaffolder.model import Lab
from scaffolder.labs.value_types import ValueType
from scaffolder.workspace import MANIFEST, Manifest, Workspace

VALUE_LIMIT = 100


@dataclass(frozen=True)
class Variable:
    """One variable of a template: its default, the choices if it has any, what to ask."""

    name: str
    default: str
    choices: tuple[str, ...] = ()
    prompt: str = ""
    pattern: str = ""
    type: ValueType | None = None

    @property
    def words(self) -> str:
        """What a value must be, where its type says so."""
        return self.type.words if self.type is not None else ""

    def validate(self, value: str) -> str:
        """Return the value if it may be used; raises DevlabError that says what is expected."""
        if self.choices and value not in self.choices:
            raise DevlabError(
                f"{self.name} is {_shown(value)}, but must be one of {', '.join(self.choices)}"
            )
        if self.type is not None and not self.type.holds(value):
            raise DevlabError(
                f"{self.name} is {_shown(value)}, but must be {self.type.words}",
                hint=f"for example: {self.default}",
            )
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise DevlabError(
                f"{self.name} is {_shown(value)}, but must match {self.pattern}",
                hint=f"for example: {self.default}",
            )
        if not value.strip() or len(value) > VALUE_LIMIT or not value.isprintable():
            raise DevlabError(
                f"{self.name} must be one line of 1 to {VALUE_LIMIT} printable characters"
            )
        return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= VALUE_LIMIT else f"{value[: VALUE_LIMIT - 1]}…")


def list_variables(lab: Lab) -> dict[str, Variable]:
    """Return the variables of a lab's template, with the lab's own defaults in place."""
    raw = _cookiecutter_json(lab)
    prompts = raw.get("__prompts__", {})
    patterns = raw.get("_patterns", {})
    types = _types(raw, find_template(lab))
    found = {
        name: replace(
            _variable(name, value, prompts.get(name), patterns.get(name, ""), find_template(lab)),
            type=types.get(name),
        )
        for name, value in raw.items()
        if not name.startswith("_")
    }
    for name, value in lab.context.items():
        if name not in found:
            raise DevlabError(
                f"{lab.root / 'lab.yaml'}: context names {name!r}, which the template "
                f"{lab.template} does not have{suggest_name(name, found)}"
            )
        found[name] = replace(found[name], default=value)
    _require_sound_variation(lab, found)
    return found


def _types(settings: Mapping[str, Any], template: Path) -> dict[str, ValueType]:
    """Return what the template declares of its variables' values, by their names."""
    where = template / rendering.SETTINGS
    try:
        types = msgspec.convert(settings.get("_types", {}), dict[str, ValueType])
    except (msgspec.ValidationError, ValueError) as error:
        raise DevlabError(f"{where}: in _types: {error}") from error
    for name in types:
        if name not in settings:
            raise DevlabError(
                f"{where}: _types names {name!r}, which is no variable"
                f"{suggest_name(name, [one for one in settings if not one.startswith('_')])}"
            )
    return types


def _require_sound_variation(lab: Lab, found: Mapping[str, Variable]) -> None:
    for name, one in lab.variation.variables.items():
        if one.default is None and name not in found:
            raise DevlabError(
                f"{lab.root / 'lab.yaml'}: vary names {name!r}, which the template {lab.template} "
                f"does not have{suggest_name(name, found)}",
                hint="give it a default to make it a variable of the lab's own",
            )
        if one.default is not None and name in found:
            raise DevlabError(
                f"{lab.root / 'lab.yaml'}: vary gives {name!r} a default, but it is a variable of "
                f"the template {lab.template}",
                hint="its default belongs into `context`",
            )


def require_free(lab: Lab, settings: Mapping[str, str]) -> None:
    """Raise DevlabError where somebody sets a variable that follows from the learner's id.

    One of both would have to give way, and either way one of two people would be misled: the
    learner by the instructions, or who compares the work of learners.
    """
    known = list_variables(lab)
    for name in settings:
        if name in lab.values and name not in known:
            raise DevlabError(
                f"{name!r} is decided by {lab.id} itself and cannot be set",
                hint=f"variables: {', '.join(known)}",
            )
        if name in lab.values:
            raise DevlabError(
                f"{name} is {lab.values[name]!r} for this learner and cannot be set",
                hint=f"leave out --set {name}=...; it follows from the learner's id",
            )


def report_other_owner(lab: Lab, manifest: Manifest) -> Iterator[str]:
    """Yield what a report should say of a workspace that is not the one of the lab's learner.

    Nothing where the manifest names that learner and has the values that follow from the id.
    """
    made_for = manifest.learner_id
    if made_for != lab.learner:
        whom = f"the learner {made_for!r}" if made_for else "no learner"
        yield f"graded as the lab of {lab.learner!r}, but made for {whom}"
        return
    others = {
        name: manifest.context[name]
        for name, value in lab.values.items()
        if lab.learner and manifest.context.get(name, value) != value
    }
    for name, value in others.items():
        yield (
            f"{name} is {value!r} in {MANIFEST}, but {lab.values[name]!r} for {made_for!r}: the "
            "manifest was changed, or made by another version of the lab"
        )


def complete_variables(lab: Lab, context: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a workspace's template, with what the lab itself decides on top."""
    return {**context, **lab.values}


def list_work_variables(lab: Lab, manifest: Manifest) -> dict[str, str]:
    """Return the variables that somebody's work is graded with, the lab's own on top.

    The manifest is in the learner's hands, and may be one of another version of the lab: a variable
    that the lab has not any more is left out, and a new one has its default. Raises DevlabError
    for a value that the lab refuses, which no start could have been made with.
    """
    found = {}
    for name, variable in list_variables(lab).items():
        given = lab.values.get(name, manifest.context.get(name, variable.default))
        try:
            found[name] = variable.validate(given)
        except DevlabError as error:
            raise DevlabError(
                f"{MANIFEST}: {error.message}",
                hint="put back what devlab wrote: git checkout -- .devlab   or make a workspace "
                f"anew: devlab new {lab.id} DIR",
            ) from error
    return {**found, **lab.values}


def _cookiecutter_json(lab: Lab) -> dict[str, Any]:
    return rendering.read_settings(find_template(lab))


def _variable(name: str, value: Any, prompt: Any, pattern: Any, template: Path) -> Variable:
    choices = tuple(str(item) for item in value) if isinstance(value, list) else ()
    where = f"{template / rendering.SETTINGS}: {name!r}"
    if not all(str(part).isprintable() for part in (name, pattern, *choices)):
        # Whoever is asked for a value would see it.
        raise DevlabError(f"{where} has a name, choice or pattern that cannot be shown")
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError) as error:
        raise DevlabError(f"{where} in _patterns is no regular expression: {error}") from error
    question = prompt.get("__prompt__", "") if isinstance(prompt, dict) else str(prompt or "")
    return Variable(name, choices[0] if choices else str(value), choices, question, pattern)


def make_context(lab: Lab, given: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every variable: of the learner, else what was given, else the default.

    Raises DevlabError for a name that the template does not have or a value that it refuses. The
    lab's own variables are not among them; they cannot be given.
    """
    known = list_variables(lab)
    for name in given:
        if name not in known and name not in lab.values:
            raise DevlabError(
                f"{lab.id} has no variable {name!r}{suggest_name(name, known)}",
                hint=f"variables: {', '.join(known)}",
            )
    return {
        name: variable.validate(lab.values.get(name, given.get(name, variable.default)))
        for name, variable in known.items()
    }


def select_usable_variables(lab: Lab, workspace: Workspace) -> dict[str, str]:
    """Return the variables of a workspace that the lab, as it is now, still has."""
    known = list_variables(lab)
    return {name: value for name, value in workspace.manifest.context.items() if name in known}


def choose_other_variables(lab: Lab) -> dict[str, str]:
    """Return valid values that differ from the defaults, wherever a template allows others.

    They are what `_examples` in its cookiecutter.json says, else another choice, the next number,
    or the default with something added. What is graded must not depend on the defaults.
    """
    examples = _cookiecutter_json(lab).get("_examples", {})
    free = {name: one for name, one in list_variables(lab).items() if name not in lab.values}
    others = {name: _another(one, examples.get(name)) for name, one in free.items()}
    return {name: value for name, value in others.items() if value is not None}


def _another(variable: Variable, example: object) -> str | None:
    default = variable.default
    number = str(int(default) + 1) if default.isdecimal() else default
    candidates = [
        *variable.choices[::-1],
        str(example or ""),
        number,
        f"{default}-two",
        default * 2,
    ]
    for value in candidates:
        with contextlib.suppress(DevlabError):
            if value != default and variable.validate(value):
                return value
    return None
