"""Begin a lab: a folder with a worked example that proves as it is, and a template if asked."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaffolder.authoring import schema
from scaffolder.core import settings
from scaffolder.core.errors import DevlabError
from scaffolder.core.suggest import suggest_name
from scaffolder.labs import catalog, generate
from scaffolder.labs.packs.description import is_id

_SKELETONS = Path(__file__).resolve().parent / "skeleton"
_SCHEMAS = Path("schema")


@dataclass(frozen=True)
class Skeleton:
    """A worked example to begin with, in the folder `name` of skeleton/.

    `about` says what its learner works on. `template` is one of ours that it is best laid on, if
    any; `made` is the folder of skeleton/templates/ that a new template is made of.
    """

    name: str
    about: str
    track: str
    template: str = ""
    made: str = "project"


SKELETONS = {
    one.name: one
    for one in (
        Skeleton("service", "the image of a web service", "containers", "flask-service", "service"),
        Skeleton("job", "a program that an image runs to its end", "containers"),
        Skeleton("script", "a script: output, exit code, files", "automation"),
        Skeleton("pipeline", "a GitHub Actions workflow", "ci-cd", "flask-service", "service"),
        Skeleton("infrastructure", "Terraform", "infrastructure"),
        Skeleton("repository", "a git history", "git"),
    )
}
DEFAULT_SKELETON = "service"


@dataclass(frozen=True)
class NewLab:
    """A lab to begin. `root` is the folder that holds labs/; `new_template` asks for one, too."""

    root: Path
    lab_id: str
    title: str
    track: str
    template: str
    new_template: bool = False
    skeleton: Skeleton = SKELETONS[DEFAULT_SKELETON]

    @property
    def folder(self) -> Path:
        return self.root / "labs" / self.lab_id

    def validate(self) -> None:
        """Raise DevlabError where a name is no id, or something is there already or missing."""
        for what, name in (
            ("lab", self.lab_id),
            ("track", self.track),
            ("template", self.template),
        ):
            require_id(what, name)
        if not self.title.strip() or not self.title.isprintable():
            raise DevlabError("the title must be one line of printable characters")
        refuse_existing(self.folder)
        if self.new_template:
            refuse_existing(self.root / "templates" / self.template)
        elif self.template not in (known := list_templates(self.root)):
            raise DevlabError(
                f"unknown template {self.template!r}{suggest_name(self.template, known)}",
                hint=f"templates: {', '.join(known)}   (or make one: --new-template NAME)",
            )


def require_id(what: str, name: str) -> None:
    """Raise DevlabError unless `name` is made of lower-case words joined by hyphens."""
    if not is_id(name):
        raise DevlabError(
            f"{name!r} cannot be the name of a {what}: lower-case letters and digits, joined by "
            "hyphens",
            hint="for example: slim-image",
        )


def refuse_existing(path: Path) -> None:
    """Raise DevlabError where there is anything at `path`."""
    if os.path.lexists(path):
        raise DevlabError(
            f"{path} exists already, and devlab never overwrites", hint="choose another name"
        )


def find_default_root() -> Path:
    """Return the folder in which to begin a lab: the author's pack, or the current folder.

    That is the first folder that DEVLAB_LABS names, else the nearest from here upwards with a
    folder labs/ in it, but no further than its parent, else the current folder.
    """
    told = settings.read_lab_folders()
    if told:
        return Path(told[0]).expanduser().resolve()
    here = Path.cwd()
    if here.name == "labs":
        return here.parent
    return next((one for one in (here, here.parent) if (one / "labs").is_dir()), here)


def list_templates(root: Path) -> tuple[str, ...]:
    """Return the names of the templates that a lab in `root` can use: its neighbours and ours."""
    shelves = (root / "templates", catalog.find_root() / "templates")
    found = (path.parent.name for shelf in shelves for path in shelf.glob("*/cookiecutter.json"))
    return tuple(dict.fromkeys(sorted(found)))


def create_lab(plan: NewLab) -> tuple[Path, ...]:
    """Write the lab, the template if one is asked for, and schemas for the editor.

    Returns the folders that were made. Raises DevlabError as `Plan.validate`; then nothing is
    left behind.
    """
    plan.validate()
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(generate.create_folder(folder)) for folder in _folders(plan)]
        if plan.new_template:
            generate.apply_overlay(_SKELETONS / "templates" / plan.skeleton.made, {}, made[1])
        shelf = _schema_folder(plan.root)
        overlay = _SKELETONS / plan.skeleton.name
        generate.apply_overlay(overlay, _context(plan, shelf), plan.folder)
        if not (shelf / "lab.json").exists():
            schema.write_schemas(shelf)
            made.append(shelf)
    return tuple(made)


def _folders(plan: NewLab) -> Iterator[Path]:
    yield plan.folder
    if plan.new_template:
        yield plan.root / "templates" / plan.template


def _schema_folder(root: Path) -> Path:
    """Return where the schemas lie: beside labs/, so that an editor needs no network."""
    ours = root / "docs" / _SCHEMAS
    return ours if (ours / "lab.json").is_file() else root / _SCHEMAS


def _context(plan: NewLab, shelf: Path) -> dict[str, str]:
    return {
        # JSON is YAML that needs no further thought about quotes.
        "title": json.dumps(plan.title, ensure_ascii=False),
        "heading": plan.title,
        "track": plan.track,
        "template": plan.template,
        "schemas": Path(os.path.relpath(shelf, plan.folder)).as_posix(),
    }
