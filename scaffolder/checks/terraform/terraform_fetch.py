"""Get Terraform's AWS provider ahead of time, to where devlab and Terraform find it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from scaffolder.checks.terraform import terraform_provider
from scaffolder.checks.terraform.terraform_places import SOURCE
from scaffolder.checks.terraform.terraform_program import find_program
from scaffolder.checks.terraform.tools import AWS_PROVIDER
from scaffolder.core.errors import UnavailableError
from scaffolder.model.tool import Demand, Download, Say
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken, Ending

# It weighs several hundred megabytes.
_SECONDS = 1800.0
_CONFIGURATION = """\
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}
"""


def fetch(cancel: CancelToken) -> Path:
    """Let Terraform install the newest AWS provider and return its folder.

    It goes into Terraform's usual plugin cache, ~/.terraform.d/plugin-cache, in one move when it is
    whole. Raises UnavailableError with Terraform's reason.
    """
    home = Path(os.environ.get("HOME") or tempfile.gettempdir())
    cache = home / ".terraform.d" / "plugin-cache"
    terraform = find_program()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as made:
            return _installed(terraform, Path(made), cancel, cache)
    except OSError as error:
        raise UnavailableError(f"cannot write to {cache}: {error.strerror}") from error


def _installed(terraform: Path, made: Path, cancel: CancelToken, cache: Path) -> Path:
    work, fresh = made / "work", made / "cache"
    work.mkdir()
    fresh.mkdir()
    (work / "main.tf").write_text(_CONFIGURATION, "utf-8")
    done = processes.run(
        (terraform, f"-chdir={work}", "init", "-input=false", "-no-color", "-backend=false"),
        env={**os.environ, "TF_PLUGIN_CACHE_DIR": str(fresh), "CHECKPOINT_DISABLE": "1"},
        timeout=_SECONDS,
        cancel=cancel,
    )
    if done.ending is not Ending.EXITED:
        raise UnavailableError(f"terraform init did not end within {_SECONDS / 60:.0f} minutes")
    # A link is a provider that lay on this machine already, in a mirror.
    folders = [one for one in fresh.glob(f"{SOURCE}/*/*") if one.is_dir()]
    if not done.ok or not folders:
        raise UnavailableError(f"terraform init failed: {_reason(done.output)}")
    target = cache / folders[0].relative_to(fresh)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        folders[0].rename(target)
    return target


def _reason(output: str) -> str:
    """Return what Terraform gave as its reason, as one line."""
    _, _, said = output.partition("Error: ")
    return " ".join((said or output).split())[:400]


def list_downloads(_: Demand) -> tuple[Download, ...]:
    """Return the provider as something to fetch, unless it is here."""
    return (Download(AWS_PROVIDER.id, AWS_PROVIDER.title, _fetch_unless_here),)


def _fetch_unless_here(say: Say, cancel: CancelToken) -> str:
    try:
        return f"{terraform_provider.read_version()} is here already"
    except UnavailableError:
        say("terraform init")
    return f"fetched {fetch(cancel).parent.name}"
