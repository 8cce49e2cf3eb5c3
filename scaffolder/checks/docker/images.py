"""What the checks of images and containers share in a run: engine, images, what is in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import msgspec

from scaffolder.checks.context import Context, Run
from scaffolder.checks.docker.blame import assign_blame
from scaffolder.checks.docker.building import find_image, require_engine
from scaffolder.checks.docker.canaries import Canaries, Unpacked, plant_canaries
from scaffolder.checks.docker.distributions import list_distributions, normalize_distribution
from scaffolder.checks.docker.rules import refuse_unknown_bases, refuse_what_is_not_built
from scaffolder.checks.docker.tools import ENGINE, IMAGES
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.checks.planting.planting import change_work, draw_form
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import ChangeSet, Fault
from scaffolder.model.tool import Tool
from scaffolder.tools import engine
from scaffolder.tools.engine import Build, BuildFailedError, Image, Layer
from scaffolder.tools.engine.filesystem import FileSystem
from scaffolder.workspace import resolve_inside

_DISTRIBUTION = re.compile(r"(?:^|/)(?P<name>[^/]+?)(?:-[^-/]+)?\.(?:dist|egg)-info(?:/|$)")


class ImageKind(Kind, frozen=True, kw_only=True):
    """Base of the kinds that look at the image of the learner's Dockerfile."""

    requires: ClassVar[frozenset[Tool]] = frozenset({ENGINE, IMAGES})

    dockerfile: str = "Dockerfile"

    @property
    def builds(self) -> tuple[str, ...]:
        """The Dockerfile."""
        return (self.dockerfile,)


@dataclass(frozen=True)
class Built:
    """The learner's image, and what was planted in the folder that it was built from.

    `folder` is that folder, which nobody changes any more; `refused` is the trouble where the build
    worked only without what was planted.
    """

    build: Build
    image: Image
    folder: Path
    canaries: Canaries
    refused: BuildFailedError | None = None


def build_work_image(context: Context, dockerfile: str) -> Built:
    """Return the image of the learner's work, built once for all checks of the run.

    It may take as long as the most patient of those allows that build from the same Dockerfile.
    Raises CheckFailedError where it does not build.
    """
    return find_image(context, dockerfile).run_step(
        context, "docker build", lambda: _build_first(context, dockerfile)
    )


def _build_first(context: Context, dockerfile: str) -> Built:
    session = find_image(context, dockerfile)
    refuse_what_is_not_built(context, dockerfile)
    folder = _varied(context, dockerfile)
    canaries = plant_canaries(folder)
    refused = None
    context.say("building the image")
    try:
        build = session.build(context, folder)
    except BuildFailedError as error:
        if error.stopped:
            raise assign_blame(context, error, folder, dockerfile) from error
        # What we planted may be to blame: a build that stumbles over a foreign .venv still builds.
        # Or it was a moment's trouble, and it builds now with all of it.
        bare = _varied(context, dockerfile)
        try:
            build = session.build(context, bare)
        except BuildFailedError:
            raise assign_blame(context, error, folder, dockerfile) from error
        try:
            build = session.build(context, folder)
        except BuildFailedError as again:
            refused, folder = again, bare
    refuse_unknown_bases(context, build.bases, dockerfile)
    return Built(build, _inspected(context.run, build), folder, canaries, refused)


def _inspected(run: Run, build: Build) -> Image:
    image = engine.inspect_image(require_engine(run), build.image_id, history=True)
    if image is None:
        raise RuntimeError(f"the engine has no image {build.image_id}, which it just built")
    return image


def rebuild_with_fault(context: Context, dockerfile: str, fault: str) -> Built:
    """Return the image built again after `fault` changed the application, and nothing else.

    Raises CheckFailedError where the learner's build breaks by that.
    """
    first = build_work_image(context, dockerfile)

    def make() -> Built:
        run = context.run
        folder = run.folder("changed") / "work"
        shutil.copytree(first.folder, folder, symlinks=True)
        _change(run, folder, run.faults[fault])
        context.say("building again after a change of the application")
        try:
            build = find_image(context, dockerfile).build(context, folder)
        except BuildFailedError as error:
            raise assign_blame(context, error, folder, dockerfile) from error
        return Built(build, _inspected(run, build), folder, first.canaries)

    return find_image(context, dockerfile).run_step(context, "docker build", make, about=fault)


def draw_change_token(run: Run) -> str:
    """Return the word that `{token}` stands for in what is changed in this run."""
    return run.shared.get("token of changes", lambda: secrets.token_hex(8))


def _varied(context: Context, dockerfile: str) -> Path:
    """Return a copy of the work in which the files that a later build changes are new as well.

    So no step of a build and no program in the image can tell by a date or a digest which of the
    two it looks at.
    """
    run = context.run
    folder = run.copy("image")
    kinds = (spec.check for spec in run.checks)
    faults = {fault for kind in kinds if dockerfile in kind.builds for fault in kind.faults}
    for path in {path for fault in faults for path in draw_form(run, run.faults[fault]).paths}:
        _touch(folder, path)
    return folder


def _change(run: Run, folder: Path, fault: Fault) -> None:
    """Plant a fault in a way that no build has seen before.

    Otherwise the cache of an earlier run would answer, and nobody would see what has to run again.
    """
    token = draw_change_token(run)
    form = draw_form(run, fault)
    change = ChangeSet(
        delete=form.delete,
        write={path: text.replace("{token}", token) for path, text in form.write.items()},
        replace=tuple(
            msgspec.structs.replace(edit, new=edit.new.replace("{token}", token))
            for edit in form.replace
        ),
    )
    try:
        change_work(run, change, folder)
    except OSError as error:
        raise CheckFailedError(
            f"no change can be made in {', '.join(change.paths)}: {error.strerror}",
            hint="restore the application's files: git checkout",
        ) from error
    for path in change.paths:
        _touch(folder, path)


def _touch(folder: Path, path: str) -> None:
    """Add a comment of this moment to a file of Python, if it is one."""
    try:
        target = resolve_inside(folder, path)
        if path.endswith(".py") and target.is_file():
            with target.open("a", encoding="utf-8") as file:
                file.write(f"# As in {secrets.token_hex(20)}.\n")
    except (OSError, UnusableFileError):
        return


@dataclass
class Contents:
    """What lies in the layers that the image has on top of its base.

    `base` names that base, empty where none is known: then `layers` are all. `least_base` is the
    size in bytes of the smallest image that any stage starts from; `unknown` names those of them
    that cannot be looked at. `hits` says for each kind of canary where it lies; `distributions` in
    which layers something speaks of a Python distribution, `installed` which of them are.
    """

    base: str
    layers: tuple[Layer, ...]
    least_base: int = 0
    unknown: tuple[str, ...] = ()
    size: int = 0
    hits: dict[str, list[str]] = field(default_factory=dict)
    distributions: dict[str, set[int]] = field(default_factory=dict)
    installed: set[str] = field(default_factory=set)
    largest: list[tuple[int, str]] = field(default_factory=list)

    def note(self, kind: str, place: str) -> None:
        """Write down that something of `kind` was found."""
        places = self.hits.setdefault(kind, [])
        if place not in places:
            places.append(place)


def read_contents(context: Context, dockerfile: str) -> Contents:
    """Return what the learner's image adds to its base, read from its saved layers, once."""
    found = build_work_image(context, dockerfile)
    return find_image(context, dockerfile).run_step(
        context, "the reading of its layers", lambda: _read_contents(context, found, dockerfile)
    )


def save_work_layers(context: Context, dockerfile: str) -> tuple[Layer, ...]:
    """Return all layers of the learner's image, lowest first, saved once."""
    run = context.run
    image = build_work_image(context, dockerfile).image

    def save() -> tuple[Layer, ...]:
        context.say("reading the layers of the image")
        archive = run.folder("layers") / "image.tar"
        return engine.save_layers(require_engine(run), image, archive, run.cancel)

    return find_image(context, dockerfile).run_step(context, "docker save", save)


def read_file_system(context: Context, dockerfile: str) -> FileSystem:
    """Return the files of the learner's image, those of its base among them."""
    layers = save_work_layers(context, dockerfile)
    return find_image(context, dockerfile).run_step(
        context, "the listing of its files", lambda: FileSystem.of(layers, context.run.cancel)
    )


def count_base_layers(context: Context, dockerfile: str) -> int:
    """Return how many of the lowest layers are those of the image's base."""
    found = build_work_image(context, dockerfile)
    used = engine.inspect_used_images(require_engine(context.run), found.build.bases)
    base = engine.find_base(found.image, used)
    return len(base[1].diff_ids) if base else 0


def _read_contents(context: Context, found: Built, dockerfile: str) -> Contents:
    run = context.run
    connected = require_engine(run)
    used = engine.inspect_used_images(connected, found.build.bases)
    base = engine.find_base(found.image, used)
    layers = save_work_layers(context, dockerfile)
    own = layers[len(base[1].diff_ids) :] if base else layers
    result = Contents(
        base[0] if base else "",
        own,
        min((image.size for image in used.values() if image), default=0),
        tuple(name for name, image in used.items() if image is None),
    )
    unpacked = Unpacked()
    for number, layer in enumerate(own):
        _read_layer(result, number, layer, found.canaries, run, unpacked)
    for distribution in list_distributions(FileSystem.of(own, run.cancel)):
        if distribution.intact:
            result.installed.add(distribution.name)
    _read_metadata(result, found)
    return result


def _read_layer(
    result: Contents, number: int, layer: Layer, canaries: Canaries, run: Run, unpacked: Unpacked
) -> None:
    for entry in layer.entries():
        run.cancel.raise_if_cancelled()
        # A name need not be text, and no report could be written with one that is not.
        path = os.fsencode(f"/{entry.path}").decode("utf-8", "backslashreplace")
        place = f"{path} (layer {number + 1} of {len(result.layers)} above the base)"
        if entry.is_file and (distribution := name_distribution(entry.path)):
            result.distributions.setdefault(distribution, set()).add(number)
        for kind in canaries.in_bytes(os.fsencode(f"{entry.path} {entry.link}")):
            result.note(kind, f"a name in layer {number + 1} above the base")
        if not entry.is_file:
            continue
        result.size += entry.size
        result.largest = sorted([*result.largest, (entry.size, path)])[-5:]
        for kind in canaries.in_file(entry.chunks(), unpacked):
            result.note(kind, place)
        if _is_test(entry, canaries):
            result.note("tests", place)


def _is_test(entry: engine.LayerEntry, canaries: Canaries) -> bool:
    """Whether a file is one of the learner's tests, whatever it is called there."""
    wanted = canaries.tests.get(entry.size, frozenset())
    return bool(wanted) and hashlib.sha256(entry.read(entry.size)).hexdigest() in wanted


def _read_metadata(result: Contents, found: Built) -> None:
    config = json.dumps(dict(found.image.config)).encode()
    for kind in found.canaries.in_bytes(config):
        result.note(kind, "the image's configuration (environment, labels, command)")
    for line in found.image.history:
        for kind in found.canaries.in_bytes(line.encode()):
            result.note(kind, "the image's history (docker history)")


def name_distribution(path: str) -> str:
    """Return the normalized name of the installed distribution that a path speaks of, or nothing.

    That is what lies in a folder such as `Flask-3.1.3.dist-info`.
    """
    found = _DISTRIBUTION.search(path)
    return normalize_distribution(found["name"]) if found else ""


def list_holding_layers(contents: Contents, distribution: str) -> Iterator[Layer]:
    """Yield the layers that hold a Python distribution that is installed, lowest first."""
    if normalize_distribution(distribution) not in contents.installed:
        return
    for number in sorted(contents.distributions.get(normalize_distribution(distribution), ())):
        yield contents.layers[number]
