"""The kind `cloud.access`: what the policies in the cloud really allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from scaffolder.checks.context import Context
from scaffolder.checks.drawing import make_random
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import cloud_policy, cloud_worlds, files, hcl
from scaffolder.checks.terraform.cloud import Picture, Policy, Role
from scaffolder.checks.terraform.cloud_kinds import report_missing
from scaffolder.checks.terraform.reading import confirm_syntax_errors
from scaffolder.checks.terraform.session import TerraformSession, find_terraform
from scaffolder.checks.terraform.stages import Applied, TerraformKind
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

LEAST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action that a role is allowed, and on what.

    `on` is `object` (an object of the bucket, named by `key`), `bucket`, or `parameter`.
    """

    action: str
    on: Literal["object", "bucket", "parameter"]
    key: str = "object.txt"


class Access(TerraformKind, frozen=True, kw_only=True):
    """A role may do what it needs, and nothing more.

    After the apply, asks IAM for every role, user and group with the documents of all policies,
    inline and attached, adds what bucket policies allow them, and evaluates it all. Without
    terraform, its provider or the local cloud, a wildcard that stands in the configuration still
    fails; the rest is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        grants: what one role must be allowed: `action`, and `on` what (`object` with a `key`,
            `bucket`, `parameter`).
        may: further actions that nobody minds.
        refuses: what nobody may be allowed, in the form of `grants`. Near misses are derived:
            where it names an object for an action, objects beside the folder of the one that is
            granted (`releases-old/`, `releasesx/`, and such) are refused too, and whatever else
            of a bucket a policy names for that action outside of the folder; and always
            parameters below and beside the granted one.
        trusts: the service that must be able to assume that role, and nobody else.
        also: as for `cloud.buckets`. Of what a plan tells: who may assume each role, and policies
            that name nothing that is known after the apply only.

    Passes:
        a role that trusts the service is allowed every grant. No policy of anybody holds a
        wildcard in an action, or in a resource other than the end of a path within one named
        thing (`arn:aws:s3:::bucket/*`), allows an action beyond `grants` and `may`, or a
        resource that the apply did not make. What a role may is policies and permissions
        boundary together. Nobody has an access key.

    Fails:
        a wildcard, a missing grant, an action or resource too many, a role for somebody else.

    Example:
        - id: role-may-only-what-it-needs
          kind: cloud.access
          trusts: ecs-tasks.amazonaws.com
          grants:
            - {action: "s3:GetObject", on: object, key: releases/app.tar.gz}
            - {action: "ssm:GetParameter", on: parameter}
          may: ["kms:Decrypt"]
    """

    grants: tuple[Grant, ...]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    may: tuple[str, ...] = ()
    refuses: tuple[Grant, ...] = ()
    trusts: str = ""
    also: Mapping[str, tuple[Any, ...]] = {}

    def run(self, context: Context) -> Verdict:
        """Evaluate the policies in the cloud."""
        try:
            shared = find_terraform(context, self.directory, self.variables)
            applied = shared.applied(context)
        except UnavailableError:
            self._refuse_written_wildcards(context)
            raise
        picture = _with_bucket_policies(applied.picture)
        if not picture.roles:
            return report_missing("role", self.directory)
        problems = list(self._find_problems(context, applied, picture))
        problems = problems or list(self._problems_elsewhere(context, shared))
        if problems:
            return failed(
                "; ".join(problems),
                *(Finding(problem, path=self.directory, url=LEAST) for problem in problems),
                evidence=Evidence(
                    ran="iam: GetAccountAuthorizationDetails",
                    expected="allowed: " + ", ".join(grant.action for grant in self.grants),
                    actual="; ".join(problems),
                    log=tuple(f"{role.name}: {_documents(role)}" for role in picture.roles),
                ),
                hint="name the actions that the service calls, and the ARNs of what it calls on",
            )
        names = ", ".join(role.name for role in picture.roles)
        allowed = cloud_policy.list_actions(
            [one for role in picture.roles for one in _documents(role)]
        )
        return passed(f"{names}: {', '.join(allowed)} and nothing more, without wildcards")

    def _find_problems(self, context: Context, applied: Applied, picture: Picture) -> Iterator[str]:
        """Yield what roles of the applied configuration may and should not, then what they lack."""
        word = f"{make_random(context.run, 'keys').getrandbits(40):010x}"
        arns = (str(item.attributes.get("arn") or "") for item in applied.state.resources)
        made = [arn for arn in arns if arn]
        for role in picture.roles:
            yield from _too_wide(role)
            yield from self._too_much(role, made, picture)
            yield from self._outside(role, picture, word)
        yield from self._too_little(picture)

    def _problems_elsewhere(self, context: Context, shared: TerraformSession) -> Iterator[str]:
        for world in cloud_worlds.plan_worlds(context, shared, self.also):
            for role in cloud_worlds.list_identities(world.resources):
                told = [*_too_wide(role), *self._unasked(role)]
                if role.trust:
                    able = not self.trusts or self.trusts in cloud_policy.list_assumers(role.trust)
                    told += [] if able else [f"{self.trusts} may not assume {role.name}"]
                yield from (f"with {world.told}, {problem}" for problem in told)

    def _unasked(self, role: Role) -> Iterator[str]:
        """Yield actions that nothing asks for, and those who may assume the role beside its own."""
        known = {grant.action.lower() for grant in self.grants}
        known |= {action.lower() for action in self.may}
        for action in cloud_policy.list_actions(_documents(role)):
            if action not in known and "*" not in action:
                yield f"{role.name} may {action}, which nothing asks for"
        for principal in cloud_policy.list_trusted_principals(role.trust):
            if self.trusts and principal not in (self.trusts, "*"):
                yield f"{principal} may assume {role.name}"

    def _too_much(self, role: Role, made: list[str], picture: Picture) -> Iterator[str]:
        yield from self._unasked(role)
        documents = _documents(role)
        for resource in cloud_policy.list_resources(documents):
            inside = any(
                resource == arn or resource.startswith((arn + "/", arn + ":")) for arn in made
            )
            # What is named too widely is told already.
            if not inside and cloud_policy.names_one(resource):
                yield f"{role.name} may use {resource}, which this configuration does not make"
        for key in role.keys:
            yield f"{role.name} has the access key {key}, which nothing asks for"
        for action, target in dict.fromkeys((*self._refused(picture), *self._near(picture))):
            if _may(role, action, target):
                yield f"{role.name} may {action} on {target}"

    def _outside(self, role: Role, picture: Picture, word: str) -> Iterator[str]:
        """Yield objects outside of the granted folders, where the lab says that not all is granted.

        Each pattern of the policies is asked for one of its objects, whose name is drawn.
        """
        bounded = {grant.action for grant in self.refuses if grant.on == "object"}
        folders = [
            f"{bucket.arn}/{grant.key.partition('/')[0]}/"
            for grant in self.grants
            for bucket in picture.buckets
            if grant.on == "object" and "/" in grant.key
        ]
        for resource in cloud_policy.list_resources(_documents(role)) if folders else ():
            target = cloud_policy.fill_wildcards(resource, word)
            in_bucket = any(target.startswith(f"{one.arn}/") for one in picture.buckets)
            if not in_bucket or target.startswith(tuple(folders)):
                continue
            for action in sorted(bounded):
                if _may(role, action, target):
                    yield f"{role.name} may {action} on {resource}"

    def _refused(self, picture: Picture) -> Iterator[tuple[str, str]]:
        for grant in self.refuses:
            for target in _targets(grant, picture):
                yield grant.action, target

    def _near(self, picture: Picture) -> Iterator[tuple[str, str]]:
        """Yield what lies beside what is granted, where the lab says that not all is granted."""
        bounded = {grant.action for grant in self.refuses if grant.on == "object"}
        for grant in self.grants:
            folder, slash, rest = grant.key.partition("/")
            if grant.on == "object" and slash and grant.action in bounded:
                for near in (f"{folder}-old", f"{folder}x", f"x{folder}", f"old/{folder}"):
                    for bucket in picture.buckets:
                        yield grant.action, f"{bucket.arn}/{near}/{rest}"
            elif grant.on == "parameter":
                for parameter in picture.parameters:
                    beside = (f"{parameter.arn}/below", f"{parameter.arn}-old")
                    there = {other.arn for other in picture.parameters}
                    yield from ((grant.action, arn) for arn in beside if arn not in there)

    def _too_little(self, picture: Picture) -> list[str]:
        """Return what the best of the roles lacks."""
        roles = [role for role in picture.roles if role.kind == "role"]
        lacking = [list(self._lacking(role, picture)) for role in roles]
        return min(lacking, key=len, default=["there is no role"])

    def _lacking(self, role: Role, picture: Picture) -> Iterator[str]:
        if self.trusts and self.trusts not in cloud_policy.list_assumers(role.trust):
            yield f"{self.trusts} may not assume {role.name}"
        for grant in self.grants:
            targets = list(_targets(grant, picture))
            if not any(_may(role, grant.action, target) for target in targets):
                where = targets[0] if targets else f"any {grant.on}: there is none"
                yield f"{role.name} may not {grant.action} on {where}"

    def _refuse_written_wildcards(self, context: Context) -> None:
        with confirm_syntax_errors(context, self.directory):
            configuration = files.read_configuration(context.run.snapshot, self.directory)
        faults = tuple(_written_wildcards(configuration))
        if faults:
            raise CheckFailedError(
                "; ".join(fault.message for fault in faults),
                *faults,
                hint="name the actions and the ARNs that the service needs",
            )


def _with_bucket_policies(picture: Picture) -> Picture:
    """Return the picture with what bucket policies say of each role added to its policies."""
    roles = []
    for role in picture.roles:
        said = [
            Policy(f"bucket policy of {bucket.name}", {"Statement": statements})
            for bucket in picture.buckets
            if (statements := cloud_policy.find_statements_about(bucket.policy, role.arn))
        ]
        roles.append(msgspec.structs.replace(role, policies=(*role.policies, *said)))
    return msgspec.structs.replace(picture, roles=tuple(roles))


def _too_wide(role: Role) -> Iterator[str]:
    for policy in role.policies:
        for problem in cloud_policy.find_wildcards(policy.document):
            yield f"the policy {policy.name} of {role.name} {problem}"
    for problem in (
        *cloud_policy.find_open_principals(role.trust),
        *cloud_policy.find_wildcards(role.trust),
    ):
        yield f"the trust of {role.name} {problem}"


def _may(role: Role, action: str, target: str) -> bool:
    """Whether a role may do something: its policies allow it, and so does its boundary."""
    within = role.boundary is None or cloud_policy.allows([role.boundary.document], action, target)
    return within and cloud_policy.allows(_documents(role), action, target)


def _documents(role: Role) -> list[Mapping[str, Any]]:
    return [policy.document for policy in role.policies]


def _targets(grant: Grant, picture: Picture) -> Iterator[str]:
    if grant.on == "parameter":
        yield from (parameter.arn for parameter in picture.parameters)
    for bucket in picture.buckets:
        if grant.on == "bucket":
            yield bucket.arn
        elif grant.on == "object":
            yield f"{bucket.arn}/{grant.key}"


def _written_wildcards(configuration: hcl.Configuration) -> Iterator[Finding]:
    """Yield the wildcards of aws_iam_policy_document blocks that are literally written there."""
    for block in configuration.of("data"):
        if block.labels[:1] != ("aws_iam_policy_document",):
            continue
        for statement in block.blocks:
            effect = statement.attributes.get("effect")
            if statement.type != "statement" or (effect is not None and effect.text == "Deny"):
                continue
            yield from _written_in(statement)


def _written_in(statement: hcl.Block) -> Iterator[Finding]:
    for name in ("actions", "resources"):
        attribute = statement.attributes.get(name)
        listed = attribute.value if attribute is not None else []
        for item in listed if isinstance(listed, list) else []:
            text = hcl.read_literal(item) or ""
            if attribute is not None and (text == "*" or (name == "actions" and "*" in text)):
                yield Finding(
                    f"allows {name} {text}", path=statement.path, line=attribute.line, url=LEAST
                )
