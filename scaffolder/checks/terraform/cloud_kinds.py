"""Kinds that ask the cloud, through boto3, what an apply left in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import cloud_policy, cloud_worlds, files
from scaffolder.checks.terraform.cloud import Bucket, Picture
from scaffolder.checks.terraform.reading import confirm_syntax_errors
from scaffolder.checks.terraform.session import TerraformSession, find_terraform
from scaffolder.checks.terraform.stages import TerraformKind
from scaffolder.core import json_text
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

PUBLIC = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
VERSIONING = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html"
ENCRYPTION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html"
OUTPUTS = "https://developer.hashicorp.com/terraform/language/values/outputs"
DESTROY = "https://developer.hashicorp.com/terraform/cli/commands/destroy"

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Buckets(TerraformKind, frozen=True, kw_only=True):
    """The buckets in the cloud are private, versioned and encrypted.

    After the apply, asks S3 for the public access block, the bucket policy, the versioning and
    the default encryption of every bucket. Without terraform, its provider or the local cloud it
    is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        private, versioned, encrypted: which of the three is asked for.
        also: further values of variables under which it must hold as well, which is looked at in
            a plan, or in another apply where a plan leaves it open: `{environment: [dev, prod]}`.

    Passes:
        there is a bucket, and every bucket has what is asked for. Private: all four switches of
        the public access block are on and the policy does not let everybody in. Versioned:
        enabled, not suspended. Encrypted: a default algorithm is set, of S3 or of KMS.

    Fails:
        there is no bucket, or one lacks something, named.

    Example:
        - id: buckets-are-private
          kind: cloud.buckets
          private: true
          versioned: true
          encrypted: true
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    private: bool = True
    versioned: bool = True
    encrypted: bool = True
    also: Mapping[str, tuple[Any, ...]] = {}

    def run(self, context: Context) -> Verdict:
        """Ask S3 about every bucket."""
        shared = find_terraform(context, self.directory, self.variables)
        buckets = shared.applied(context).picture.buckets
        if not buckets:
            return report_missing("bucket", self.directory)
        faults = tuple(fault for bucket in buckets for fault in self._faults(bucket))
        faults = faults or tuple(self._faults_elsewhere(context, shared))
        if faults:
            return failed(
                "; ".join(fault.message for fault in faults),
                *faults,
                evidence=Evidence(
                    ran="s3: GetPublicAccessBlock, GetBucketPolicy, GetBucketVersioning, "
                    "GetBucketEncryption",
                    actual="; ".join(_in_words(bucket) for bucket in buckets),
                ),
                hint="each property is a resource of its own that names the bucket",
            )
        return passed("; ".join(_in_words(bucket) for bucket in buckets))

    def _faults_elsewhere(self, context: Context, shared: TerraformSession) -> Iterator[Finding]:
        for world in cloud_worlds.plan_worlds(context, shared, self.also):
            if cloud_worlds.hides_buckets(world.resources):
                there = world.apply().picture.buckets
                problems = [fault.message for one in there for fault in self._faults(one)]
                problems = problems if there else ["there is no bucket"]
            else:
                problems = [
                    *cloud_worlds.find_bucket_faults(
                        world.resources,
                        private=self.private,
                        versioned=self.versioned,
                        encrypted=self.encrypted,
                    )
                ]
            for problem in problems:
                yield Finding(f"with {world.told}, {problem}", path=self.directory)

    def _faults(self, bucket: Bucket) -> Iterator[Finding]:
        if self.private:
            off = [name for name in _BLOCKS if not bucket.blocks.get(name)]
            if off:
                yield self._fault(bucket, f"does not set {', '.join(off)}", PUBLIC)
            for problem in cloud_policy.find_open_principals(bucket.policy):
                yield self._fault(bucket, f"has a policy that {problem}", PUBLIC)
        if self.versioned and bucket.versioning != "Enabled":
            state = bucket.versioning.lower() or "never enabled"
            yield self._fault(bucket, f"has no versioning ({state})", VERSIONING)
        if self.encrypted and not bucket.encryption:
            yield self._fault(bucket, "has no default encryption", ENCRYPTION)

    def _fault(self, bucket: Bucket, problem: str, url: str) -> Finding:
        return Finding(f"the bucket {bucket.name} {problem}", path=self.directory, url=url)


def _in_words(bucket: Bucket) -> str:
    on = sum(bool(bucket.blocks.get(name)) for name in _BLOCKS)
    return (
        f"{bucket.name}: public access block {on} of 4, versioning "
        f"{bucket.versioning or 'off'}, encryption {bucket.encryption or 'none'}"
    )


class Outputs(TerraformKind, frozen=True, kw_only=True):
    """The outputs tell the names of things that are really there.

    After the apply, compares each output with what the cloud says is there. Without terraform,
    its provider or the local cloud, an output that is not declared still fails; the rest is
    `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        outputs: per output, what its value must name: `bucket` (a bucket's name), `bucket_arn`,
            `role` (a role's name), `role_arn`, `parameter` (a parameter's name), `parameter_arn`.

    Passes:
        each output is there and names a thing of that sort in the cloud.

    Fails:
        an output is missing, empty, or names nothing that exists.

    Example:
        - id: outputs-name-real-things
          kind: cloud.outputs
          outputs: {bucket_name: bucket, role_arn: role_arn}
    """

    outputs: Mapping[
        str, Literal["bucket", "bucket_arn", "role", "role_arn", "parameter", "parameter_arn"]
    ]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}

    def run(self, context: Context) -> Verdict:
        """Look up each output's value in the cloud."""
        try:
            applied = find_terraform(context, self.directory, self.variables).applied(context)
        except UnavailableError:
            self._require_declared(context)
            raise
        there = _names(applied.picture)
        told = applied.state.outputs
        problems = [
            f"{name} is {told[name]!r}, which is no {_words(kind)} in the cloud"
            if name in told
            else f"there is no output {name!r}"
            for name, kind in self.outputs.items()
            if not isinstance(told.get(name), str) or told[name] not in there[kind]
        ]
        if problems:
            return self._fail(problems)
        return passed(
            "in the cloud: " + ", ".join(f"{name} = {told[name]}" for name in self.outputs)
        )

    def _require_declared(self, context: Context) -> None:
        with confirm_syntax_errors(context, self.directory):
            configuration = files.read_configuration(context.run.snapshot, self.directory)
        declared = {label for block in configuration.of("output") for label in block.labels}
        absent = [f"there is no output {name!r}" for name in self.outputs if name not in declared]
        if absent:
            raise CheckFailedError(
                "; ".join(absent),
                *(Finding(one, path=self.directory, url=OUTPUTS) for one in absent),
                hint="declare it: " + OUTPUTS,
            )

    def _fail(self, problems: list[str]) -> Verdict:
        return failed(
            "; ".join(problems),
            *(Finding(problem, path=self.directory, url=OUTPUTS) for problem in problems),
            evidence=Evidence(ran="terraform apply", actual="; ".join(problems)),
            hint="an output takes its value from an attribute of the resource, never from a text",
        )


def _words(kind: str) -> str:
    return kind.replace("_arn", "'s ARN")


def _names(picture: Picture) -> dict[str, set[str]]:
    roles = [role for role in picture.roles if role.kind == "role"]
    return {
        "bucket": {bucket.name for bucket in picture.buckets},
        "bucket_arn": {bucket.arn for bucket in picture.buckets},
        "role": {role.name for role in roles},
        "role_arn": {role.arn for role in roles},
        "parameter": {parameter.name for parameter in picture.parameters},
        "parameter_arn": {parameter.arn for parameter in picture.parameters},
    }


class Settings(TerraformKind, frozen=True, kw_only=True):
    """A parameter in the cloud holds the service's settings, as one JSON object.

    After the apply, asks the Systems Manager for the values of all parameters. Without terraform,
    its provider or the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        holds: keys of the JSON object, and their values; `8080` and `"8080"` are the same.
        also: as for `cloud.buckets`.

    Passes:
        one parameter holds every key with its value; more keys are fine.

    Fails:
        there is no parameter, or none is a JSON object that holds all of them.

    Example:
        - id: settings-are-there
          kind: cloud.settings
          holds: {GREETING: Hello!, PORT: 8080}
    """

    holds: Mapping[str, Any]
    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    also: Mapping[str, tuple[Any, ...]] = {}

    def run(self, context: Context) -> Verdict:
        """Ask for the parameters and read them."""
        shared = find_terraform(context, self.directory, self.variables)
        parameters = shared.applied(context).picture.parameters
        if not parameters:
            return report_missing("parameter", self.directory)
        lacking = {one.name: list(self._lacking(one.value)) for one in parameters}
        name, problems = min(lacking.items(), key=lambda item: len(item[1]))
        elsewhere = [] if problems else list(self._lacking_elsewhere(context, shared))
        if elsewhere:
            return failed(
                "; ".join(elsewhere),
                *(Finding(problem, path=self.directory) for problem in elsewhere),
                hint="what the settings are does not hang on where the service runs",
            )
        if not problems:
            return passed(f"{name} holds {', '.join(self.holds)}")
        return failed(
            f"the parameter {name} {'; '.join(problems)}",
            *(Finding(f"{name} {problem}", path=self.directory) for problem in problems),
            evidence=Evidence(
                ran="ssm: GetParameter",
                expected=json.dumps(self.holds),
                actual="; ".join(f"{one.name}: {one.value[:500]}" for one in parameters),
            ),
            hint="jsonencode() makes JSON of an object, whatever is in the values",
        )

    def _lacking_elsewhere(self, context: Context, shared: TerraformSession) -> Iterator[str]:
        for world in cloud_worlds.plan_worlds(context, shared, self.also):
            values = cloud_worlds.list_parameters(world.resources)
            if values is None:
                values = [one.value for one in world.apply().picture.parameters]
            lacking = [list(self._lacking(value)) for value in values]
            for problem in min(lacking, key=len, default=["there is none"]):
                yield f"with {world.told}, the parameter {problem}"

    def _lacking(self, value: str) -> Iterator[str]:
        try:
            found = json_text.load_json(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            yield "is no JSON object"
            return
        for key, wanted in self.holds.items():
            if key not in found:
                yield f"has no {key}"
            elif str(found[key]) != str(wanted):
                yield f"has {key} = {json.dumps(found[key])}, not {json.dumps(wanted)}"


class Destroyed(TerraformKind, frozen=True, kw_only=True):
    """`terraform destroy` leaves nothing behind.

    After everything else, puts objects into every bucket, runs `terraform destroy` with the
    values of the last apply, and asks the cloud what is left. Without terraform, its provider or
    the local cloud it is `unavailable`.

    Parameters:
        directory, variables: as for `terraform.applies`.
        objects: how many objects are put into each bucket first; then there must be a bucket.
        also: values of variables under which buckets must let go of objects as well, which is
            looked at in a plan (`force_destroy`).

    Passes:
        destroy succeeds; no bucket, role, user, group, policy, parameter, usable key or other
        tagged thing is left, and the state is empty.

    Fails:
        destroy fails, or something is left, named.

    Example:
        - id: nothing-is-left
          kind: cloud.destroyed
          objects: 1
    """

    directory: str = "infra"
    variables: Mapping[str, Any] = {}
    objects: int = 0
    also: Mapping[str, tuple[Any, ...]] = {}

    def run(self, context: Context) -> Verdict:
        shared = find_terraform(context, self.directory, self.variables)
        picture = shared.applied(context).picture
        made = picture.names
        if not made or (self.objects and not picture.buckets):
            return report_missing("bucket" if made else "resource", self.directory)
        kept = list(self._kept_elsewhere(context, shared))
        destroyed = shared.destroyed(context, self.objects)
        left = [
            *kept,
            *destroyed.picture.names,
            *(f"{item.address} in the state" for item in destroyed.state.resources),
        ]
        if left:
            return failed(
                f"after terraform destroy there is still: {', '.join(left)}",
                *(Finding(f"{one} is left", path=self.directory, url=DESTROY) for one in left),
                evidence=Evidence(
                    ran="terraform destroy", expected="nothing left", actual=", ".join(left)
                ),
                hint="what keeps Terraform from deleting it, or makes it forget it?",
            )
        return passed(f"destroyed and gone from the cloud: {', '.join(made)}")

    def _kept_elsewhere(self, context: Context, shared: TerraformSession) -> Iterator[str]:
        for world in cloud_worlds.plan_worlds(context, shared, self.also) if self.objects else ():
            for address in cloud_worlds.find_kept_buckets(world.resources):
                yield f"{address}, with {world.told} and objects in it (no force_destroy)"


def report_missing(what: str, directory: str) -> Verdict:
    """Say that the cloud lacks what a check wanted to look at, which is never a pass."""
    return failed(
        f"after terraform apply there is no {what} in the cloud",
        Finding(f"makes no {what}", path=directory),
        hint="fill the stubs in main.tf",
    )
