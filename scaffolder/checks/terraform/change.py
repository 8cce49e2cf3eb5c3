"""Kinds that change a variable: what changes with it, and what must not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scaffolder.checks.context import Context
from scaffolder.checks.terraform.kinds import INNER, PLAN, describe_change, report_nothing_made
from scaffolder.checks.terraform.session import find_terraform
from scaffolder.checks.terraform.stages import Applied, TerraformKind
from scaffolder.checks.terraform.terraform import State
from scaffolder.core import json_text
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

OUTPUTS = "https://developer.hashicorp.com/terraform/language/values/outputs"

# What AWS counts up or dates by itself when something else of a resource changes.
_COUNTED = frozenset({"version", "etag", "version_id", "last_modified", "insecure_value"})


class Change(TerraformKind, frozen=True, kw_only=True):
    """Changing one variable changes what it should, and nothing else.

    After the apply, applies once more with one variable changed and compares the state before
    and after. What a plan announces without doing it in the end (a policy that is computed again
    and stays the same) is no change; a resource that is replaced is one. What is in Terraform
    alone (`terraform_data`) is nothing in the cloud, and may carry the value.

    Without terraform, its provider or the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        variable, value: what is changed, and into what.
        changes: the types of the resources that must change, each at least once, in place.

    Passes:
        resources of exactly these types changed, and the new value is in one of them.

    Fails:
        nothing changed, something else changed too, something was made, deleted or replaced.

    Example:
        - id: greeting-changes-the-parameter
          kind: terraform.change
          variable: greeting
          value: Good morning!
          changes: [aws_ssm_parameter]
    """

    variable: str
    value: Any
    changes: tuple[str, ...]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Apply with the variable changed and compare."""
        changed = find_terraform(context, self.directory, self.variables).changed(
            context, self.variable, self.value
        )
        replaced = [
            change
            for change in changed.answer.changes
            if change.action != "update" and change.type != INNER
        ]
        differing = _differences(changed.before, changed.after)
        problems = (
            *(describe_change(change) for change in replaced),
            *self._unexpected(changed.after, differing),
        )
        if problems:
            return failed(
                f"with another {self.variable}: {'; '.join(problems)}",
                *(Finding(problem, path=self.directory, url=PLAN) for problem in problems),
                evidence=Evidence(
                    ran=f"terraform apply with {self.variable} = {json.dumps(self.value)}",
                    expected=f"only {', '.join(self.changes)} changes, in place",
                    actual="; ".join(problems),
                ),
                hint=f"where is var.{self.variable} used, and where should it be?",
            )
        return passed(f"another {self.variable} changes {', '.join(differing)} and nothing else")

    def _unexpected(self, after: Applied, differing: Mapping[str, str]) -> Iterator[str]:
        for address, attributes in differing.items():
            if not _is_of(after, address, self.changes):
                yield f"{address} changes too ({attributes})"
        types = {item.type for item in after.state.resources if item.address in differing}
        for kind in self.changes:
            if kind not in types:
                yield f"no {kind} changes"
        carriers: list[object] = [
            item
            for item in after.state.resources
            if item.type in self.changes and _holds(item.attributes, self.value)
        ]
        values = [one.value for one in after.picture.parameters]
        if "aws_ssm_parameter" in self.changes:
            # It may be written there without the state's keeping it.
            carriers += [one for one in values if _holds({"value": one}, self.value)]
        if not carriers and types.issuperset(self.changes):
            yield f"the new value is in no {' or '.join(self.changes)}"


def _is_of(applied: Applied, address: str, types: tuple[str, ...]) -> bool:
    return any(item.address == address and item.type in types for item in applied.state.resources)


def _holds(attributes: Mapping[str, Any], value: Any) -> bool:
    """Whether a value stands in one of the attributes, as it is or within JSON."""
    texts = [text for text in attributes.values() if isinstance(text, str)]
    return any(str(value) in leaf for text in texts for leaf in (text, *_leaves(text)))


def _leaves(text: str) -> Iterator[str]:
    """Yield what stands in a JSON document; there are many ways to escape it."""
    try:
        waiting = [json_text.load_json(text)]
    except ValueError:
        return
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        else:
            yield str(item)


def _differences(before: Applied, after: Applied) -> dict[str, str]:
    """Return the resources whose own attributes differ, with the names of these attributes."""
    old = {item.address: item.attributes for item in before.state.resources}
    found: dict[str, str] = {}
    for item in (one for one in after.state.resources if one.type != INNER):
        was = old.get(item.address, {})
        names = sorted(
            name
            for name in {*was, *item.attributes} - _COUNTED
            if not _same(was.get(name), item.attributes.get(name))
        )
        if names:
            found[item.address] = ", ".join(names)
    return found


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: policies in JSON may be ordered differently."""
    if one == other or (not one and not other):
        return True
    if not (isinstance(one, str) and isinstance(other, str) and one[:1] == other[:1] == "{"):
        return False
    try:
        same: bool = _unordered(json_text.load_json(one)) == _unordered(json_text.load_json(other))
    except ValueError:
        return False
    return same


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=repr)
    return value


class Follows(TerraformKind, frozen=True, kw_only=True):
    """Outputs follow a variable: another value makes them name another thing.

    After the apply, plans with one variable changed and looks which outputs would change. An
    output that stays was typed by hand, or names a thing whose own name was. Nothing is applied.
    Without terraform, its provider or the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        variable, value: what is changed, and into what.
        outputs: the outputs that must change.

    Passes:
        the plan changes every one of the outputs.

    Fails:
        an output would stay as it is, is not there, or would be a text that is known before
        anything is made, and that no attribute of a resource would have.

    Example:
        - id: outputs-follow-the-environment
          kind: terraform.follows
          variable: environment
          value: prod
          outputs: [bucket_name]
    """

    variable: str
    value: Any
    outputs: tuple[str, ...]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Plan with the variable changed and look at the outputs."""
        shared = find_terraform(context, self.directory, self.variables)
        applied = shared.applied(context)
        if not applied.state.resources:
            return report_nothing_made(self.directory)
        answer = shared.planned_with(context, self.variable, self.value)
        staying = [name for name in self.outputs if name not in answer.outputs]
        told = f"{self.variable} = {json.dumps(self.value)}"
        planned = shared.elsewhere(context, self.variable, self.value)
        if not staying and (made_up := list(self._made_up(planned))):
            return failed(
                f"with {told}, {'; '.join(made_up)}",
                *(Finding(problem, path=self.directory, url=OUTPUTS) for problem in made_up),
                hint="an output takes its value from an attribute of the resource",
            )
        if not staying:
            return passed(f"with {told} there are other values of {', '.join(self.outputs)}")
        problems = [
            f"{name} would still be {applied.state.outputs.get(name)!r}" for name in staying
        ]
        return failed(
            f"with {told}, {'; '.join(problems)}",
            *(Finding(problem, path=self.directory, url=OUTPUTS) for problem in problems),
            evidence=Evidence(
                ran=f"terraform plan with {told}",
                expected=f"changes of the outputs {', '.join(self.outputs)}",
                actual=f"changes of {', '.join(answer.outputs) or 'none'}",
            ),
            hint="name the resources by the variables, and take outputs from their attributes",
        )

    def _made_up(self, planned: State) -> Iterator[str]:
        """Yield outputs whose value is known before anything is made, and is nobody's name."""
        names = {
            value
            for item in planned.resources
            for value in item.attributes.values()
            if item.type != INNER and isinstance(value, str) and value
        }
        for name in self.outputs:
            value = planned.outputs.get(name)
            # Of an ARN that is put together the last part is known.
            if value is not None and not any(
                str(value) == one or str(value).endswith(("/" + one.lstrip("/"), ":" + one))
                for one in names
            ):
                yield f"{name} would be {value!r}, which is the name of nothing there"
