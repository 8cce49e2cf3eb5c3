"""What a configuration may not contain if it is to be planned and applied here.

Terraform runs programs of the configuration's choice (provisioners, data sources of the external
provider, any provider), fetches modules, reads files, and reaches for a cloud. All of that is
refused from the parsed configuration, before Terraform sees it, and what was not parsed is nowhere
near where Terraform runs (see terraform_copy.py).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import files, hcl, reads
from scaffolder.checks.terraform.hcl import Block, Configuration
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Finding

DOCS = "https://developer.hashicorp.com/terraform/language"
MODULES_LIMIT = 20

# What lets a provider block reach a cloud or an account of its own choice.
_FOREIGN = {
    "access_key": "credentials",
    "assume_role": "another account",
    "assume_role_with_web_identity": "another account",
    "custom_ca_bundle": "a file of this machine",
    "ec2_metadata_service_endpoint": "an address of its own",
    "endpoints": "an address of its own",
    "http_proxy": "an address of its own",
    "https_proxy": "an address of its own",
    "no_proxy": "an address of its own",
    "profile": "credentials",
    "secret_key": "credentials",
    "shared_config_files": "credentials",
    "shared_credentials_files": "credentials",
    "token": "credentials",
}
# Data sources of the provider that ask somebody else than the cloud.
_FETCHES = ("aws_ip_ranges",)
_AWS = ("aws", "hashicorp/aws", "registry.terraform.io/hashicorp/aws")
_BUILTIN = ("terraform", "terraform.io/builtin/terraform")


def refuse_unsafe(root: Path, folder: str) -> dict[str, Configuration]:
    """Return what Terraform may read: the configurations of the folder and of its modules.

    Raises CheckFailedError naming every place that will not be run, in modules below too, and
    UnusableFileError where a file cannot be read or parsed.
    """
    modules = dict(_modules(root, folder))
    findings = [
        finding
        for place, configuration in modules.items()
        for finding in (
            *(one for block in configuration.blocks for one in _objections(block, place)),
            *reads.find_objections(configuration, place, posixpath.normpath(folder)),
        )
    ]
    if not findings:
        return modules
    first = findings[0]
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    raise CheckFailedError(
        f"{first.path}:{first.line}: {first.message}{more}; nothing was run",
        *findings,
        hint="take it out: this lab needs the aws provider alone, configured by the environment",
    )


def _modules(root: Path, folder: str) -> Iterator[tuple[str, Configuration]]:
    """Yield the folder and every folder that it calls as a module, with what is in them."""
    waiting = [folder]
    seen: set[str] = set()
    while waiting:
        place = posixpath.normpath(waiting.pop())
        if place in seen:
            continue
        seen.add(place)
        if len(seen) > MODULES_LIMIT:
            raise UnusableFileError(f"calls more than {MODULES_LIMIT} modules", folder)
        configuration = files.read_configuration(root, place)
        yield place, configuration
        for block in configuration.of("module"):
            called = _called(block, place) if not _only_overrides(block) else None
            if called is not None:
                waiting.append(called)


def _called(module: Block, place: str) -> str | None:
    """Return the folder that a module block calls, or None where it is not one of the work's."""
    source = _text(module, "source")
    folder = posixpath.normpath(posixpath.join(place, source))
    inside = source.startswith(("./", "../")) and not folder.startswith("..")
    return folder if inside else None


def _only_overrides(module: Block) -> bool:
    """Whether a module block changes another one, and leaves alone where that comes from."""
    return files.is_override(module.path) and "source" not in module.attributes


def _text(block: Block, name: str) -> str:
    attribute = block.attributes.get(name)
    return (attribute.text or "") if attribute is not None else ""


def _objections(block: Block, place: str) -> Iterator[Finding]:
    for inner in block.walk():
        if inner.type in ("provisioner", "connection"):
            what = f"{inner.type} {' '.join(inner.labels)}".strip()
            yield _finding(inner, f"{block.name} has a {what}, which runs commands", "provisioners")
        # A check block may hold a data source of its own.
        if inner.type in ("resource", "data", "ephemeral") and len(inner.labels) == 2:
            yield from _foreign_type(inner)
    if block.type == "module" and not _only_overrides(block):
        yield from _foreign_module(block, place)
    elif block.type == "provider":
        yield from _foreign_provider(block)
    elif block.type == "terraform":
        yield from _foreign_settings(block)


def _foreign_type(block: Block) -> Iterator[Finding]:
    kind = block.labels[0]
    if not kind.startswith("aws_") and kind != "terraform_data":
        message = f"{block.name} is not of the aws provider"
        yield _finding(block, message, "providers/requirements")
    elif block.type == "data" and kind in _FETCHES:
        yield _finding(block, f"{block.name} fetches a page of the internet", "data-sources")


def _foreign_module(block: Block, place: str) -> Iterator[Finding]:
    if _called(block, place) is None:
        source = _text(block, "source") or "somewhere else"
        message = f"{block.name} comes from {source}, not from this folder"
        yield _finding(block, message, "modules/sources")


def _foreign_provider(block: Block) -> Iterator[Finding]:
    name = block.labels[0] if block.labels else ""
    if name != "aws":
        yield _finding(block, f"{block.name} is not aws", "providers/configuration")
    nested = {label for inner in block.walk() for label in (inner.type, *inner.labels)}
    for part in sorted({*block.attributes, *nested}):
        if part in _FOREIGN:
            message = f"{block.name} sets {part}: {_FOREIGN[part]} belongs in the environment"
            yield _finding(block, message, "providers/configuration", part)


def _foreign_settings(block: Block) -> Iterator[Finding]:
    for inner in block.blocks:
        if inner.type == "cloud":
            yield _finding(inner, "the state would go to HCP Terraform", "backend")
        elif inner.type == "backend":
            yield from _foreign_backend(inner)
        elif inner.type == "required_providers":
            yield from _foreign_requirements(inner)


def _foreign_backend(block: Block) -> Iterator[Finding]:
    if block.labels != ("local",):
        name = " ".join(block.labels)
        yield _finding(block, f"the state would go to the backend {name}, not to a file", "backend")
    elif {"path", "workspace_dir"} & set(block.attributes):
        yield _finding(block, "the local backend names a file of its own", "backend")


def _foreign_requirements(block: Block) -> Iterator[Finding]:
    for name, attribute in block.attributes.items():
        value = attribute.value
        source = hcl.read_literal(_entry(value, "source")) if isinstance(value, dict) else None
        if (source or f"hashicorp/{name}") not in (*_AWS, *_BUILTIN):
            message = f"required_providers asks for {source or name}"
            yield Finding(message, path=block.path, line=attribute.line, url=_url("providers"))


def _entry(value: dict[str, object], name: str) -> object:
    return value.get(name, value.get(f'"{name}"'))


def _finding(block: Block, message: str, page: str, attribute: str = "") -> Finding:
    places: Iterable[int] = (
        *(block.attributes[name].line for name in (attribute,) if name in block.attributes),
        *(inner.line for inner in block.blocks if inner.type == attribute),
        block.line,
    )
    return Finding(message, path=block.path, line=next(iter(places)), url=_url(page))


def _url(page: str) -> str:
    return f"{DOCS}/{page}"
