"""Answer a request to grade: whatever happens, there is one result."""

from __future__ import annotations

import threading
from pathlib import Path

from scaffolder.core.errors import DevlabError, ExitCode, InterruptedRunError
from scaffolder.core.learner_ids import normalize_learner_id
from scaffolder.core.log import write_log
from scaffolder.grading.cache.store import Kept
from scaffolder.grading.grader import Listener, grade
from scaffolder.labs import catalog
from scaffolder.model import Report
from scaffolder.model.requests import GradeFailure, GradeRequest, GradeResult
from scaffolder.sandbox import MakeSandbox, OwnWork
from scaffolder.tools.processes import CancelToken
from scaffolder.workspace import Workspace, read_manifest


def grade_request(
    request: GradeRequest,
    *,
    listen: Listener = lambda _: None,
    cancel: CancelToken | None = None,
    make_sandbox: MakeSandbox = OwnWork,
) -> GradeResult:
    """Grade what a request asks for and return what came of it; an error is a failure in it.

    `listen`, `cancel` and `make_sandbox` as for `grade`. Raises InterruptedRunError on Ctrl-C and
    when `cancel` is called, and nothing else.
    """
    own, outer = CancelToken(), cancel or CancelToken()
    late = threading.Event()

    def end() -> None:
        late.set()
        own.cancel()

    timer = threading.Timer(request.seconds or 0, end)
    timer.daemon = True
    if request.seconds is not None:
        timer.start()
    try:
        with outer.on_cancel(own.cancel):
            report = _grade(request, listen, own, make_sandbox)
    except InterruptedRunError:
        if request.seconds is None or not late.is_set() or outer.cancelled:
            raise
        return fail_request(request.id, _took_too_long(request.seconds))
    except DevlabError as error:
        return fail_request(request.id, error)
    except Exception as error:  # noqa: BLE001 -- whatever it is, other requests go on
        return fail_request(request.id, _own_fault(request, error))
    finally:
        timer.cancel()
    return GradeResult(request.id, report=report)


def fail_request(request_id: str, error: DevlabError) -> GradeResult:
    """Return the result of a request that came to an error."""
    return GradeResult(
        request_id, failure=GradeFailure(error.message, error.hint, int(error.exit_code))
    )


def _grade(
    request: GradeRequest, listen: Listener, cancel: CancelToken, make_sandbox: MakeSandbox
) -> Report:
    root = Path(request.workspace)
    if not root.is_dir():
        raise DevlabError(f"{root}: there is no such folder")
    workspace = Workspace(root.resolve(), read_manifest(root))
    learner = normalize_learner_id(request.learner) if request.learner else ""
    if request.lab:
        lab = catalog.load_lab(request.lab, learner=learner or workspace.manifest.learner_id)
    else:
        lab = catalog.load_for_workspace(workspace.manifest, learner=learner)
    return grade(
        lab,
        workspace,
        only=request.tasks,
        listen=listen,
        cancel=cancel,
        kept=Kept.of_this_user() if request.use_kept else None,
        make_sandbox=make_sandbox,
    )


def _took_too_long(seconds: float) -> DevlabError:
    return DevlabError(
        f"the grading was ended after {seconds:g} seconds, which is all that it may take",
        hint="grade it again with more time, or where less runs beside it",
        exit_code=ExitCode.UNGRADED,
    )


def _own_fault(request: GradeRequest, error: Exception) -> DevlabError:
    log = write_log(f"grading request {request.id}", error)
    return DevlabError(
        f"devlab failed in a way that it should not: {type(error).__name__}: {error}",
        hint=f"please report it with {log}",
    )
