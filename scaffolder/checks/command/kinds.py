"""The check kind that runs a program of the work: `command.runs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType, field

from scaffolder.checks.command.running import CommandCase, Program, run_case
from scaffolder.checks.command.starting import make_program_tool
from scaffolder.checks.common_tools import SANDBOX
from scaffolder.checks.context import Context
from scaffolder.checks.expectations.cases import (
    WITHIN,
    Exit,
    Signal,
    list_cases,
    refuse_bad_cases,
)
from scaffolder.checks.expectations.draws import Draw, draw_values, fill_values
from scaffolder.checks.expectations.files import FileExpectation, list_fixture_files
from scaffolder.checks.expectations.given import GivenFile, refuse_outside
from scaffolder.checks.expectations.texts import FixtureFile, OutputExpectation, Words
from scaffolder.checks.kind import Kind
from scaffolder.model import Verdict, passed
from scaffolder.model.tool import Tool


class CommandRuns(Kind, frozen=True, kw_only=True):
    """A program of the work does what it should: exit code, output, files.

    Runs it in the sandbox, in a throw-away copy of the work, without a network. It must end by
    itself, and so must all that it starts. A program that cannot be started (it is missing, may not
    be run, its first line names no program, its lines end as Windows ends them), that never ends,
    or prints or writes without end, fails in words.

    What a program is given and what is expected can hold `${name}`, for a value of `draw`: an
    answer that is written down beforehand cannot be right then. Several `cases` are several runs,
    each in a copy of its own; what a case does not say, the check says for all of them.

    Findings have these rules, for hints: `exit-code`, `stdout`, `stderr`, `file`, `changed` (in a
    second run, or though it must not be), `cannot-start`, `never-ends`, `endless-output`,
    `endless-files`, `too-many-processes`, `too-much-memory`, `left-behind` (a process that goes on
    after the program), `no-signal` (it ended before its signal).

    Parameters:
        run: the program and its arguments, a list; a path such as ./backup.sh is one of the work.
            With `shell: true` it is one line for /bin/sh.
        shell: whether `run` is a line for a shell.
        arguments: more arguments, behind those of `run`; for cases.
        cwd: the folder of the work in which it runs.
        stdin: what it reads: a text, or {file: fixtures/...}. Nothing unless given.
        env: environment variables besides PATH, HOME and TMPDIR.
        given: files that are there before: `path`, and one of `content`, `file` (a file or folder
            of the lab's fixtures/) and `folder: true`; `mode` ("0600"), `age` (90, 15m, 3d),
            `count` and `repeat` with ${i} for the number, `append`.
        times: how often it is run, one after the other in the same copy.
        idempotent: whether all runs after the first must change no file, and end with the same exit
            code; it is run twice then unless `times` says more.
        fault: the id of a fault in faults.yaml that is planted first.
        signal: a signal that the program gets while it runs, it alone: `send`, and the moment,
            `after` seconds or `at`, a regular expression that a line of its output matches. With
            `times` it is the last run that gets it.
        within: seconds that one run may take; 20 unless given.
        exit: the exit code: a number, a list of several, or {not: 0}; 0 unless given. What a signal
            ends has 128 and its number, as in a shell.
        stdout, stderr: what it prints: `equals`, `contains`, `lacks`, `matches`, `lines`, `json`
            ({has: ..., where: {JMESPath: value}}), `empty`.
        then: what files are afterwards, a list: `path`, a pattern (`*` within a name, `**` for any
            folders), and `absent`, `unchanged`, `count`, `mode`, `holds` (of a tar or zip archive:
            a list like this one) or what `stdout` can have. A path alone must be there.
        draw: values that are drawn for each run of the check, by name: {number: [1, 100]},
            {text: 8}, {choice: [a, b]}, {sum: [a, b, 1]} of others, {variable: name} of the
            workspace.
        cases: several runs; each has a `name`, and any of the parameters above from `arguments` on
            but for `cwd` and `draw`.
        needs: programs of the system's that must be there, such as jq. Where one is missing, the
            check is unavailable. `python3` always is there, without packages.

    Passes: each run ends by itself, and all that is expected holds.

    Fails: it does not; the finding says where the texts differ. A program that is named without a
    slash and that the machine lacks is `unavailable`.

    Example:
        - id: counts-errors
          kind: command.runs
          run: [./count-errors.sh]
          draw: {errors: {number: [3, 40]}}
          given:
            - {path: app.log, content: "INFO started\\n"}
            - {path: app.log, content: "ERROR ${i}\\n", repeat: "${errors}", append: true}
          cases:
            - name: a log with errors
              arguments: [app.log]
              stdout: {equals: "${errors}"}
            - name: a log that is not there
              arguments: [no-such.log]
              exit: {not: 0}
              stdout: {empty: true}
              stderr: {contains: no-such.log}
    """

    requires: ClassVar[frozenset[Tool]] = frozenset({SANDBOX})

    command: Annotated[tuple[str, ...], Meta(min_length=1)] | Words = field(name="run")
    shell: bool = False
    arguments: tuple[str, ...] = ()
    cwd: str = "."
    stdin: str | FixtureFile = ""
    env: Mapping[str, str] = {}
    given: tuple[GivenFile, ...] = ()
    times: Annotated[int, Meta(ge=1, le=100)] = 1
    idempotent: bool = False
    fault: str = ""
    signal: Signal | UnsetType = UNSET
    within: Annotated[float, Meta(gt=0, le=3600)] = WITHIN
    exit: Exit | UnsetType = UNSET
    stdout: OutputExpectation | UnsetType = UNSET
    stderr: OutputExpectation | UnsetType = UNSET
    then: tuple[FileExpectation, ...] = ()
    draw: Mapping[str, Draw] = {}
    cases: tuple[CommandCase, ...] = ()
    needs: tuple[Words, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, and values that are named and not drawn."""
        if isinstance(self.command, str) != self.shell:
            raise ValueError("`run` is a list of words, or one line for a shell with shell: true")
        if self.shell and any(case.arguments for case in list_cases(CommandCase, self)):
            raise ValueError("a line for a shell takes no `arguments`: put them into `run`")
        refuse_outside(self.cwd)
        refuse_bad_cases(CommandCase, self, self.draw)

    def requirements(self, lab_root: Path) -> frozenset[Tool]:  # noqa: ARG002
        """Return the sandbox, and the programs that it names."""
        return self.requires | {make_program_tool(name) for name in self.needs}

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of all of its cases."""
        planted = (case.fault for case in list_cases(CommandCase, self))
        return tuple(dict.fromkeys(fault for fault in planted if isinstance(fault, str) and fault))

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """What it hands to the program, or compares with, of the lab's fixtures/."""
        cases = list_cases(CommandCase, self)
        return tuple(dict.fromkeys(list_fixture_files(cases)))

    def run(self, context: Context) -> Verdict:
        """Run the program, once for each case."""
        values = draw_values(context.run, self.draw, context.check_id)
        words = ("/bin/sh", "-c", self.command) if isinstance(self.command, str) else self.command
        program = Program(fill_values(words, values), fill_values(self.cwd, values), self.needs)
        told = [
            run_case(context, program, fill_values(case, values))
            for case in list_cases(CommandCase, self)
        ]
        return passed("; ".join(dict.fromkeys(told)))
