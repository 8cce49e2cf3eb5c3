"""What a lab needs: read from its checks, and from the files of its start and its solution."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.labs import generate
from scaffolder.labs.variables import usable_variables
from scaffolder.model import CheckParameters, Lab, Task
from scaffolder.model.readiness import Requirement
from scaffolder.tools import dockerfile, wheelhouse
from scaffolder.workspace import Workspace, read_text


@dataclass(frozen=True)
class TaskNeeds:
    """What the checks of one task require, and the images that their Dockerfiles build on."""

    task: Task
    requirements: frozenset[Requirement]
    images: frozenset[str]


@dataclass(frozen=True)
class LabNeeds:
    """What a lab needs, task by task.

    `wheels` are the requirements that its pipelines install. `problem` says why its files could not
    be looked at; the images and wheels are then not known.
    """

    lab: Lab
    tasks: tuple[TaskNeeds, ...]
    wheels: tuple[str, ...] = ()
    problem: str = ""

    @property
    def requirements(self) -> frozenset[Requirement]:
        """Everything that a task of it requires."""
        return frozenset().union(*(one.requirements for one in self.tasks))

    @property
    def images(self) -> frozenset[str]:
        """Every image that a task of it builds on."""
        return frozenset().union(*(one.images for one in self.tasks))


def needs_of(lab: Lab, workspace: Workspace | None = None) -> LabNeeds:
    """Return what a lab needs; with a workspace, what the learner's own Dockerfiles name as well.

    The start and the solution are made in a temporary folder where images or wheels are needed.
    """
    plain = LabNeeds(
        lab, tuple(TaskNeeds(task, _required(lab, task), frozenset()) for task in lab.tasks)
    )
    if not plain.requirements & {Requirement.IMAGES, Requirement.WHEELS}:
        return plain
    try:
        with tempfile.TemporaryDirectory(prefix="devlab-doctor-") as place:
            folders = _states(lab, workspace, Path(place), plain.requirements)
            return LabNeeds(
                lab,
                tuple(
                    TaskNeeds(one.task, one.requirements, _images(one.task, folders))
                    for one in plain.tasks
                ),
                wheelhouse.requirements_of(folders[0]),
            )
    except DevlabError as error:
        return LabNeeds(lab, plain.tasks, problem=error.message)
    except OSError as error:
        return LabNeeds(lab, plain.tasks, problem=f"cannot make its start: {error}")


def _checks(task: Task) -> Iterator[CheckParameters]:
    return (spec.check for spec in task.checks)


def _required(lab: Lab, task: Task) -> frozenset[Requirement]:
    found = frozenset[Requirement]().union(*(one.requirements(lab.root) for one in _checks(task)))
    return found - {Requirement.TRUST} if lab.trusted else found


def _states(
    lab: Lab, workspace: Workspace | None, place: Path, required: frozenset[Requirement]
) -> list[Path]:
    """Return folders with the lab's start, its solution where images matter, and the work."""
    given = usable_variables(lab, workspace) if workspace is not None else {}
    names = ["start", *(["solution"] if Requirement.IMAGES in required else [])]
    for name in names:
        generate.build_state(lab, name, given, place / name)
    return [place / name for name in names] + ([workspace.root] if workspace is not None else [])


def _images(task: Task, folders: Sequence[Path]) -> frozenset[str]:
    return frozenset(
        name
        for check in _checks(task)
        if Requirement.IMAGES in check.requires
        for path in check.builds
        for folder in folders
        for name in dockerfile.bases(_text(folder, path))
    )


def _text(folder: Path, path: str) -> str:
    """Return a Dockerfile's text; what cannot be read names nothing, and a check will say so."""
    try:
        return read_text(folder, path)
    except UnusableFileError:
        return ""
