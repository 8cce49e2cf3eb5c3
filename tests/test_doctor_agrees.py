"""What the doctor promises and what a check comes to are the same, whatever the machine lacks.

The work is the lab's own answer, so that nothing fails: each task is graded, or the doctor said
that it would not be.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.checks.docker import engine_look
from scaffolder.sandbox import bubblewrap
from tests.support.command import Devlab
from tests.support.labs import Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")

Fake = Callable[[pytest.MonkeyPatch, Path], None]


def no_engine(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


def no_permission(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Stand a socket there that nobody listens at: what may not be opened is none either."""
    (place / "docker.sock").touch()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/docker.sock")


def no_terraform(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    programs = place / "programs"
    programs.mkdir()
    for name in ("git", "bwrap", "sh", "bash"):
        for folder in (Path("/usr/bin"), Path("/bin")):
            if (folder / name).exists() and not (programs / name).exists():
                (programs / name).symlink_to(folder / name)
    monkeypatch.setenv("PATH", str(programs))


def no_bubblewrap(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "it is not installed")
    monkeypatch.setattr(bubblewrap, "find_program", lambda: None)


def promised(devlab: Devlab, lab: str | Path, *options: str) -> set[str]:
    said = devlab("doctor", lab, *options, "--format", "json")
    assert said.code in (0, 3), said.err
    (ready,) = json.loads(said.out)["labs"]
    assert not ready["problem"]
    return {one["id"] for one in ready["ungraded"]}


def solved(devlab: Devlab, lab: str | Path, place: Path) -> Path:
    work = place / "solved"
    said = devlab("lab", "render", lab, work, "--state", "solution")
    assert said.code == 0, said.err
    return work


def ungraded(devlab: Devlab, work: Path, *only: str) -> set[str]:
    tasks = [part for one in only for part in ("--task", one)]
    said = devlab("check", work, *tasks, "--format", "json")
    told = {one["id"]: (one["verdict"], one["cause"]) for one in json.loads(said.out)["tasks"]}
    assert {outcome for outcome, _ in told.values()} <= {"pass", "unavailable"}, told
    assert {cause for _, cause in told.values()} <= {None, "machine"}, told
    assert said.code == (3 if ("unavailable", "machine") in told.values() else 0)
    return {one for one, (outcome, _) in told.items() if outcome == "unavailable"}


@pytest.mark.parametrize(
    ("fake", "lab", "graded"),
    [
        (no_engine, "containerize-flask", {"dockerfile-is-clean"}),
        (no_engine, "slim-image", {"versions-are-named"}),
        (no_permission, "containerize-flask", {"dockerfile-is-clean"}),
        (no_permission, "slim-image", {"versions-are-named"}),
        (no_terraform, "terraform-stubs", set()),
    ],
)
def test_our_labs_are_graded_as_far_as_the_doctor_says(
    devlab: Devlab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fake: Fake,
    lab: str,
    graded: set[str],
) -> None:
    from scaffolder.labs import catalog

    work = solved(devlab, lab, tmp_path)
    fake(monkeypatch, tmp_path)
    expected = promised(devlab, lab, "--offline")
    assert ungraded(devlab, work) == expected
    assert {one.id for one in catalog.load_lab(lab).tasks} - expected == graded


@pytest.mark.engine
def test_an_image_that_is_not_here_costs_what_the_doctor_says(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_look, "ANSWER_SECONDS", 60)
    lab = catalog.lab(
        task("clean").replace("test.ends, outcome: pass", "dockerfile.lint")
        + task("builds").replace("test.ends, outcome: pass", "image.builds")
        + task("serves").replace("test.ends, outcome: pass", "container.serves")
    )
    (lab / "solution" / "Dockerfile").write_text('FROM nobody-has/this:1\nCMD ["serve"]\n')
    work = solved(devlab, "tested", tmp_path)
    expected = promised(devlab, "tested", "--offline")
    assert expected == {"builds", "serves"}
    assert ungraded(devlab, work) == expected


def test_without_bubblewrap_everything_is_graded_as_the_doctor_says(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = task("runs").replace("kind: test.ends, outcome: pass", "kind: test.runs_in")
    catalog.lab(task("reads") + runs)
    work = solved(devlab, "tested", tmp_path)
    no_bubblewrap(monkeypatch, tmp_path)
    said = devlab("doctor", "tested", "--offline", "--format", "json")
    (seen,) = (one for one in json.loads(said.out)["observations"] if one["id"] == "sandbox")
    assert seen["status"] in ("warning", "unneeded")
    assert promised(devlab, "tested", "--offline") == set()
    assert ungraded(devlab, work) == set()


@pytest.mark.slow
def test_a_pipeline_is_rehearsed_without_bubblewrap_as_the_doctor_says(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_stage: None
) -> None:
    work = solved(devlab, "ci-pipeline", tmp_path)
    no_bubblewrap(monkeypatch, tmp_path)
    assert promised(devlab, "ci-pipeline") == set()
    assert ungraded(devlab, work, "green-when-healthy") == set()
