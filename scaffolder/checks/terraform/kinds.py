"""Kinds that ask Terraform: format, validity, apply, tags and idempotence."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.kind import EVERYTHING, Kind
from scaffolder.checks.terraform import cloud_worlds, files
from scaffolder.checks.terraform.answers import make_finding, refuse_answer
from scaffolder.checks.terraform.reading import check_formatting
from scaffolder.checks.terraform.session import TerraformSession, find_terraform
from scaffolder.checks.terraform.stages import TerraformKind
from scaffolder.checks.terraform.terraform import Resource, ResourceChange
from scaffolder.checks.terraform.tools import TERRAFORM
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.model.tool import Tool

FMT = "https://developer.hashicorp.com/terraform/cli/commands/fmt"
TAGS = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/resource-tagging"
# Lives in Terraform's state alone.
INNER = "terraform_data"
PLAN = "https://developer.hashicorp.com/terraform/cli/commands/plan"


class Formatted(Kind, frozen=True, kw_only=True):
    """The configuration is formatted as `terraform fmt` writes it.

    Runs `terraform fmt -check -diff -recursive` on a copy. Needs terraform, but no provider and
    no network; without terraform it is `unavailable`.

    Parameters:
        directory: the folder of the configuration.

    Passes:
        no file would be changed.

    Fails:
        a file would be changed (named, with the difference), or cannot be parsed, or there is none.

    Example:
        - id: fmt-changes-nothing
          kind: terraform.formatted
          directory: infra
    """

    quick: ClassVar[bool] = True
    requires: ClassVar[frozenset[Tool]] = frozenset({TERRAFORM, SANDBOX})

    directory: str = "infra"

    @property
    def reads(self) -> tuple[str, ...]:
        """The folder of the configuration alone."""
        return (f"{glob.escape(self.directory)}/*",) if self.directory != "." else EVERYTHING

    def run(self, context: Context) -> Verdict:
        """Ask `terraform fmt`."""
        # An empty folder has nothing that could be formatted.
        files.list_files(context.run.snapshot, self.directory)
        answer = check_formatting(context, self.directory)
        completed = answer.completed
        if completed.ok:
            return passed(f"terraform fmt would change nothing in {self.directory}/")
        found = tuple(make_finding(error, self.directory, FMT) for error in answer.errors)
        return failed(
            "; ".join(f"{one.path or self.directory}: {one.message}" for one in found),
            *found,
            evidence=Evidence(
                ran="terraform fmt -check -diff -recursive",
                expected="no difference",
                actual=f"exit code {completed.returncode}",
                log=tuple(completed.output.splitlines()[:30]),
            ),
            hint=f"run terraform fmt -recursive in {self.directory}/",
        )


class ConfigurationValid(TerraformKind, frozen=True, kw_only=True):
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
        - id: terraform-validates
          kind: terraform.valid
          directory: infra
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Ask `terraform validate`."""
        answer = find_terraform(context, self.directory, self.variables).validated(context)
        if answer.ok:
            return passed("terraform validate: the configuration is valid")
        return refuse_answer(answer, "validate", self.directory)


class Applies(TerraformKind, frozen=True, kw_only=True):
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
        apply fails, does not end in time, or makes nothing, or AWS is known to refuse what the
        local cloud took (an ACL of a bucket without ownership controls, a name or a tag).

    Example:
        - id: applies-to-an-empty-account
          kind: terraform.applies
          directory: infra
          variables: {environment: staging}
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Apply, if nobody did yet."""
        applied = find_terraform(context, self.directory, self.variables).applied(context)
        # What Terraform keeps to itself is nothing in the cloud.
        if all(resource.type == INNER for resource in applied.state.resources):
            return report_nothing_made(self.directory)
        made = ", ".join(resource.address for resource in applied.state.resources)
        return passed(f"apply made {len(applied.state.resources)} resources: {made}")


class Tagged(TerraformKind, frozen=True, kw_only=True):
    """Every resource that can carry tags carries the asked ones.

    Looks at the state after the apply: `tags_all` of every resource that has it, so the
    provider's `default_tags` count. Without terraform, its provider or the local cloud it is
    `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        tags: the tags that must be there, and their values; "" stands for any but an empty one.
        also: as for `cloud.buckets`; a tag that has a variable's value must have its other one.

    Passes:
        at least one resource can carry tags, and all that can have every tag with its value.

    Fails:
        a resource lacks a tag or has another value, or nothing can carry tags.

    Example:
        - id: everything-is-tagged
          kind: terraform.tagged
          tags: {Environment: staging, Owner: ""}
    """

    tags: Mapping[str, str]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    also: Mapping[str, tuple[Any, ...]] = {}

    def run(self, context: Context) -> Verdict:
        """Look at the tags in the state."""
        shared = find_terraform(context, self.directory, self.variables)
        applied = shared.applied(context)
        taggable = [item for item in applied.state.resources if "tags_all" in item.attributes]
        if not taggable:
            return report_nothing_made(self.directory)
        faults = tuple(
            Finding(f"{item.address} {problem}", path=self.directory, url=TAGS)
            for item in taggable
            for problem in self._problems(item)
        ) or tuple(self._problems_elsewhere(context, shared, {item.type for item in taggable}))
        if faults:
            return failed(
                "; ".join(fault.message for fault in faults),
                *faults,
                hint="default_tags in the provider block reach every resource: " + TAGS,
            )
        return passed(f"{len(taggable)} resources carry {', '.join(self.tags)}")

    def _problems_elsewhere(
        self, context: Context, shared: TerraformSession, taggable: Collection[str]
    ) -> Iterator[Finding]:
        for world in cloud_worlds.plan_worlds(context, shared, self.also):
            old = str(self.variables.get(world.variable, ""))
            new = {key: str(world.value) if one == old else one for key, one in self.tags.items()}
            resources = world.resources
            if cloud_worlds.hides_tags(resources, new, taggable):
                resources = world.apply().state.resources
            for problem in cloud_worlds.find_tag_faults(resources, new):
                yield Finding(f"with {world.told}, {problem}", path=self.directory, url=TAGS)

    def _problems(self, resource: Resource) -> Iterator[str]:
        found = resource.attributes["tags_all"] or {}
        for key, wanted in self.tags.items():
            value = str(found.get(key) or "").strip()
            if not value:
                yield f"lacks the tag {key}"
            elif wanted and value != wanted:
                yield f"has the tag {key} = {value}, not {wanted}"


class Stable(TerraformKind, frozen=True, kw_only=True):
    """A second plan changes nothing.

    After the apply, plans again with the same values, reading everything from the cloud anew.
    Without terraform, its provider or the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.

    Passes:
        the plan wants to create, update and delete nothing, and changes no output.

    Fails:
        it wants to change something, named.

    Example:
        - id: second-plan-is-empty
          kind: terraform.stable
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Plan once more."""
        shared = find_terraform(context, self.directory, self.variables)
        made = shared.applied(context).state.resources
        if all(resource.type == INNER for resource in made):
            return report_nothing_made(self.directory)
        again = shared.planned_again(context)
        changes = [
            *(describe_change(change) for change in again.changes),
            *(f"change the output {name}" for name in again.outputs),
        ]
        if changes:
            return failed(
                f"a second plan, with nothing changed, wants to {', '.join(changes)}",
                *(Finding(change, path=self.directory, url=PLAN) for change in changes),
                evidence=Evidence(
                    ran="terraform apply, then terraform plan",
                    expected="no changes",
                    actual=", ".join(changes),
                ),
                hint="something has another value at every run: timestamp(), uuid(), or two "
                "resources that manage the same thing",
            )
        return passed("a second plan wants to change nothing")


def describe_change(change: ResourceChange) -> str:
    """Say what a plan wants to do."""
    return f"{change.action} {change.address}"


def report_nothing_made(directory: str) -> Verdict:
    """Say that an apply made nothing to look at, which is never a pass."""
    return failed(
        "terraform apply made no resource",
        Finding("makes no resource", path=directory),
        hint="fill the stubs in main.tf",
    )
