"""What applying a configuration relies on: Terraform, its AWS provider, and a local cloud."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

TERRAFORM = Tool(
    id="terraform",
    title="Terraform",
    version="scaffolder.checks.terraform.terraform_program:read_version",
    fingerprint=Fingerprint(
        programs=("terraform",),
        settings=(
            *(".config/mise/config.toml", ".terraform-version", ".terraformrc", ".tfenv/version"),
            ".tool-versions",
        ),
        variables=("TF_*",),
    ),
)
AWS_PROVIDER = Tool(
    id="aws-provider",
    title="Terraform's AWS provider",
    version="scaffolder.checks.terraform.terraform_provider:read_version",
    fetch="scaffolder.checks.terraform.terraform_fetch:list_downloads",
    fingerprint=Fingerprint(files="scaffolder.checks.terraform.terraform_places:list_candidates"),
)
# Python packages, which count for every check.
CLOUD = Tool(
    id="cloud",
    title="the local cloud (moto)",
    version="scaffolder.checks.terraform.moto:read_version",
)
