"""Terraform, applied to a local cloud."""

from __future__ import annotations

from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.family import Family, FixturePlace
from scaffolder.checks.terraform.tools import AWS_PROVIDER, CLOUD, TERRAFORM

# What a configuration that is planned or applied needs; the sandbox keeps Terraform in.
APPLYING = frozenset({TERRAFORM, AWS_PROVIDER, CLOUD, SANDBOX})
FAMILY = Family(
    name="terraform",
    package="scaffolder.checks.terraform",
    kinds={
        "terraform.formatted": "kinds:Formatted",
        "terraform.valid": "kinds:ConfigurationValid",
        "terraform.applies": "kinds:Applies",
        "terraform.variables": "variables:Variables",
        "terraform.tagged": "kinds:Tagged",
        "terraform.stable": "kinds:Stable",
        "terraform.change": "change:Change",
        "terraform.follows": "change:Follows",
        "cloud.buckets": "cloud_kinds:Buckets",
        "cloud.access": "cloud_access:Access",
        "cloud.outputs": "cloud_kinds:Outputs",
        "cloud.settings": "cloud_kinds:Settings",
        "cloud.destroyed": "cloud_kinds:Destroyed",
    },
    packages=("boto3", "botocore", "hcl2", "moto", "python_terraform"),
    tools=(TERRAFORM, AWS_PROVIDER, CLOUD, SANDBOX),
    mutators="mutations:MUTATORS",
    fixtures={
        "terraform": FixturePlace(
            requires=APPLYING,
            service="serving_tests:TerraformFixtureService",
            plugin="fixtures.plugin:TerraformFixtures",
            parameters="fixture_parameters:TerraformParameters",
        ),
    },
)
