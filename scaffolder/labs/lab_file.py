"""Read the files of a lab folder strictly: every error has a file, a line and a way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from scaffolder.labs import variation
from scaffolder.core import yaml_source
from scaffolder.core.cycles import find_cycle
from scaffolder.core.suggest import suggest_name
from scaffolder.core.errors import DevlabError, LabFileError, UnusableFileError
from scaffolder.labs.check_parameters import read_parameters
from scaffolder.labs.needs import find_cycle
from scaffolder.labs.schema import HISTORY, CheckKeys, LabFile, TaskFile
from scaffolder.labs.sessions import expand_sessions
from scaffolder.model import CheckSpec, Fault, Hint, Lab, Task
from scaffolder.model.variation import Possibilities, Variation
from scaffolder.workspace import read_text
from scaffolder.core.yaml_source import Document, Position

if TYPE_CHECKING:
    from scaffolder.checks.kind import Kind

COMMON_CHECK_KEYS = ("id", "kind", "timeout")

T = TypeVar("T")


class LabSource:
    """One YAML file of a lab, and the errors that name a place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.document: Document = yaml_source.load_yaml(read_text(path.parent, path.name))
        except UnusableFileError as error:
            raise LabFileError(error.message, path, error.line) from error
        except yaml_source.YamlError as error:
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
            f"unknown {what} {name!r}{suggest_name(name, known)}",
            *position,
            hint=f"known: {', '.join(sorted(known))}" if known else "",
        )


def require_task(lab: Lab, task_id: str) -> Task:
    """Return the task of a lab with this id; raises DevlabError with the nearest where none has."""
    try:
        return lab.task(task_id)
    except KeyError:
        known = [task.id for task in lab.tasks]
        raise DevlabError(
            f"{lab.id} has no task {task_id!r}{suggest_name(task_id, known)}",
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


def read_lab(root: Path, *, graded: bool = True, learner: str = "") -> Lab:
    """Read the lab folder `root`; raises DevlabError with file and line for anything wrong.

    Without `graded` the checks are left out, and with them the time that loading their kinds
    takes: enough to show or begin a lab. `learner` is the normalised id of whose lab it is.
    """
    source = LabSource(root / "lab.yaml")
    if graded:
        source.document = expand_sessions(source, load_kinds())
    vary = _read_variation(source)
    values = variation.derive_variables(vary, root.name, learner)
    file = source.convert(_filled(source, vary, values), LabFile)
    _require_known_entries(root)
    faults = _read_faults(root)
    read_checks = _checks if graded else _no_checks
    tasks = tuple(
        Task(
            id=task.id,
            title=task.title,
            points=task.points,
            checks=read_checks(source, task.checks, "tasks", index, "checks"),
            needs=task.needs,
            hints=_hints(source, task, index, vary.checks.get(task.id, ())),
            given=task.given,
        )
        for index, task in enumerate(file.tasks)
    )
    planted = variation.choose_faults(vary, root.name, learner)
    theirs = _with_learners_checks(source, vary, tasks, read_checks, root.name, learner)
    _require_unique(source, theirs)
    _require_sound_needs(source, tasks)
    _require_known_names(source, theirs, faults, root)
    _require_known_stand_ins(source, vary, faults)
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
        tasks=theirs if learner else tasks,
        root=root,
        context=file.context,
        faults={name: faults[planted.get(name, name)] for name in faults},
        variation=vary,
        learner=learner,
        values=values,
        finish=file.finish,
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
    HISTORY: False,
    "tests": False,
    "fixtures": False,
    "CHANGELOG.md": False,
    "notes.md": False,
}


def _require_known_entries(root: Path) -> None:
    present = {entry.name for entry in root.iterdir() if not entry.name.startswith(".")}
    for name in sorted(present - set(ENTRIES)):
        raise DevlabError(
            f"{root / name}: not a part of a lab{suggest_name(name, ENTRIES)}",
            hint=f"a lab folder holds: {', '.join(ENTRIES)}",
        )
    for name, required in ENTRIES.items():
        if required and name not in present:
            raise LabFileError("is missing; every lab has one", root / name)


def _hints(
    source: LabSource, task: TaskFile, index: int, theirs: Sequence[Mapping[str, Any]]
) -> tuple[Hint, ...]:
    """Return the hints of a task; the check that one answers is the task's, for some learner."""
    known = [str(check.get("id")) for check in (*task.checks, *theirs)]
    hints = tuple(Hint(one) if isinstance(one, str) else one for one in task.hints)
    for number, hint in enumerate(hints):
        place = ("tasks", index, "hints", number)
        if hint.check and hint.check not in known:
            raise source.unknown("check", hint.check, known, *place, "check")
        if hint.general and not isinstance(task.hints[number], str):
            raise source.error(
                "a hint for every failure is a text alone; else it names check, rule or message",
                *place,
            )
    return hints


def _no_checks(
    source: LabSource,  # noqa: ARG001
    data: Sequence[dict[str, Any]],  # noqa: ARG001
    *position: str | int,  # noqa: ARG001
) -> tuple[CheckSpec, ...]:
    return ()


def _checks(
    source: LabSource, data: Sequence[dict[str, Any]], *position: str | int
) -> tuple[CheckSpec, ...]:
    kinds = load_kinds()
    return tuple(_check(source, kinds, one, (*position, number)) for number, one in enumerate(data))


def load_kinds() -> Mapping[str, type[Kind]]:
    """Return the registry of check kinds, loading it if nobody did yet."""
    from scaffolder.checks.registry import KINDS

    return KINDS


def _check(
    source: LabSource, kinds: Mapping[str, type[Kind]], data: dict[str, Any], position: Position
) -> CheckSpec:
    common = source.convert(data, CheckKeys, *position)
    kind = kinds.get(common.kind)
    if kind is None:
        raise source.unknown("check kind", common.kind, kinds, *position, "kind")
    parameters = {key: value for key, value in data.items() if key not in COMMON_CHECK_KEYS}
    check = read_parameters(source, parameters, kind, position)
    return CheckSpec(id=common.id, kind=common.kind, check=check, timeout=common.timeout)


def _read_variation(source: LabSource) -> Variation:
    """Return what a lab lets vary; raises LabFileError where a variable of it cannot be."""
    data = source.document.data
    if not isinstance(data, dict) or "vary" not in data:
        return Variation()
    raw = data["vary"].get("variables") if isinstance(data["vary"], dict) else None
    for name, one in raw.items() if isinstance(raw, dict) else ():
        # One by one, as msgspec does not tell which of a mapping's values is wrong.
        source.convert(one, Possibilities, "vary", "variables", name)
    found = source.convert(data["vary"], Variation, "vary")
    for name, one in found.variables.items():
        wrong = variation.find_problem(one)
        if wrong:
            raise source.error(f"{name} {wrong}", "vary", "variables", name)
    return found


def _filled(source: LabSource, vary: Variation, values: Mapping[str, str]) -> Any:
    """Return the data of a lab.yaml that speaks of the lab's own variables by `{{ }}`."""
    data = source.document.data
    if not vary.variables or not isinstance(data, dict):
        return data
    own = [name for name, one in vary.variables.items() if one.default is not None]
    filled = {**data}
    for part in ("tasks", "finish"):
        if part in data:
            _require_known_references(source, data[part], own, part)
            filled[part] = variation.fill(data[part], values, vary)
    return filled


def _require_known_references(
    source: LabSource, data: Any, known: Collection[str], *position: str | int
) -> None:
    for name, place in variation.find_references(data, position):
        if name not in known:
            raise source.unknown("variable", name, known, *place)


def _with_learners_checks(
    source: LabSource,
    vary: Variation,
    tasks: tuple[Task, ...],
    read: Callable[..., tuple[CheckSpec, ...]],
    lab_id: str,
    learner: str,
) -> tuple[Task, ...]:
    """Return the tasks with the checks that only a learner's workspace has.

    Without a learner they are read as an example's: what is wrong should not wait for the first.
    """
    known = [task.id for task in tasks]
    for name in vary.checks:
        if name not in known:
            raise source.unknown("task", name, known, "vary", "checks", name)
    _require_known_references(source, vary.checks, vary.variables, "vary", "checks")
    values = variation.derive_variables(vary, lab_id, learner or variation.EXAMPLE)
    more = variation.fill(vary.checks, values, vary)
    return tuple(
        msgspec.structs.replace(
            task,
            checks=task.checks + read(source, more.get(task.id, ()), "vary", "checks", task.id),
        )
        for task in tasks
    )


def _require_unique(source: LabSource, tasks: tuple[Task, ...]) -> None:
    places: list[tuple[str, Position]] = [
        (task.id, ("tasks", index, "id")) for index, task in enumerate(tasks)
    ]
    refuse_repeats(source, "task", places)
    checks: list[tuple[str, Position]] = [
        (check.id, ("tasks", index, "checks", number, "id"))
        for index, task in enumerate(tasks)
        for number, check in enumerate(task.checks)
    ]
    refuse_repeats(source, "check", checks)


def refuse_repeats(source: LabSource, what: str, places: Sequence[tuple[str, Position]]) -> None:
    """Raise LabFileError for the first name that stands at two places."""
    seen: dict[str, int] = {}
    for name, position in places:
        if name in seen:
            raise source.error(
                f"duplicate {what} id {name!r}; it stands on line {seen[name]} already", *position
            )
        seen[name] = source.document.line(*position)


def _require_sound_needs(source: LabSource, tasks: tuple[Task, ...]) -> None:
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


def _require_known_names(
    source: LabSource, tasks: tuple[Task, ...], faults: Mapping[str, Fault], root: Path
) -> None:
    """Refuse a check that names an unknown fault or tool, or a file that the lab does not have."""
    from scaffolder.checks.families import list_tools

    tools = tuple(tool.id for tool in list_tools())
    fixtures = {path.relative_to(root).as_posix() for path in root.glob("fixtures/**/*")}
    tests = {path.relative_to(root).as_posix() for path in root.glob("tests/**/*.py")}
    for index, task in enumerate(tasks):
        for number, spec in enumerate(task.checks):
            place = ("tasks", index, "checks", number)
            for what, named, known, *key in (
                ("fault", spec.check.faults, faults),
                ("test file", spec.check.test_files, tests, "file"),
                ("fixture", spec.check.fixture_files, fixtures),
                ("tool", spec.check.needs_tools, tools, "needs_tools"),
            ):
                for at, name in enumerate(named):
                    if name not in known:
                        raise source.unknown(what, name, known, *place, *key, at)
            if spec.check.reads_history and not (root / HISTORY).is_file():
                raise source.error(f"{spec.kind} looks at a repository, and without a {HISTORY} "
                    "learners begin with none", *place, "kind", hint=f"describe it in {HISTORY}")


def _require_known_stand_ins(source: LabSource, vary: Variation, faults: Mapping[str, Fault]) -> None:
    for name, others in vary.faults.items():
        for fault in (name, *others):
            if fault not in faults:
                raise source.unknown("fault", fault, faults, "vary", "faults", name)


def _read_faults(root: Path) -> dict[str, Fault]:
    path = root / "faults.yaml"
    if not path.exists():
        return {}
    source = LabSource(path)
    faults = source.convert(source.document.data or [], tuple[Fault, ...])
    refuse_repeats(source, "fault", [(one.id, (at, "id")) for at, one in enumerate(faults)])
    return {fault.id: fault for fault in faults}
