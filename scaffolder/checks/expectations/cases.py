"""One run of a program, as a lab describes it: what the program gets, what must come of it.

A check describes one, or several in `cases`: then what it says itself holds for each of them that
does not say it.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scaffolder.checks.expectations.draws import (
    EACH,
    Draw,
    is_reference,
    refuse_bad_draws,
    refuse_unknown_references,
)
from scaffolder.checks.expectations.files import FileExpectation
from scaffolder.checks.expectations.patterns import is_in_line, refuse_bad_pattern
from scaffolder.checks.expectations.texts import FixtureFile, OutputExpectation, Words
from scaffolder.tools.command import Interruption

WITHIN = 20.0
_LARGEST_EXIT = 255
# Characters of an input that a message shows as a whole.
_INPUT_SHOWN = 200


class OtherExit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any exit code but this one, or these."""

    excluded: int | tuple[int, ...] = msgspec.field(name="not")


# Bounds are looked at below: those of a number beside a list are more than msgspec 0.22 can hold.
Exit = int | tuple[int, ...] | OtherExit | str


def refuse_bad_exit(said: Exit | UnsetType) -> None:
    """Raise ValueError for what is no exit code."""
    codes = said.excluded if isinstance(said, OtherExit) else said
    if isinstance(codes, str) and not (codes.isdigit() or is_reference(codes)):
        raise ValueError(f"`exit` is a number, or the name of one, and not {codes!r}")
    listed = codes if isinstance(codes, tuple) else (codes,) if isinstance(codes, int) else (0,)
    if not listed or not all(0 <= code <= _LARGEST_EXIT for code in listed):
        raise ValueError(f"an exit code is a number from 0 to {_LARGEST_EXIT}")


class Signal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal that the program gets while it runs: it alone, not what it started.

    `send` is its name. It is sent `after` so many seconds; where `at` is given, a regular
    expression, they count from the first line of either stream in which that is found.
    """

    send: Literal["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL"] = "TERM"
    after: Annotated[float, Meta(ge=0, le=600)] = 0
    at: Words | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a signal that says no moment."""
        if isinstance(self.at, str):
            if "${" not in self.at:
                refuse_bad_pattern(self.at)
        elif not self.after:
            raise ValueError("say when: `after` so many seconds, or `at` a line of the output")

    def make_interruption(self) -> Interruption:
        """Return it as a sandbox sends it."""
        pattern = self.at
        at = None if isinstance(pattern, UnsetType) else lambda line: is_in_line(pattern, line)
        return Interruption(signal.Signals[f"SIG{self.send}"].value, self.after, at)


class RunCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run: what it says goes before what the check says for all."""

    name: str = ""
    arguments: tuple[str, ...] | UnsetType = UNSET
    stdin: str | FixtureFile | UnsetType = UNSET
    env: Mapping[str, str] | UnsetType = UNSET
    exit: Exit | UnsetType = UNSET
    stdout: OutputExpectation | UnsetType = UNSET
    stderr: OutputExpectation | UnsetType = UNSET
    then: tuple[FileExpectation, ...] | UnsetType = UNSET
    signal: Signal | UnsetType = UNSET
    within: Annotated[float, Meta(gt=0, le=3600)] | UnsetType = UNSET

    @property
    def expected_exit(self) -> Exit:
        """What its exit code must be: 0 unless it is said."""
        return 0 if isinstance(self.exit, UnsetType) else self.exit

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return WITHIN if isinstance(self.within, UnsetType) else self.within

    @property
    def files(self) -> tuple[FileExpectation, ...]:
        return () if isinstance(self.then, UnsetType) else self.then

    @property
    def given_paths(self) -> tuple[str, ...]:
        """The paths of what it is given, for people who want to see it themselves."""
        return ()

    def refuse_contradictions(self) -> None:
        """Raise ValueError where what is said cannot be meant."""
        refuse_bad_exit(self.exit)
        if self.signal is not UNSET and self.exit is UNSET:
            raise ValueError("say which exit code the program has after its signal: exit: [0, 143]")


C = TypeVar("C", bound=RunCase)


def list_cases(kind: type[C], check: Any) -> tuple[C, ...]:
    """Return the runs of a check, each with all that holds for it; `kind` is what they are.

    Raises ValueError where two have one name, or what is said contradicts itself.
    """
    own: tuple[C, ...] = check.cases or (kind(),)
    names = [case.name for case in own]
    if len(own) > 1 and (len(set(names)) < len(names) or "" in names):
        raise ValueError("each of several `cases` needs a `name` of its own")
    return tuple(_complete(case, check) for case in own)


def _complete(case: C, check: Any) -> C:
    """Return a case with what the check says for all, where it says nothing itself."""
    fields = [name for name in case.__struct_fields__ if name != "name"]
    given = {name: getattr(check, name) for name in fields if getattr(case, name) is UNSET}
    env = {**(check.env or {}), **(case.env or {})}
    whole = msgspec.structs.replace(case, **{**given, "env": env})
    whole.refuse_contradictions()
    return whole


def refuse_bad_cases(kind: type[RunCase], check: Any, draws: Mapping[str, Draw]) -> None:
    """Raise ValueError for what is wrong with the cases of a check, or with its drawn values."""
    list_cases(kind, check)
    refuse_bad_draws(draws)
    fields = [getattr(check, name) for name in check.__struct_fields__ if name != "draw"]
    refuse_unknown_references(draws, fields, EACH)


def show_command(words: tuple[str, ...], case: RunCase) -> str:
    """Return a command line as a person would type it, with what is given besides in words."""
    env = {} if isinstance(case.env, UnsetType) else case.env
    told = " ".join([*(f"{name}={shlex.quote(value)}" for name, value in env.items())])
    line = f"{told} {shlex.join(words)}" if told else shlex.join(words)
    if isinstance(case.stdin, FixtureFile):
        return f"{line} < {case.stdin.file}"
    if not isinstance(case.stdin, str) or not case.stdin:
        return line
    short = len(case.stdin) <= _INPUT_SHOWN
    return f"printf %s {shlex.quote(case.stdin)} | {line}" if short else f"{line} < INPUT"
