"""Read a configuration fairly: what Terraform itself can read is no syntax error."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform import terraform_program
from scaffolder.checks.terraform.answers import require_end
from scaffolder.checks.terraform.hcl import HclSyntaxError
from scaffolder.checks.terraform.terraform import UNFORMATTED, Terraform, TerraformResult
from scaffolder.core.errors import NotShownError, UnavailableError


@contextlib.contextmanager
def confirm_syntax_errors(context: Context, folder: str) -> Iterator[None]:
    """Let a syntax error pass only where Terraform sees one too: python-hcl2 may be wrong.

    Raises NotShownError where Terraform can read what it cannot: what cannot be looked at before it
    runs is not run.
    """
    try:
        yield
    except HclSyntaxError as error:
        try:
            terraform_program.find_program()
        except UnavailableError:
            raise error from None
        answer = check_formatting(context, folder)
        if not answer.completed.returncode or answer.completed.returncode == UNFORMATTED:
            line = f":{error.line}" if error.line else ""
            raise NotShownError(
                f"{error.path}{line}: valid for Terraform, but it cannot be looked at here before "
                "it runs, and nothing was run",
                hint="write it in another way: blank characters and quotes are what they seem to "
                "be, and here-documents begin with a bare word",
            ) from error
        raise


def check_formatting(context: Context, folder: str) -> TerraformResult:
    """Return what `terraform fmt -check` says of the configuration; one run serves all."""

    def ask(work: Path) -> TerraformResult:
        place = context.run.folder("terraform-fmt") / "work"
        shutil.copytree(work, place, symlinks=True)
        client = Terraform(place / folder, context.run.sandbox, context.run.cancel, context.timeout)
        answer = client.format()
        require_end(answer, "fmt", context.timeout)
        return answer

    def ask_fairly() -> TerraformResult:
        try:
            return ask(context.run.snapshot)
        except CheckFailedError as error:
            key = ("terraform fmt", folder)
            if trouble := context.run.control(key, lambda: ask(context.run.reference())):
                raise trouble from error
            raise

    return context.run.shared.get(("terraform fmt", folder), ask_fairly)
