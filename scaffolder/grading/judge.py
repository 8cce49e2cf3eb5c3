"""Turn what a check returns or raises into the verdict that it means."""

from __future__ import annotations

import errno

from scaffolder.checks.context import Context
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import (
    InterruptedRunError,
    NotShownError,
    UnavailableError,
    UnusableFileError,
    WorkFaultError,
)
from scaffolder.core.log import write_log
from scaffolder.model import CheckSpec, Finding, Outcome, Verdict, failed, not_shown, unavailable
from scaffolder.tools.command import Limits
from scaffolder.tools.disk import measure_used_mb

# What one command may write; whatever else a run keeps in its folder is little beside it.
_WORK_MB = Limits().disk_mb


def judge(spec: CheckSpec, context: Context) -> Verdict:
    """Run one check and turn whatever it raises into the verdict that it means."""
    try:
        verdict = spec.check.run(context)
    except InterruptedRunError:
        raise
    except (CheckFailedError, WorkFaultError) as error:
        return _fault_of_work(error)
    except NotShownError as error:
        return not_shown(error.message, error.hint)
    except UnavailableError as error:
        return unavailable(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is ours and becomes `error`
        # A run that was cancelled breaks checks in the middle of what they do.
        context.run.cancel.raise_if_cancelled()
        if _is_full_of_work(error, context):
            return failed(
                f"no space left on the disk: what the work writes takes more than {_WORK_MB:,} MB",
                hint="look for what writes without end",
            )
        return _own_fault(spec, error)
    context.run.cancel.raise_if_cancelled()
    return verdict


def _fault_of_work(error: CheckFailedError | WorkFaultError) -> Verdict:
    if isinstance(error, CheckFailedError):
        return error.verdict
    if not error.path:
        return failed(error.message, hint=error.hint)
    message = error.message
    if isinstance(error, UnusableFileError):
        # Its message is about the file, and says no name.
        message = f"{error.path} {message}"
    finding = Finding(error.message, path=error.path, line=error.line)
    return failed(message, finding, hint=error.hint)


def _is_full_of_work(error: Exception, context: Context) -> bool:
    """Whether the disk is full because of what the work wrote, and not for lack of a larger one."""
    if not isinstance(error, OSError) or error.errno != errno.ENOSPC:
        return False
    used = measure_used_mb([context.run.scratch])
    return used is None or used > _WORK_MB


def _own_fault(spec: CheckSpec, error: Exception) -> Verdict:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Verdict(
            Outcome.ERROR,
            "no space left on the disk while checking",
            hint="make room, or set TMPDIR to a folder with space",
        )
    log = write_log(f"check {spec.id} ({spec.kind})", error)
    return Verdict(
        Outcome.ERROR,
        f"devlab itself failed here: {type(error).__name__}: {error}",
        hint=f"this is not your fault; please report it with {log}",
    )
