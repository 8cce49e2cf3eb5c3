"""What becomes of Terraform's answers: whose fault a bad end is, and errors as findings."""

from __future__ import annotations

import re
from typing import Never
from urllib.parse import urlsplit

from scaffolder.checks.base import CheckFailedError
from scaffolder.errors import UnavailableError
from scaffolder.model import Evidence, Finding
from scaffolder.tools.processes import Ending
from scaffolder.tools.terraform import Answer, Diagnostic

# moto answers 501, or breaks with 500, where it does not know a service's function. AWS's own
# words for a mistake of the caller's come with 400 to 409.
_NO_SERVICE = re.compile(r"StatusCode: 50[0-9]|NotImplemented|not been implemented|InternalFailure")
# The provider gives its own trouble with the network the resource's place. What it would not send
# at all, such as a header that is none, is the work's.
_NO_ANSWER = re.compile(r"request send failed(?!.*net/http: invalid)")


def require_end(answer: Answer, verb: str, timeout: float) -> None:
    """Make sure that a command came to its end by itself and, if a bad one, said why.

    Raises CheckFailedError where the learner's work kept it from ending, RuntimeError where it
    ended without a word: then it was killed, or never started, and that is not the work's fault.
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
        raise RuntimeError(f"terraform {verb} ended with {completed.returncode}: {log}")
    else:
        return
    raise CheckFailedError(
        f"terraform {verb} {reason}",
        evidence=Evidence(ran=f"terraform {verb}", actual=reason, log=answer.tail()),
        hint=f"run terraform {verb} yourself and look what it does for so long",
        lasting=False,
    )


def require_service(answer: Answer, verb: str, url: str) -> None:
    """Make sure that the local cloud, which is at `url`, did its part.

    Raises UnavailableError where it says that it cannot do what it was asked, RuntimeError where
    no answer of it came through.
    """
    # Some services have their account before the host.
    address = urlsplit(url).netloc
    for error in answer.errors:
        if _NO_ANSWER.search(error.text) and address in error.text:
            raise RuntimeError(f"the local cloud gave terraform {verb} no answer: {error.text}")
        if _NO_SERVICE.search(error.text):
            raise UnavailableError(
                f"the local cloud cannot do what terraform {verb} asks of it: {error.text[:300]}",
                hint="real AWS may well do it; without it the rest can be graded",
            )


def refuse(answer: Answer, verb: str, folder: str) -> Never:
    """Raise CheckFailedError with the errors that Terraform gave, and where."""
    findings = tuple(finding(error, folder) for error in answer.errors)
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


def finding(diagnostic: Diagnostic, folder: str, url: str | None = None) -> Finding:
    """Return a diagnostic as a finding whose path is relative to the workspace."""
    path = f"{folder}/{diagnostic.path}" if diagnostic.path else None
    return Finding(diagnostic.text, path=path, line=diagnostic.line, url=url)
