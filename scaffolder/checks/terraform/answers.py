"""What becomes of Terraform's answers: whose fault a bad end is, and errors as findings."""

from __future__ import annotations

import re
from typing import Never

from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.terraform.terraform import Diagnostic, TerraformResult
from scaffolder.model import Evidence, Finding
from scaffolder.tools.processes import Ending

# How findings begin that are a variable's refusal of a value; a summary is always Terraform's own.
REFUSED = re.compile("Invalid value for (input )?variable: ")


def require_end(answer: TerraformResult, verb: str, timeout: float) -> None:
    """Make sure that a command came to its end by itself and, if a bad one, said why.

    Raises CheckFailedError where it did not. Whether that is the work's fault or the machine's,
    such as of one that is slow or short of memory, is what a control has to tell (see
    prepared.py).
    """
    completed = answer.completed
    if completed.ending is Ending.TIMED_OUT:
        reason = f"did not end within {timeout:.0f} s and was stopped"
    elif completed.ending is Ending.TOO_MUCH_OUTPUT:
        reason = "printed without end and was stopped"
    elif completed.ending is not Ending.EXITED:
        reason = f"was stopped: {completed.ending.value}"
    elif answer.unexplained and answer.out_of_memory:
        reason = "needed more memory than there is for it"
    elif answer.unexplained:
        log = " | ".join(answer.tail(5)) or "it printed nothing"
        reason = f"ended with {completed.returncode} and gave no reason: {log}"
    else:
        return
    raise CheckFailedError(
        f"terraform {verb} {reason}",
        evidence=Evidence(ran=f"terraform {verb}", actual=reason, log=answer.tail()),
        hint=f"run terraform {verb} yourself and look what it does for so long",
        lasting=False,
    )


def refuse_answer(answer: TerraformResult, verb: str, folder: str) -> Never:
    """Raise CheckFailedError with the errors that Terraform gave, and where."""
    findings = tuple(make_finding(error, folder) for error in answer.errors)
    raise CheckFailedError(
        f"terraform {verb} failed: {answer.errors[0].text}",
        *findings,
        evidence=Evidence(
            ran=f"terraform {verb}",
            expected="exit code 0",
            actual=f"exit code {answer.completed.returncode}",
            log=tuple(error.text for error in answer.errors),
        ),
        hint=f"run terraform {verb} in {folder}/ and mend the first error first",
        # What is wrong in a file has a place. The rest may be the machine: a plugin that did not
        # start in time, a full disk.
        lasting=all(error.path for error in answer.errors),
    )


def make_finding(diagnostic: Diagnostic, folder: str, url: str | None = None) -> Finding:
    """Return a diagnostic as a finding whose path is relative to the workspace."""
    path = f"{folder}/{diagnostic.path}" if diagnostic.path else None
    return Finding(diagnostic.text, path=path, line=diagnostic.line, url=url)
