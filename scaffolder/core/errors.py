"""The errors that reach a user, and the exit codes that scripts rely on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What a devlab command says to the shell."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    UNGRADED = 3
    INTERRUPTED = 130


class DevlabError(Exception):
    """Something a user can understand and act on.

    `message` says what is wrong (which file, which line, what was expected), `hint` what to do
    next, `exit_code` what the command ends with. The CLI prints it; no traceback is shown.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "", exit_code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class UnavailableError(DevlabError):
    """A tool, engine, image or network that is missing on this machine.

    Raised by `tools/`; inside a check it becomes the verdict `unavailable`, never a fail, and its
    points leave the denominator. So it may only be raised for what was found by looking at the
    machine, or where a control failed too (`Run.control`); never for what the work can say.
    `fix` are the commands that would mend it on this system, one after the other; `hint` says the
    same in words, and is made of them where nothing else is said.
    """

    exit_code = ExitCode.UNGRADED

    def __init__(self, message: str, hint: str = "", *, fix: Sequence[str] = ()) -> None:
        super().__init__(message, hint or "   then: ".join(fix))
        self.fix = tuple(fix)


class NotShownError(UnavailableError):
    """The work asks for what cannot be run here: another system, an action that nothing plays.

    Inside a check it becomes `unavailable` with the work as its cause: the points stay in the
    denominator. `hint` says what would make them count.
    """


class WorkFaultError(DevlabError):
    """Something in the learner's work that a tool, a parser or the file system refuses.

    Inside a check it becomes `fail`, with `path` (relative to the workspace) and `line` as its
    finding where they are known.
    """

    exit_code = ExitCode.FAILED

    def __init__(
        self, message: str, hint: str = "", *, path: str = "", line: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.line = line


class UnusableFileError(WorkFaultError):
    """A file of the learner's that cannot be read as what it should be.

    Missing, a link that leads outside, too large, not text.
    """

    def __init__(self, message: str, path: str, hint: str = "", line: int | None = None) -> None:
        super().__init__(message, hint, path=path, line=line)


class LabFileError(DevlabError):
    """Something in a lab's own file that its author must mend.

    `path` is the file, `line` counts from 1, `reason` is the message without the two.
    """

    def __init__(self, reason: str, path: Path, line: int | None = None, hint: str = "") -> None:
        super().__init__(f"{path}{f':{line}' if line else ''}: {reason}", hint)
        self.reason = reason
        self.path = path
        self.line = line


class InterruptedRunError(DevlabError):
    """The user pressed Ctrl-C, or the run was told to stop: everything unwinds."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self) -> None:
        super().__init__("interrupted")
