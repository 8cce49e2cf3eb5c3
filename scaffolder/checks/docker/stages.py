"""What the stages of a Dockerfile install again when it is built a second time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from scaffolder.checks.context import Context
from scaffolder.checks.docker.building import require_engine
from scaffolder.checks.docker.distributions import normalize_distribution
from scaffolder.checks.docker.images import Built, name_distribution
from scaffolder.core.lines import split_lines
from scaffolder.tools import engine
from scaffolder.tools.dockerfile import parse_instructions
from scaffolder.tools.engine import Image
from scaffolder.workspace import read_text

# Wheels and source archives: https://packaging.python.org/en/latest/specifications/
_PACKED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*?)-\d[^/]*\.(?:whl|tar\.gz|zip)")


def find_reinstalled(
    context: Context, dockerfile: str, first: Built, second: Built, distributions: Sequence[str]
) -> str:
    """Return one of `distributions` that an earlier stage of the second build installed, if any.

    The image may not show it: what COPY --from takes is compared without its times, so a layer
    stays the same although pip ran again for it. So each stage in which the second build carried
    out a RUN is looked at by itself, and the layers that it does not share with the first build.
    """
    text = read_text(first.folder, dockerfile)
    wanted = {normalize_distribution(name): name for name in distributions}
    for stage in _earlier(text, second.build.stages_run):
        before = _stage_image(context, dockerfile, text, stage, first.folder)
        after = _stage_image(context, dockerfile, text, stage, second.folder)
        fresh = set(after.diff_ids) - set(before.diff_ids)
        for name in _installed(context, after, fresh) & wanted.keys():
            return wanted[name]
    return ""


def _earlier(text: str, labels: Sequence[str]) -> list[int]:
    """Return the numbers, from 0, of the stages that BuildKit calls by `labels`, except the last.

    In the last one whatever is installed is in the image.
    """
    begins = [one.text.split() for one in parse_instructions(text) if one.keyword == "FROM"]
    numbers = {f"stage-{number}": number for number in range(len(begins))}
    for number, words in enumerate(begins):
        if len(words) > 2 and words[-2].upper() == "AS":
            numbers[words[-1].lower()] = number
    found = {numbers[label] for label in labels if label in numbers}
    return sorted(found - {len(begins) - 1})


def _stage_image(context: Context, dockerfile: str, text: str, stage: int, folder: Path) -> Image:
    """Return the image of one stage: what a Dockerfile that ends with it builds.

    Everything comes from the cache, for it was built a moment ago.
    """
    run = context.run
    following = [one.line for one in parse_instructions(text) if one.keyword == "FROM"][stage + 1]
    shortened = run.folder("stage") / "Dockerfile"
    shortened.write_text(
        "".join(f"{line}\n" for line in split_lines(text)[: following - 1]), "utf-8"
    )
    own_ignore = folder / f"{dockerfile}.dockerignore"
    if own_ignore.is_file():
        shutil.copy(own_ignore, f"{shortened}.dockerignore")
    connected = require_engine(run)
    build = engine.build(
        connected,
        folder,
        run_id=run.id,
        timeout=context.timeout,
        cancel=run.cancel,
        dockerfile=str(shortened),
    )
    image = engine.inspect_image(connected, build.image_id)
    if image is None:
        raise RuntimeError(f"the engine has no image {build.image_id}, which it just built")
    return image


def _installed(context: Context, image: Image, layers: set[str]) -> set[str]:
    """Return the distributions that the layers with these digests hold, unpacked or packed."""
    if not layers:
        return set()
    run = context.run
    archive = run.folder("stage") / "image.tar"
    saved = engine.save_layers(require_engine(run), image, archive, run.cancel)
    return {
        name_distribution(entry.path) or _packed_distribution(entry.path)
        for layer in saved
        if layer.diff_id in layers
        for entry in layer.entries()
    }


def _packed_distribution(path: str) -> str:
    """Return the normalized name of the distribution whose wheel or source archive a file is."""
    found = _PACKED.fullmatch(path.rpartition("/")[2])
    return normalize_distribution(found["name"]) if found else ""
