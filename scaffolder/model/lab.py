"""What a lab is: its tasks, checks, hints, faults and wrong answers, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

import msgspec
from msgspec import Meta

from scaffolder.model.tool import Tool
from scaffolder.model.variation import Variation
from scaffolder.model.verdict import Verdict


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace `old`, which must stand exactly once in the file `path`, by `new`."""

    path: str
    old: str
    new: str


class ChangeSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A small edit of a folder: deletions first, then whole files, then replacements."""

    delete: tuple[str, ...] = ()
    write: dict[str, str] = {}
    replace: tuple[Replacement, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the edit touches, in order and once."""
        touched = (*self.delete, *self.write, *(edit.path for edit in self.replace))
        return tuple(dict.fromkeys(touched))


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a check plants to see whether it is noticed: `change`, or one of `forms`."""

    id: str
    title: str
    change: ChangeSet
    forms: tuple[ChangeSet, ...] = ()


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named wrong answer: an edit of the solution and the checks that it must fail.

    In a lab with a history, `steps` are shell commands in the place of the solution's of the same
    names, or `finally`, after all of them.
    """

    id: str
    title: str
    fails: tuple[str, ...]
    change: ChangeSet = ChangeSet()
    steps: Mapping[str, str] = {}


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Generated mutants that an author accepts as no mistakes, and why they are none."""

    mutants: tuple[str, ...]
    reason: str


class WrongAnswers(msgspec.Struct, frozen=True):
    """What a lab's mistakes.yaml holds: mistakes that must fail, mutants that need not."""

    mistakes: tuple[Mistake, ...] = ()
    equivalent: tuple[Equivalent, ...] = ()


class CheckParameters(Protocol):
    """What a check is, with what it asks: an instance of a class of `checks/kind.py`.

    `quick`, `requires` and `reads_history` stand there, too.
    """

    quick: ClassVar[bool]
    requires: ClassVar[frozenset[Tool]]
    reads_history: ClassVar[bool]

    @property
    def reads(self) -> tuple[str, ...]:
        """Patterns of the files that the verdict can depend on."""
        ...

    @property
    def builds(self) -> tuple[str, ...]:
        """Paths of the Dockerfiles whose images the check builds."""
        ...

    @property
    def faults(self) -> tuple[str, ...]:
        """Ids of the lab's faults that the check plants."""
        ...

    @property
    def test_files(self) -> tuple[str, ...]:
        """Paths of the files in the lab's `tests/` that the check runs."""
        ...

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """Paths of the files and folders in the lab's `fixtures/` that the check uses."""
        ...

    @property
    def needs_tools(self) -> tuple[str, ...]:
        """Ids of the tools that the lab's author says the check needs."""
        ...

    @property
    def commit_ids(self) -> tuple[str, ...]:
        """Ids of commits in history.yaml that the check speaks of."""
        ...

    @property
    def ignore(self) -> tuple[str, ...]:
        """Rules whose findings do not count."""
        ...

    def requirements(self, lab_root: Path) -> frozenset[Tool]:
        """Return what the check needs of the machine, in the lab whose folder this is."""
        ...

    def run(self, context: Any) -> Verdict:
        """Look at the work and say what holds."""
        ...


class CheckSpec(msgspec.Struct, frozen=True):
    """One verification inside a task: its id, its kind, and the kind's own parameters.

    `timeout` is in seconds and bounds what the learner's work may take.
    """

    id: str
    kind: str
    check: CheckParameters
    timeout: float


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What helps a learner on. One that names a `check`, `rule` or `message` answers that failure.

    All that it names must fit one failed check: its id, the rule of a finding, and words that the
    check's message, a finding or what happened contains. `message` is a plain part of a text and
    no pattern, whatever its case and spacing: no text that a learner's program prints can make the
    search slow, and the brackets and stars of a quoted command mean themselves.
    """

    text: Annotated[str, Meta(min_length=1, max_length=2000, description="What the learner reads.")]
    check: Annotated[
        str, Meta(pattern=r"\S", max_length=60, description="The id of a check of the task.")
    ] = ""
    rule: Annotated[
        str, Meta(pattern=r"\S", max_length=100, description="The rule of a finding: DL3025.")
    ] = ""
    message: Annotated[
        str,
        Meta(
            pattern=r"\S",
            max_length=300,
            description="A part of what the failed check says, any case; no pattern.",
        ),
    ] = ""

    @property
    def general(self) -> bool:
        """Whether it fits every failure of its task."""
        return not (self.check or self.rule or self.message)


class Finish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a learner hears who has all points: what was proved, and where it matters at work."""

    proved: Annotated[
        str,
        Meta(min_length=1, max_length=1000, description="What the work was shown to do, to `you`."),
    ]
    at_work: Annotated[
        str, Meta(min_length=1, max_length=1000, description="Where that matters at work.")
    ]


class Task(msgspec.Struct, frozen=True):
    """What the learner sees: a title, points, hints, and the tasks that must pass first.

    `given` marks a task that passes on the start already, e.g. one that must be kept so.
    """

    id: str
    title: str
    points: int
    checks: tuple[CheckSpec, ...]
    needs: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    given: bool = False


class Lab(msgspec.Struct, frozen=True):
    """One exercise: what to do and how it is graded. `root` is its folder.

    Only a `trusted` lab may bring code of its own: template hooks, test files. `learner` is whose
    lab it is, "" where it is everybody's, and `values` what the variables of `variation` are then.
    """

    id: str
    version: str
    title: str
    summary: str
    track: str
    level: str
    minutes: int
    skills: tuple[str, ...]
    template: str
    tasks: tuple[Task, ...]
    root: Path
    context: Mapping[str, str] = {}
    faults: Mapping[str, Fault] = {}
    trusted: bool = True
    variation: Variation = Variation()
    learner: str = ""
    values: Mapping[str, str] = {}
    finish: Finish | None = None

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    @property
    def reads_history(self) -> bool:
        """Whether a check looks at the repository that the work lies in."""
        return any(spec.check.reads_history for task in self.tasks for spec in task.checks)

    def task(self, task_id: str) -> Task:
        """Return the task with this id; KeyError where there is none."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something in a lab that its author must mend: where, what, and what to do.

    `path` is relative to the lab's folder, or to what holds it where it lies outside (a template).
    """

    message: str
    path: str = ""
    line: int | None = None
    hint: str = ""
