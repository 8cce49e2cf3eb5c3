"""What a lab needs: read from its checks, and from the files of its start and its solution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaffolder.checks.pytest.tools import TRUST
from scaffolder.core.errors import DevlabError
from scaffolder.core.run_folders import make_run_folder
from scaffolder.labs import generate
from scaffolder.labs.variables import select_usable_variables
from scaffolder.model import CheckParameters, Lab, Task
from scaffolder.model.tool import Demand, Tool
from scaffolder.workspace import Workspace


@dataclass(frozen=True)
class TaskNeeds:
    """The tools that the checks of one task require, and the parts of each, such as images."""

    task: Task
    tools: frozenset[Tool]
    parts: Mapping[Tool, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the tools and of their parts."""
        return frozenset({tool.id for tool in self.tools}.union(*self.parts.values()))


@dataclass(frozen=True)
class LabNeeds:
    """What a lab needs, task by task.

    `problem` says why its files could not be looked at; the parts of tools are then not known.
    """

    lab: Lab
    tasks: tuple[TaskNeeds, ...]
    problem: str = ""

    @property
    def tools(self) -> frozenset[Tool]:
        """Every tool that a task of it requires."""
        return frozenset().union(*(one.tools for one in self.tasks))

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all tools that it requires, and of their parts."""
        return frozenset().union(*(one.ids for one in self.tasks))

    def parts_of(self, tool: Tool) -> tuple[str, ...]:
        """Return the parts of a tool that a task of it requires, each once."""
        return tuple(
            dict.fromkeys(part for task in self.tasks for part in task.parts.get(tool, ()))
        )


def list_needs(lab: Lab, workspace: Workspace | None = None) -> LabNeeds:
    """Return what a lab needs; with a workspace, what the learner's own files name as well.

    The start and the solution are made in a temporary folder where a tool has parts to be named.
    """
    plain = LabNeeds(lab, tuple(TaskNeeds(task, _required(lab, task)) for task in lab.tasks))
    if not any(tool.list_parts for tool in plain.tools):
        return plain
    try:
        with make_run_folder() as place:
            states = _make_states(lab, workspace, place)
            return LabNeeds(
                lab,
                tuple(
                    TaskNeeds(one.task, one.tools, _list_parts(lab, one.task, states))
                    for one in plain.tasks
                ),
            )
    except DevlabError as error:
        return LabNeeds(lab, plain.tasks, problem=error.message)
    except OSError as error:
        return LabNeeds(lab, plain.tasks, problem=f"cannot make its start: {error}")


def collect_demand(
    labs: Iterable[LabNeeds], tool: Tool, *, offline: bool = False, replace_standins: bool = False
) -> Demand:
    """Return what the labs that need a tool ask of it."""
    parts: dict[str, tuple[str, ...]] = {}
    for one in labs:
        if tool in one.tools:
            before = parts.get(one.lab.id, ())
            parts[one.lab.id] = tuple(dict.fromkeys((*before, *one.parts_of(tool))))
    return Demand(parts, offline=offline, replace_standins=replace_standins)


def _checks(task: Task) -> list[CheckParameters]:
    return [spec.check for spec in task.checks]


def _required(lab: Lab, task: Task) -> frozenset[Tool]:
    found = frozenset[Tool]().union(*(one.requirements(lab.root) for one in _checks(task)))
    return found - {TRUST} if lab.trusted else found


def _make_states(lab: Lab, workspace: Workspace | None, place: Path) -> dict[str, Path]:
    """Return folders with the lab's start, its solution, and the work if there is any."""
    given = select_usable_variables(lab, workspace) if workspace is not None else {}
    states = {name: place / name for name in ("start", "solution")}
    for name, folder in states.items():
        generate.build_state(lab, name, given, folder)
    return states if workspace is None else {**states, "work": workspace.root}


def _list_parts(lab: Lab, task: Task, states: Mapping[str, Path]) -> dict[Tool, tuple[str, ...]]:
    found: dict[Tool, tuple[str, ...]] = {}
    for check in _checks(task):
        for tool in check.requirements(lab.root):
            if tool.list_parts:
                parts = tool.find_parts(states, check.builds)
                found[tool] = tuple(dict.fromkeys((*found.get(tool, ()), *parts)))
    return found
