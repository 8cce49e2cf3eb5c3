"""Read the files of a lab folder strictly: every error has a file, a line and a way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from scaffolder import yamlsource
from scaffolder.errors import DevlabError, LabFileError, UnusableFileError
from scaffolder.labschema import CheckKeys, LabFile, TaskFile, WrongAnswersFile
from scaffolder.model import CheckSpec, Equivalent, Fault, Hint, Lab, Task, WrongAnswers
from scaffolder.workspace import read_text
from scaffolder.yamlsource import Document, Position

if TYPE_CHECKING:
    from scaffolder.checks.base import Kind

COMMON_CHECK_KEYS = ("id", "kind", "timeout")

T = TypeVar("T")


class Source:
    """One YAML file of a lab, and the errors that name a place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.document: Document = yamlsource.load(read_text(path.parent, path.name))
        except UnusableFileError as error:
            raise LabFileError(error.message, path, error.line) from error
        except yamlsource.YamlError as error:
            raise LabFileError(error.message, path, error.line) from error

    def error(self, message: str, *position: str | int, hint: str = "") -> LabFileError:
        """Return (not raise) an error that names the line of `position`."""
        return LabFileError(message, self.path, self.document.line(*position), hint)

    def convert(self, data: Any, kind: type[T], *position: str | int) -> T:
        """Return `data`, which stands at `position`, as a value of the type `kind`."""
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as error:
            raise self._explain(str(error), kind, position) from error

    def _explain(self, text: str, kind: type, base: Position) -> LabFileError:
        message, _, where = text.partition(" - at ")
        position = (*base, *_position(where.strip("`")))
        unknown = re.match(r"Object contains unknown field `(.*)`", message)
        if unknown:
            key = unknown.group(1)
            known = _fields(kind, position[len(base) :])
            return self.unknown("key", key, known, *position, key)
        place = ".".join(str(part) for part in position if isinstance(part, str))
        return self.error(f"{place + ': ' if place else ''}{message}", *position)

    def unknown(
        self, what: str, name: str, known: Collection[str], *position: str | int
    ) -> LabFileError:
        """Return an error for a name that nobody knows, with the nearest that somebody does."""
        return self.error(
            f"unknown {what} {name!r}{did_you_mean(name, known)}",
            *position,
            hint=f"known: {', '.join(sorted(known))}" if known else "",
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def require_task(lab: Lab, task_id: str) -> Task:
    """Return the task of a lab with this id; raises DevlabError with the nearest where none has."""
    try:
        return lab.task(task_id)
    except KeyError:
        known = [task.id for task in lab.tasks]
        raise DevlabError(
            f"{lab.id} has no task {task_id!r}{did_you_mean(task_id, known)}",
            hint=f"tasks: {', '.join(known)}",
        ) from None


def _position(path: str) -> Position:
    """Translate msgspec's `$.tasks[0].points` into a position."""
    parts = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path)
    return tuple(name or int(index) for name, index in parts)


def _fields(kind: type, position: Position) -> tuple[str, ...]:
    """Return the field names of the struct that stands at `position` within `kind`."""
    info: Any = msgspec.inspect.type_info(kind)
    for part in position:
        info = _step(info, part)
        info = getattr(info, "type", info)  # a description wraps the type that it describes
    return tuple(field.encode_name for field in getattr(info, "fields", ()))


def _step(info: Any, part: str | int) -> Any:
    if isinstance(part, int):
        item = getattr(info, "item_type", None)
        # Of a text or a struct, only the struct has parts.
        return next((one for one in getattr(item, "types", ()) if hasattr(one, "fields")), item)
    for field in getattr(info, "fields", ()):
        if field.encode_name == part:
            return field.type
    return getattr(info, "value_type", None)


def read_lab(root: Path, *, graded: bool = True) -> Lab:
    """Read the lab folder `root`; raises DevlabError with file and line for anything wrong.

    Without `graded` the checks are left out, and with them the time that loading their kinds
    takes: enough to show a lab or to begin one, not to grade it.
    """
    source = Source(root / "lab.yaml")
    file = source.convert(source.document.data, LabFile)
    _require_known_entries(root)
    faults = _read_faults(root)
    read_checks = _checks if graded else _no_checks
    tasks = tuple(
        Task(
            id=task.id,
            title=task.title,
            points=task.points,
            checks=read_checks(source, task, index),
            needs=task.needs,
            hints=_hints(source, task, index),
            given=task.given,
        )
        for index, task in enumerate(file.tasks)
    )
    _require_unique(source, tasks)
    _require_sound_needs(source, tasks)
    _require_known_faults(source, tasks, faults)
    _require_known_tests(source, tasks, root)
    return Lab(
        id=root.name,
        version=file.version,
        title=file.title,
        summary=file.summary,
        track=file.track,
        level=file.level,
        minutes=file.minutes,
        skills=file.skills,
        template=file.template,
        tasks=tasks,
        root=root,
        context=file.context,
        faults=faults,
    )


# The entries of a lab folder, and whether a lab must have them.
ENTRIES: Mapping[str, bool] = {
    "lab.yaml": True,
    "instructions.md": True,
    "start": False,
    "solution": True,
    "alternatives": False,
    "mistakes.yaml": True,
    "faults.yaml": False,
    "tests": False,
}


def _require_known_entries(root: Path) -> None:
    present = {entry.name for entry in root.iterdir() if not entry.name.startswith(".")}
    for name in sorted(present - set(ENTRIES)):
        raise DevlabError(
            f"{root / name}: not a part of a lab{did_you_mean(name, ENTRIES)}",
            hint=f"a lab folder holds: {', '.join(ENTRIES)}",
        )
    for name, required in ENTRIES.items():
        if required and name not in present:
            raise LabFileError("is missing; every lab has one", root / name)


def _hints(source: Source, task: TaskFile, index: int) -> tuple[Hint, ...]:
    """Return the hints of a task; one that answers a failure must name what the task has."""
    known = [str(check.get("id")) for check in task.checks]
    hints = tuple(Hint(one) if isinstance(one, str) else one for one in task.hints)
    for number, hint in enumerate(hints):
        place = ("tasks", index, "hints", number)
        if hint.check and hint.check not in known:
            raise source.unknown("check", hint.check, known, *place, "check")
        if hint.general and not isinstance(task.hints[number], str):
            raise source.error(
                "a hint with keys says which failure it answers: check, rule or message",
                *place,
                hint="one that fits every failure of its task is written as a text alone",
            )
    return hints


def _no_checks(source: Source, task: TaskFile, index: int) -> tuple[CheckSpec, ...]:  # noqa: ARG001
    return ()


def _checks(source: Source, task: TaskFile, index: int) -> tuple[CheckSpec, ...]:
    kinds = known_kinds()
    return tuple(
        _check(source, kinds, data, ("tasks", index, "checks", number))
        for number, data in enumerate(task.checks)
    )


def known_kinds() -> Mapping[str, type[Kind]]:
    """Return the registry of check kinds, loading it if nobody did yet."""
    from scaffolder.checks import KINDS

    return KINDS


def _check(
    source: Source, kinds: Mapping[str, type[Kind]], data: dict[str, Any], position: Position
) -> CheckSpec:
    common = source.convert(data, CheckKeys, *position)
    kind = kinds.get(common.kind)
    if kind is None:
        raise source.unknown("check kind", common.kind, kinds, *position, "kind")
    parameters = {key: value for key, value in data.items() if key not in COMMON_CHECK_KEYS}
    check = source.convert(parameters, kind, *position)
    return CheckSpec(id=common.id, kind=common.kind, check=check, timeout=common.timeout)


def _require_unique(source: Source, tasks: tuple[Task, ...]) -> None:
    places: list[tuple[str, Position]] = [
        (task.id, ("tasks", index, "id")) for index, task in enumerate(tasks)
    ]
    _refuse_repeats(source, "task", places)
    checks: list[tuple[str, Position]] = [
        (check.id, ("tasks", index, "checks", number, "id"))
        for index, task in enumerate(tasks)
        for number, check in enumerate(task.checks)
    ]
    _refuse_repeats(source, "check", checks)


def _refuse_repeats(source: Source, what: str, places: Sequence[tuple[str, Position]]) -> None:
    seen: dict[str, int] = {}
    for name, position in places:
        if name in seen:
            raise source.error(
                f"duplicate {what} id {name!r}; it stands on line {seen[name]} already", *position
            )
        seen[name] = source.document.line(*position)


def _require_sound_needs(source: Source, tasks: tuple[Task, ...]) -> None:
    needs = {task.id: task.needs for task in tasks}
    for index, task in enumerate(tasks):
        for number, needed in enumerate(task.needs):
            if needed not in needs:
                raise source.unknown("task", needed, needs, "tasks", index, "needs", number)
        cycle = find_cycle(needs, task.id)
        if cycle:
            raise source.error(
                f"needs run in a circle: {' -> '.join(cycle)}", "tasks", index, "needs"
            )


def find_cycle(needs: Mapping[str, tuple[str, ...]], start: str) -> tuple[str, ...]:
    """Return a way from `start` back to itself along `needs`, or nothing."""
    ways: list[tuple[str, ...]] = [(start,)]
    visited: set[str] = set()
    while ways:
        way = ways.pop()
        for needed in needs.get(way[-1], ()):
            if needed == start:
                return (*way, start)
            if needed not in visited:
                visited.add(needed)
                ways.append((*way, needed))
    return ()


def _require_known_faults(
    source: Source, tasks: tuple[Task, ...], faults: Mapping[str, Fault]
) -> None:
    for index, task in enumerate(tasks):
        for number, spec in enumerate(task.checks):
            for fault in getattr(spec.check, "faults", ()):
                if fault not in faults:
                    raise source.unknown("fault", fault, faults, "tasks", index, "checks", number)


def _require_known_tests(source: Source, tasks: tuple[Task, ...], root: Path) -> None:
    """Refuse a check whose test file is not one of the lab's own, in its folder tests/."""
    known = {path.relative_to(root).as_posix() for path in root.glob("tests/**/*.py")}
    for index, task in enumerate(tasks):
        for number, spec in enumerate(task.checks):
            for file in getattr(spec.check, "test_files", ()):
                if file not in known:
                    place = ("tasks", index, "checks", number, "file")
                    raise source.unknown("test file", file, known, *place)


def _read_faults(root: Path) -> dict[str, Fault]:
    path = root / "faults.yaml"
    if not path.exists():
        return {}
    source = Source(path)
    faults = source.convert(source.document.data or [], tuple[Fault, ...])
    _refuse_repeats(source, "fault", [(one.id, (at, "id")) for at, one in enumerate(faults)])
    return {fault.id: fault for fault in faults}


def read_wrong_answers(lab: Lab) -> WrongAnswers:
    """Read a lab's mistakes.yaml; raises DevlabError with file and line for anything wrong."""
    source = Source(lab.root / "mistakes.yaml")
    file = source.convert(source.document.data or {}, WrongAnswersFile)
    _refuse_repeats(
        source,
        "mistake",
        [(one.id, ("mistakes", at, "id")) for at, one in enumerate(file.mistakes)],
    )
    known = {check.id for task in lab.tasks for check in task.checks}
    for index, mistake in enumerate(file.mistakes):
        for number, name in enumerate(mistake.fails):
            if name not in known:
                raise source.unknown("check", name, known, "mistakes", index, "fails", number)
        if not mistake.fails:
            raise source.error(
                "a mistake names at least one check that it fails", "mistakes", index, "fails"
            )
    _require_reasons(source, file.equivalent)
    return WrongAnswers(file.mistakes, file.equivalent)


def _require_reasons(source: Source, accepted: tuple[Equivalent, ...]) -> None:
    names = []
    for index, entry in enumerate(accepted):
        if not entry.reason.strip():
            raise source.error("an equivalent mutant needs a reason", "equivalent", index)
        places = enumerate(entry.mutants)
        names += [(name, ("equivalent", index, "mutants", at)) for at, name in places]
    _refuse_repeats(source, "mutant", names)
