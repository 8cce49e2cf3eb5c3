"""Which Terraform and which AWS provider a configuration asks for, and whether they are here.

What the work asks for and this machine lacks is not shown, unless the lab's own answer asks for it
too: then it is this machine's lack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from scaffolder.checks.terraform import hcl, terraform_program, terraform_provider
from scaffolder.checks.terraform.hcl import Configuration
from scaffolder.core.errors import NotShownError, UnavailableError

Modules = Mapping[str, Configuration]

_CONSTRAINT = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d+(?:\.\d+){0,2})(-[0-9A-Za-z.-]+)?\s*")
_OURS = ("hashicorp/aws", "registry.terraform.io/hashicorp/aws")


def choose_provider(modules: Modules, reference: Callable[[], Modules]) -> Path:
    """Return the newest provider here with which the work can be run, by this Terraform.

    Raises NotShownError where the work asks for versions that are not here, UnavailableError where
    the lab's own answer (`reference`) does so too, or there is no provider at all.
    """
    providers = terraform_provider.find_all()
    terraform = terraform_program.read_version()
    found = _choice(modules, providers, terraform)
    if isinstance(found, Path):
        return found
    if not isinstance(_choice(reference(), providers, terraform), Path):
        raise UnavailableError(found, hint=f"install it; {terraform_provider.HINT}")
    raise NotShownError(
        found,
        hint="install that version here, or ask for less: the lab's own answer does without",
    )


def _choice(modules: Modules, providers: Mapping[str, Path], terraform: str) -> Path | str:
    """Return the provider to run with, or what is asked for and is not here."""
    for asked in _of_terraform(modules):
        if not meets(terraform, asked):
            return f"the configuration asks for Terraform {asked}, and here is {terraform}"
    asked_all = list(_of_provider(modules))
    for version, program in providers.items():
        if all(meets(version, asked) for asked in asked_all):
            return program
    asked = ", ".join(dict.fromkeys(asked_all))
    return f"the configuration asks for hashicorp/aws {asked}, and here is {', '.join(providers)}"


def _of_terraform(modules: Modules) -> Iterator[str]:
    for configuration in modules.values():
        for block in configuration.of("terraform"):
            attribute = block.attributes.get("required_version")
            if attribute is not None and attribute.text:
                yield attribute.text


def _of_provider(modules: Modules) -> Iterator[str]:
    for configuration in modules.values():
        for block in configuration.of("terraform"):
            for inner in block.blocks:
                if inner.type == "required_providers":
                    yield from _asked_of_aws(inner)


def _asked_of_aws(block: hcl.Block) -> Iterator[str]:
    for name, attribute in block.attributes.items():
        value = attribute.value
        if isinstance(value, dict):
            entries = {key.strip('"'): hcl.read_literal(one) or "" for key, one in value.items()}
            if entries.get("source", f"hashicorp/{name}") in _OURS and entries.get("version"):
                yield entries["version"]
        elif name == "aws" and attribute.text:
            yield attribute.text


def meets(version: str, constraints: str) -> bool:
    """Whether a version meets constraints as Terraform understands them.

    What is no constraint is met: to refuse it is Terraform's own business, which says where it
    stands. https://developer.hashicorp.com/terraform/language/expressions/version-constraints
    """
    found = [_CONSTRAINT.fullmatch(one) for one in constraints.split(",")]
    told = [(one[1] or "=", one[2], one[3] or "") for one in found if one is not None]
    return len(told) < len(found) or all(_meets(version, *one) for one in told)


def _meets(version: str, operator: str, asked: str, before: str) -> bool:
    here, there = _padded(version), _padded(asked)
    if before and operator in ("=", ">"):
        # A pre-release comes before the release of its number.
        return operator == ">" and here >= there
    if operator == "~>":
        fixed = asked.count(".")
        return here >= there and here[:fixed] == there[:fixed]
    return {
        "=": here == there,
        "!=": here != there,
        ">": here > there,
        ">=": here >= there,
        "<": here < there,
        "<=": here <= there,
    }[operator]


def _padded(version: str) -> tuple[int, ...]:
    parts = [int(one) for one in re.findall(r"\d+", version)[:3]]
    return (*parts, *([0] * (3 - len(parts))))
