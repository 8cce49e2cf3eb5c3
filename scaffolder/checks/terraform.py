"""Kinds that ask Terraform: format, validity, apply, tags, idempotence, and what a change does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffolder.checks.base import Context, Kind
from scaffolder.checks.terraform_session import (
    Applied,
    formatting,
    refuse,
    session,
)
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.tools.terraform import UNFORMATTED, Resource
from scaffolder.tools.terraform import Change as PlannedChange

FMT = "https://developer.hashicorp.com/terraform/cli/commands/fmt"
VALIDATE = "https://developer.hashicorp.com/terraform/cli/commands/validate"
TAGS = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/resource-tagging"
PLAN = "https://developer.hashicorp.com/terraform/cli/commands/plan"

# What AWS counts up or dates by itself when something else of a resource changes.
_COUNTED = frozenset({"version", "etag", "version_id", "last_modified", "insecure_value"})


class Formatted(Kind, frozen=True, kw_only=True):
    """The configuration is formatted as `terraform fmt` writes it.

    Runs `terraform fmt -check -diff -recursive` on a copy. Needs terraform, but no provider and
    no network; without terraform it is `unavailable`.

    Parameters:
        directory: the folder of the configuration.

    Passes:
        no file would be changed.

    Fails:
        a file would be changed (named, with the difference), or cannot be parsed.

    Example:
        ```yaml
        kind: terraform.formatted
        directory: infra
        ```
    """

    directory: str = "infra"

    def run(self, context: Context) -> Verdict:
        """Ask `terraform fmt`."""
        answer = formatting(context, self.directory)
        completed = answer.completed
        if completed.ok:
            return passed(f"terraform fmt would change nothing in {self.directory}/")
        files = tuple(dict.fromkeys(re.findall(r"^--- old/(.+)$", completed.stdout, re.MULTILINE)))
        found = tuple(
            Finding("is not formatted", path=f"{self.directory}/{name}", url=FMT) for name in files
        )
        unformatted = completed.returncode == UNFORMATTED and bool(files)
        cause = "not formatted: " + ", ".join(files) if unformatted else "terraform fmt failed"
        return failed(
            cause,
            *found,
            evidence=Evidence(
                ran="terraform fmt -check -diff -recursive",
                expected="no difference",
                actual=f"exit code {completed.returncode}",
                log=tuple(completed.output.splitlines()[:30]),
            ),
            hint=f"run terraform fmt -recursive in {self.directory}/",
        )


class Valid(Kind, frozen=True, kw_only=True):
    """Terraform finds the configuration valid.

    Parses it, refuses what must not run here (provisioners, providers other than aws, modules
    and state from elsewhere, credentials in the code), then runs `terraform init` and
    `terraform validate` against the provider's schema. Without terraform or its provider, syntax
    and refusals are still judged; the rest is `unavailable`.

    Parameters:
        directory: the folder of the configuration.
        variables: values of the variables, the same for all checks of a lab, so that they share
            one cloud.

    Passes:
        `terraform validate` reports no error.

    Fails:
        a syntax error, something that is refused, an error of `validate`: each with its line.

    Example:
        ```yaml
        kind: terraform.valid
        directory: infra
        ```
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Ask `terraform validate`."""
        answer = session(context, self.directory, self.variables).validated(context)
        if answer.ok:
            return passed("terraform validate: the configuration is valid")
        return refuse(answer, "validate", self.directory)


class Applies(Kind, frozen=True, kw_only=True):
    """The configuration can be applied to an empty account.

    Runs `terraform apply` with the given values against a local cloud that was started for this
    run. All other checks look at what this apply left. Without terraform, its provider or the
    local cloud it is `unavailable`.

    Parameters:
        directory: the folder of the configuration.
        variables: values of the variables, the same for all checks of a lab.

    Passes:
        apply succeeds and made at least one resource.

    Fails:
        apply fails, does not end in time, or makes nothing.

    Example:
        ```yaml
        kind: terraform.applies
        directory: infra
        variables: {environment: staging}
        ```
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Apply, if nobody did yet."""
        applied = session(context, self.directory, self.variables).applied(context)
        if not applied.state.resources:
            return nothing_made(self.directory)
        made = ", ".join(resource.address for resource in applied.state.resources)
        return passed(f"apply made {len(applied.state.resources)} resources: {made}")


class Tagged(Kind, frozen=True, kw_only=True):
    """Every resource that can carry tags carries the asked ones.

    Looks at the state after the apply: `tags_all` of every resource that has it, so the
    provider's `default_tags` count. Without terraform, its provider or the local cloud it is
    `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        keys: the tags that must be there, with any value but an empty one.

    Passes:
        at least one resource can carry tags, and all that can have every key.

    Fails:
        a resource lacks a key, or nothing can carry tags.

    Example:
        ```yaml
        kind: terraform.tagged
        keys: [Service, Environment]
        ```
    """

    keys: tuple[str, ...]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Look at the tags in the state."""
        applied = session(context, self.directory, self.variables).applied(context)
        taggable = [item for item in applied.state.resources if "tags_all" in item.attributes]
        if not taggable:
            return nothing_made(self.directory)
        lacking = {item.address: self._missing(item) for item in taggable}
        faults = tuple(
            Finding(f"{address} lacks the tag {', '.join(keys)}", path=self.directory, url=TAGS)
            for address, keys in lacking.items()
            if keys
        )
        if faults:
            return failed(
                "; ".join(fault.message for fault in faults),
                *faults,
                hint="default_tags in the provider block reach every resource: " + TAGS,
            )
        return passed(f"{len(taggable)} resources carry {', '.join(self.keys)}")

    def _missing(self, resource: Resource) -> tuple[str, ...]:
        tags = resource.attributes["tags_all"] or {}
        return tuple(key for key in self.keys if not str(tags.get(key) or "").strip())


class Stable(Kind, frozen=True, kw_only=True):
    """A second plan changes nothing.

    After the apply, plans again with the same values, reading everything from the cloud anew.
    Without terraform, its provider or the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.

    Passes:
        the plan wants to create, update and delete nothing.

    Fails:
        it wants to change something, named.

    Example:
        ```yaml
        kind: terraform.stable
        ```
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Plan once more."""
        shared = session(context, self.directory, self.variables)
        if not shared.applied(context).state.resources:
            return nothing_made(self.directory)
        changes = shared.planned_again(context).changes
        if changes:
            return failed(
                f"a second plan, with nothing changed, wants to {_in_words(changes)}",
                *(Finding(_in_words([one]), path=self.directory, url=PLAN) for one in changes),
                evidence=Evidence(
                    ran="terraform apply, then terraform plan",
                    expected="no changes",
                    actual=_in_words(changes),
                ),
                hint="something has another value at every run: timestamp(), uuid(), or two "
                "resources that manage the same thing",
            )
        return passed("a second plan wants to change nothing")


class Change(Kind, frozen=True, kw_only=True):
    """Changing one variable changes what it should, and nothing else.

    After the apply, applies once more with one variable changed and compares the state before
    and after. What a plan announces without doing it in the end (a policy that is computed again
    and stays the same) is no change; a resource that is replaced is one.

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
        ```yaml
        kind: terraform.change
        variable: greeting
        value: Good morning!
        changes: [aws_ssm_parameter]
        ```
    """

    variable: str
    value: Any
    changes: tuple[str, ...]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Apply with the variable changed and compare."""
        changed = session(context, self.directory, self.variables).changed(
            context, self.variable, self.value
        )
        replaced = [change for change in changed.answer.changes if change.action != "update"]
        differing = _differences(changed.before, changed.after)
        problems = (
            *(f"{_in_words([change])}" for change in replaced),
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
        carriers = [
            item
            for item in after.state.resources
            if item.type in self.changes and _holds(item.attributes, self.value)
        ]
        if not carriers and types.issuperset(self.changes):
            yield f"the new value is in no {' or '.join(self.changes)}"


def _is_of(applied: Applied, address: str, types: tuple[str, ...]) -> bool:
    return any(item.address == address and item.type in types for item in applied.state.resources)


def _holds(attributes: Mapping[str, Any], value: Any) -> bool:
    """Whether a value stands in one of the attributes, as it is or within JSON."""
    bare = str(value)
    escaped = json.dumps(value).strip('"')
    texts = [text for text in attributes.values() if isinstance(text, str)]
    return any(bare in text or escaped in text for text in texts)


def _differences(before: Applied, after: Applied) -> dict[str, str]:
    """Return the resources whose own attributes differ, with the names of these attributes."""
    old = {item.address: item.attributes for item in before.state.resources}
    found: dict[str, str] = {}
    for item in after.state.resources:
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
        same: bool = _unordered(json.loads(one)) == _unordered(json.loads(other))
    except ValueError:
        return False
    return same


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=repr)
    return value


def _in_words(changes: Iterable[PlannedChange]) -> str:
    return ", ".join(_one_in_words(change) for change in changes)


def _one_in_words(change: PlannedChange) -> str:
    return f"{change.action} {change.address}"


def nothing_made(directory: str) -> Verdict:
    """Say that an apply made nothing to look at, which is never a pass."""
    return failed(
        "terraform apply made no resource",
        Finding("makes no resource", path=directory),
        hint="fill the stubs in main.tf",
    )
