"""Ask a local cloud what is in it. Sole owner of boto3.

Only ever given a loopback address; credentials, profiles and configuration of the user's are
neither read nor sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scaffolder.core import json_text

DEFAULT_REGION = "eu-central-1"

# The account's credentials in the local cloud, for everybody who talks to it.
KEY_ID = "test"
SECRET = "test"  # noqa: S105 -- moto takes any

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Bucket(msgspec.Struct, frozen=True):
    """A bucket as S3 describes it.

    `blocks` are the four switches of its public access block, `versioning` is Enabled, Suspended
    or empty, `encryption` the default algorithm or empty, `policy` its policy document.
    """

    name: str
    blocks: Mapping[str, bool]
    versioning: str
    encryption: str
    policy: Mapping[str, Any]

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"


class Policy(msgspec.Struct, frozen=True):
    """A policy document with the name of where it hangs."""

    name: str
    document: Mapping[str, Any]


class Role(msgspec.Struct, frozen=True):
    """A role (or a user or group) with its trust and every policy that it has.

    `boundary` is its permissions boundary, if it has one; `keys` are its access keys.
    """

    name: str
    arn: str
    trust: Mapping[str, Any]
    policies: tuple[Policy, ...]
    kind: str = "role"
    boundary: Policy | None = None
    keys: tuple[str, ...] = ()


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the Systems Manager's store."""

    name: str
    arn: str
    value: str


class Picture(msgspec.Struct, frozen=True):
    """What is in the cloud at one moment; `others` names everything else that was found."""

    buckets: tuple[Bucket, ...] = ()
    roles: tuple[Role, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything there is, in words, for messages."""
        return (
            *(f"bucket {bucket.name}" for bucket in self.buckets),
            *(f"{role.kind} {role.name}" for role in self.roles),
            *(f"parameter {parameter.name}" for parameter in self.parameters),
            *self.others,
        )


class Cloud:
    """A client of the local cloud at `url`, which must be a loopback address."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).hostname not in _LOOPBACK:
            raise ValueError(f"{url} is not on this machine")
        self._url = url
        self._session = _session()
        self._clients: dict[tuple[str, str], Any] = {}

    def picture(self, regions: Iterable[str] = ()) -> Picture:
        """Return what is in the cloud; parameters and keys are looked up in each region."""
        places = sorted({DEFAULT_REGION, *regions})
        identities, policies = self._identities()
        keys = [name for place in places for name in self._keys(place)]
        tagged = [name for place in places for name in self._tagged(place)]
        return Picture(
            buckets=tuple(self._buckets()),
            roles=tuple(identities),
            parameters=tuple(item for place in places for item in self._parameters(place)),
            others=(*policies, *keys, *tagged),
        )

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object, as somebody who delivers an artifact does.

        The bucket's policy is lifted meanwhile: one that denies all but TLS is a good one, and
        would keep us out, since the local cloud is reached without.
        """
        s3 = self._client("s3")
        policy = _ask(s3.get_bucket_policy, Bucket=bucket).get("Policy")
        if policy:
            s3.delete_bucket_policy(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        if policy:
            s3.put_bucket_policy(Bucket=bucket, Policy=policy)

    def _client(self, service: str, region: str = DEFAULT_REGION) -> Any:
        from botocore.config import Config

        key = (service, region)
        if key not in self._clients:
            self._clients[key] = self._session.client(
                service,
                region_name=region,
                endpoint_url=self._url,
                aws_access_key_id=KEY_ID,
                aws_secret_access_key=SECRET,
                config=Config(proxies={}, connect_timeout=5, read_timeout=20),
            )
        return self._clients[key]

    def _buckets(self) -> Iterable[Bucket]:
        s3 = self._client("s3")
        for entry in s3.list_buckets()["Buckets"]:
            name = entry["Name"]
            block = _ask(s3.get_public_access_block, Bucket=name)
            encryption = _ask(s3.get_bucket_encryption, Bucket=name)
            yield Bucket(
                name=name,
                blocks=block.get("PublicAccessBlockConfiguration", {}),
                versioning=s3.get_bucket_versioning(Bucket=name).get("Status", ""),
                encryption=_algorithm(encryption),
                policy=_document(_ask(s3.get_bucket_policy, Bucket=name).get("Policy", "{}")),
            )

    def _identities(self) -> tuple[list[Role], list[str]]:
        """Return roles, users and groups with their policies, and the policies made here."""
        iam = self._client("iam")
        # Without the filter come a thousand policies of AWS's own, and 1.5 s with them.
        pages = iam.get_paginator("get_account_authorization_details").paginate(
            Filter=["User", "Role", "Group", "LocalManagedPolicy"]
        )
        details = _merged(pages)
        entries = [
            (kind, entry)
            for kind, listing in _IDENTITIES.items()
            for entry in details.get(listing, [])
        ]
        attached = {
            policy["PolicyArn"]
            for _, entry in entries
            for policy in entry.get("AttachedManagedPolicies", [])
        }
        documents = {arn: self._managed(arn) for arn in sorted(attached)}
        identities = [
            msgspec.structs.replace(one, boundary=self._boundary(one), keys=self._access_keys(one))
            for one in (_identity(kind, entry, documents) for kind, entry in entries)
        ]
        return identities, [f"policy {policy['Arn']}" for policy in details.get("Policies", [])]

    def _boundary(self, one: Role) -> Policy | None:
        if one.kind != "role":
            return None
        found = self._client("iam").get_role(RoleName=one.name)["Role"]
        arn = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        if not arn:
            return None
        from botocore.exceptions import ClientError

        try:
            return Policy(arn, self._managed(arn))
        except ClientError:
            # A boundary that is not there allows nothing.
            return Policy(arn, {})

    def _access_keys(self, one: Role) -> tuple[str, ...]:
        if one.kind != "user":
            return ()
        found = self._client("iam").list_access_keys(UserName=one.name)["AccessKeyMetadata"]
        return tuple(entry["AccessKeyId"] for entry in found)

    def _managed(self, arn: str) -> Mapping[str, Any]:
        iam = self._client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return _document(found["Document"])

    def _parameters(self, region: str) -> Iterable[Parameter]:
        ssm = self._client("ssm", region)
        for page in ssm.get_paginator("describe_parameters").paginate():
            for entry in page["Parameters"]:
                found = ssm.get_parameter(Name=entry["Name"], WithDecryption=True)["Parameter"]
                yield Parameter(found["Name"], found["ARN"], found["Value"])

    def _keys(self, region: str) -> Iterable[str]:
        kms = self._client("kms", region)
        for entry in kms.list_keys()["Keys"]:
            key = kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
            # A key can only be scheduled for deletion: that is as gone as it gets on the day.
            if key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion":
                yield f"key {key['KeyId']}"

    def _tagged(self, region: str) -> Iterable[str]:
        """Return the ARNs of tagged things of services that are not looked at one by one."""
        api = self._client("resourcegroupstaggingapi", region)
        known = ("s3", "iam", "ssm", "kms")
        for entry in api.get_resources()["ResourceTagMappingList"]:
            arn = entry["ResourceARN"]
            if arn.split(":")[2] not in known:
                yield arn


_IDENTITIES = {"role": "RoleDetailList", "user": "UserDetailList", "group": "GroupDetailList"}


def _session() -> Any:
    """Return a session that reads no file and no variable of the user's."""
    import boto3
    import botocore.session

    # (key in the config file, environment variable, default, converter)
    isolated = botocore.session.Session(
        {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(botocore_session=isolated)


def _ask(call: Any, **arguments: str) -> dict[str, Any]:
    """Return the answer, or nothing where the thing asked for was never set."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code.startswith("NoSuch") or code.endswith("NotFoundError"):
            return {}
        raise
    return answer


def _algorithm(encryption: Mapping[str, Any]) -> str:
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    return next((entry["SSEAlgorithm"] for entry in defaults if entry.get("SSEAlgorithm")), "")


def _merged(pages: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for page in pages:
        for key, value in page.items():
            if isinstance(value, list):
                found.setdefault(key, []).extend(value)
    return found


def _identity(kind: str, entry: Mapping[str, Any], documents: Mapping[str, Any]) -> Role:
    name = entry[f"{kind.capitalize()}Name"]
    inline = [
        Policy(policy["PolicyName"], _document(policy["PolicyDocument"]))
        for policy in entry.get(f"{kind.capitalize()}PolicyList", [])
    ]
    attached = [
        Policy(policy["PolicyName"], documents.get(policy["PolicyArn"], {}))
        for policy in entry.get("AttachedManagedPolicies", [])
    ]
    trust = _document(entry.get("AssumeRolePolicyDocument", {}))
    return Role(name, entry["Arn"], trust, (*inline, *attached), kind)


def _document(value: Any) -> Mapping[str, Any]:
    """Return a policy document, which comes decoded or as text."""
    parsed = json_text.load_json(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, dict) else {}
