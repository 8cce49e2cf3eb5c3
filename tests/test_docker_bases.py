"""The base of an image, however its Dockerfile names it: a real engine and a small registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffolder.checks.context import Context
from scaffolder.checks.docker import image
from scaffolder.checks.docker.building import require_engine
from scaffolder.checks.docker.images import read_contents
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Outcome
from scaffolder.tools import engine
from scaffolder.tools.engine import building
from scaffolder.tools.engine.buildlog import list_bases
from scaffolder.workspace import take_snapshot
from tests.support import registry as registries
from tests.support.engine import running
from tests.support.registry import Registry

# More than what is added to it may have.
BYTES = 3_000_000


@pytest.fixture
def registry() -> Iterator[Registry]:
    with registries.registry() as made:
        yield made


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    (tmp_path / "work").mkdir()
    with running(tmp_path, start=tmp_path) as made:
        yield made


def written(context: Context, text: str) -> Context:
    work = context.run.lab_root / "work"
    (work / "Dockerfile").write_text(text)
    take_snapshot(work, context.run.snapshot)
    return context


SMALL = image.ImageContents(megabytes=1, megabytes_in_all=1)


@pytest.mark.engine
@pytest.mark.parametrize("named", ["{repository}", "{repository}:1", "{repository}:1@{digest}"])
def test_a_base_is_found_by_any_name(
    builder: str, registry: Registry, context: Context, named: str
) -> None:
    name = named.format(repository=registry.repository, digest=registry.push("1", size=BYTES))
    registry.tags["latest"] = registry.tags["1"]
    ready = written(context, f"FROM {name}\nCOPY Dockerfile /\n")
    assert SMALL.run(ready).outcome is Outcome.PASS
    assert registry.repository in read_contents(ready, "Dockerfile").base


@pytest.mark.engine
def test_a_base_pinned_by_digest_is_found_when_its_tag_has_moved(
    builder: str, registry: Registry, context: Context
) -> None:
    pinned = registry.push("latest", size=BYTES)
    registry.push("latest", size=BYTES)
    # The engine has the newer image under the tag.
    engine.connect().api.pull(registry.repository)
    ready = written(context, f"FROM {registry.repository}@{pinned}\nCOPY Dockerfile /\n")
    assert SMALL.run(ready).outcome is Outcome.PASS
    assert pinned in read_contents(ready, "Dockerfile").base


@pytest.mark.engine
def test_what_is_added_to_a_base_that_nobody_can_look_at_is_no_fail(
    registry: Registry, context: Context
) -> None:
    if not building.find_buildkit_cli():
        pytest.skip("the classic builder keeps what it fetched in the engine")
    registry.push("1", size=BYTES)
    ready = written(context, f"FROM {registry.repository}:1\nCOPY Dockerfile /\n")
    image.Builds().run(ready)
    registry.tags.clear()
    registry.forget()
    with pytest.raises(UnavailableError, match="cannot be looked at here"):
        SMALL.run(ready)
    assert image.ImageContents(megabytes=BYTES / 1_000_000 + 1).run(ready).outcome is Outcome.PASS


@pytest.mark.engine
def test_a_stage_of_ones_own_is_no_base(builder: str, registry: Registry, context: Context) -> None:
    registry.push("1", size=BYTES)
    text = (
        f"ARG FROM_WHAT={registry.repository}:1\nARG STAGE=own\nFROM $FROM_WHAT AS Own\n"
        "COPY Dockerfile /one\nFROM $STAGE\nCOPY Dockerfile /two\n"
    )
    found = read_contents(written(context, text), "Dockerfile")
    assert len(found.layers) == 2
    assert found.unknown == ()
    assert engine.inspect_image(require_engine(context.run), found.base) is not None


def test_bases_are_not_what_a_step_prints() -> None:
    printed = "#5 0.3 [internal] load metadata for nowhere"
    assert list_bases(["#3 [internal] load metadata for docker.io/library/x:1", printed]) == (
        "docker.io/library/x:1",
    )
    classic = ["Step 1/3 : FROM x AS Own", " ---> 0123456789ab", "Step 2/3 : FROM own"]
    assert list_bases([*classic, "Step 3/3 : FROM scratch"]) == ("x",)
