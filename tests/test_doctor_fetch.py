"""`devlab doctor --fetch`: from a registry and an index of our own, whole or not at all."""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from rich.console import Console

from scaffolder.model.readiness import FetchSaid, FetchStarted
from scaffolder.report.doctor import Fetches
from scaffolder.report.live.progress import Display
from scaffolder.tools.engine.connection import find_endpoint
from tests.support import registry as registries
from tests.support.command import Devlab, shell
from tests.support.registry import Registry
from tests.test_doctor import ENGINE_TASKS, make_lab, seen

PIPELINE_TASKS = """\
  - id: green
    title: It is green
    points: 100
    hints: [a]
    checks:
      - {id: passes, kind: pipeline.passes}
"""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with registries.registry() as made:
        made.push("1")
        yield made


@pytest.mark.engine
def test_an_image_is_looked_for_then_fetched(
    devlab: Devlab, registry: Registry, tmp_path: Path
) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {registry.repository}:1\n")
    key = f"image:{registry.repository}:1"

    offline = devlab("doctor", lab, "--offline", "--format", "json")
    assert (offline.code, seen(offline)[key]["status"]) == (3, "missing")
    assert registry.asked == []

    online = devlab("doctor", lab, "--format", "json")
    assert (online.code, seen(online)[key]["status"]) == (0, "warning")
    assert seen(online)[key]["fix"] == [f"docker pull {registry.repository}:1"]

    fetched = devlab("doctor", lab, "--fetch")
    assert fetched.code == 0, fetched
    assert f"{registry.repository}:1  pulled" in fetched.err
    assert "without a network" in fetched.out
    assert "100 of 100 points" in fetched.out

    before = list(registry.asked)
    again = devlab("doctor", lab, "--fetch")
    assert "here already" in again.err
    assert registry.asked == before


def test_the_terminal_shows_how_far_a_fetch_is() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    display = Display(screen, Fetches())
    display(FetchStarted("key", "python:3.13-slim"))
    display(FetchSaid("key", "python:3.13-slim", "12 of 45 MB"))
    with screen.capture() as drawn:
        screen.print(display._render())
    assert re.search(r" 0 s +python:3\.13-slim +12 of 45 MB", drawn.get())


@pytest.mark.engine
def test_an_image_that_a_registry_does_not_have_says_nothing_of_its_others(
    devlab: Devlab, registry: Registry, tmp_path: Path
) -> None:
    unknown = f"{registry.repository}:unknown"
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {unknown}\nFROM {registry.repository}:1\n")
    found = seen(devlab("doctor", lab, "--format", "json"))
    assert found[f"image:{unknown}"]["status"] == "missing"
    assert found[f"image:{registry.repository}:1"]["status"] == "warning"


@pytest.mark.engine
def test_an_interrupted_fetch_leaves_no_half_image(registry: Registry, tmp_path: Path) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, f"FROM {registry.repository}:1\n")
    registry.stuck.set()
    process = shell("doctor", lab, "--fetch", cwd=tmp_path)
    assert registry.begun.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not docker.DockerClient(find_endpoint()).images.list(registry.repository)


@pytest.mark.engine
def test_what_cannot_be_fetched_is_named_with_its_cause(devlab: Devlab, tmp_path: Path) -> None:
    lab = make_lab(tmp_path, ENGINE_TASKS, "FROM localhost:1/nowhere:1\n")
    said = devlab("doctor", lab, "--fetch")
    assert said.code == 3
    assert "localhost:1/nowhere:1" in said.err
    assert "refused" in said.err
    assert "40 of 100 points" in said.out


def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, index: str) -> None:
    """Let pip know one index alone, and devlab no wheel."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_without_an_index_the_wheels_are_missing(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere(monkeypatch, tmp_path, "http://127.0.0.1:1/simple")
    lab = make_lab(tmp_path, PIPELINE_TASKS)
    said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    assert seen(said)["wheels"]["status"] == "missing"
    assert "127.0.0.1" in seen(said)["wheels"]["message"]


def test_interrupted_wheels_leave_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Registry()
    index.stuck.set()
    address = f"http://127.0.0.1:{index.port}/blobs/simple"
    index.blobs = dict.fromkeys(("", "build", "pip", "setuptools", "wheel"), b"<html></html>")
    nowhere(monkeypatch, tmp_path, address)
    process = shell("doctor", make_lab(tmp_path, PIPELINE_TASKS), "--fetch", cwd=tmp_path)
    assert index.begun.wait(60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    index.close()
    assert process.returncode == 130, err
    left = [one.name for one in (tmp_path / "cache" / "devlab" / "wheels").iterdir()]
    assert [name for name in left if not name.startswith("extra-")] == []
