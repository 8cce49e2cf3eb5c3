"""A whole report is told again without looking further, as long as nothing has changed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from scaffolder.grading.cache import reports, surroundings
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs import generate
from scaffolder.labs.generate import build_state
from scaffolder.model import News, failed
from scaffolder.progress import records
from scaffolder.tools import engine
from scaffolder.tools.engine import Glance
from tests.support.command import Devlab, Said
from tests.support.labs import Catalog, Holds, task

TASKS = task("first") + (
    "  - id: named\n    title: The app has a name\n    points: 10\n"
    "    hints: [a nudge, nearly the answer]\n    checks:\n"
    "      - {id: named-check, kind: test.holds, path: app.py, text: NAME}\n"
)


class Learner:
    """Checks a workspace; `looked` tells whether devlab looked further than at what it knew."""

    def __init__(
        self, catalog: Catalog, devlab: Devlab, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.catalog = catalog
        self.lab = catalog.lab(TASKS)
        self.work = folder / "work"
        build_state(real_catalog.load_lab("tested"), "start", {}, self.work)
        self._devlab = devlab
        self.looked = False
        load = real_catalog.load_for_workspace

        def noted(*arguments: object, **options: object) -> object:
            self.looked = True
            return load(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(real_catalog, "load_for_workspace", noted)

    def check(self, *options: str) -> Said:
        self.looked = False
        return self._devlab("check", *options, cwd=self.work)


@pytest.fixture
def learner(
    catalog: Catalog, devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Learner:
    return Learner(catalog, devlab, tmp_path, monkeypatch)


def test_what_is_known_is_told_again(learner: Learner) -> None:
    first, second, third = learner.check(), learner.check(), learner.check()
    assert not learner.looked
    assert first.code == second.code == third.code == 0
    assert second.out == third.out
    assert "20 of 20 points" in second.out
    assert "nothing has changed since" in second.out


@pytest.mark.parametrize("form", ["json", "junit", "markdown"])
def test_every_format_is_made_of_it(learner: Learner, form: str) -> None:
    learner.check()
    said = learner.check("--format", form)
    assert not learner.looked
    assert "named" in said.out
    if form == "json":
        assert json.loads(said.out)["score"] == {
            "earned": 20,
            "gradable": 20,
            "not_shown": 0,
            "total": 20,
        }


def test_a_file_is_written_of_it(learner: Learner, tmp_path: Path) -> None:
    learner.check()
    learner.check("--output", str(tmp_path / "report.txt"))
    assert not learner.looked
    assert "20 of 20 points" in (tmp_path / "report.txt").read_text()


def test_with_verbose_the_passes_are_shown(learner: Learner) -> None:
    learner.check()
    assert "named-check" in learner.check("--verbose").out
    assert not learner.looked


def test_other_tasks_are_another_report(learner: Learner) -> None:
    learner.check()
    assert "10 of 10 points" in learner.check("--task", "named").out
    assert "20 of 20 points" in learner.check().out


def test_no_cache_looks_at_everything(learner: Learner) -> None:
    learner.check()
    assert "nothing has changed" not in learner.check("--no-cache").out
    assert learner.looked


@pytest.mark.parametrize("options", [(), ("--task", "named")])
@pytest.mark.parametrize("lasting", [True, False])
def test_no_report_outlives_a_verdict_of_it(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], lasting: bool
) -> None:
    """A check comes to something else though nothing has changed that devlab can see."""
    learner.check()
    with monkeypatch.context() as patch:
        patch.setattr(Holds, "run", lambda *_: failed("not any more", lasting=lasting))
        assert learner.check("--no-cache", *options).code == 1
    assert learner.check().code == (1 if lasting else 0)
    assert learner.check().code == (1 if lasting else 0)
    assert not learner.looked


CHANGES: dict[str, Callable[[Learner, pytest.MonkeyPatch], object]] = {
    "a file": lambda one, _: (one.work / "app.py").write_text("NAME = 'other'\n"),
    "a new file": lambda one, _: (one.work / "new.py").write_text(""),
    "a permission": lambda one, _: (one.work / "app.py").chmod(0o755),
    "the manifest": lambda one, _: generate._write_manifest(
        real_catalog.load_lab("tested"), {"name": "other"}, one.work
    ),
    "a link that leads outside": lambda one, _: (one.work / "link").symlink_to("/etc/passwd"),
    "the lab": lambda one, _: (one.lab / "lab.yaml").write_text(
        (one.lab / "lab.yaml").read_text() + "\n# another comment\n"
    ),
    "the start": lambda one, _: (one.lab / "start" / "more.py").write_text(""),
    "the template": lambda one, _: (
        one.catalog.root / "templates/tiny/{{cookiecutter.name}}/more.py"
    ).write_text(""),
    "a setting": lambda _, patch: patch.setenv("TF_CLI_ARGS", "-no-color"),
    "devlab": lambda _, patch: patch.setattr(surroundings, "digest_code", lambda _: "another"),
    "how devlab tells": lambda _, patch: patch.setattr(reports, "digest_other_code", lambda: "x"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_makes_it_look_again(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    learner.check()
    CHANGES[what](learner, monkeypatch)
    learner.check()
    assert learner.looked


def test_images_are_looked_at_each_time(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a lab that asks the engine, and only for such a one."""
    images = {"base:1": "sha256:1"}
    monkeypatch.setattr(Holds, "builds", ("Dockerfile",))
    monkeypatch.setattr(engine, "glance", lambda: Glance("28", dict(images)))
    (learner.work / "Dockerfile").write_text("FROM base:1\n")
    learner.check()
    learner.check()
    assert not learner.looked
    images["unrelated:1"] = "sha256:2"
    learner.check()
    assert not learner.looked
    images["base:1"] = "sha256:3"
    learner.check()
    assert learner.looked


def test_no_report_is_told_of_images_that_nobody_sees(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Glance | None] = [Glance("28", {"base:1": "sha256:1"})]
    monkeypatch.setattr(Holds, "builds", ("Dockerfile",))
    monkeypatch.setattr(engine, "glance", lambda: seen[0])
    (learner.work / "Dockerfile").write_text("FROM base:1\n")
    learner.check()
    seen[0] = None
    learner.check()
    assert learner.looked
    learner.check()
    assert learner.looked


def test_a_report_that_is_not_whole_is_as_good_as_none(learner: Learner, tmp_path: Path) -> None:
    whole = [learner.check().out for _ in range(2)][-1]
    assert learner.check().out == whole
    assert not learner.looked
    for path in (tmp_path / "verdicts").iterdir():
        path.write_bytes(path.read_bytes().replace(b'"points":10', b'"points":99'))
    assert "20 of 20 points" in learner.check().out
    assert learner.looked


def test_work_that_is_gone_by_the_end_is_reported_all_the_same(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = records.note_report

    def gone(*told: Any, **options: Any) -> News:
        news = note(*told, **options)
        shutil.rmtree(learner.work)
        return news

    monkeypatch.setattr(records, "note_report", gone)
    assert "20 of 20 points" in learner.check().out


def test_what_could_not_be_graded_is_never_told_again(
    catalog: Catalog, devlab: Devlab, tmp_path: Path
) -> None:
    catalog.lab(task("only", "unavailable"))
    build_state(real_catalog.load_lab("tested"), "start", {}, tmp_path / "work")
    for _ in range(2):
        said = devlab("check", cwd=tmp_path / "work")
        assert said.code == 3
        assert "nothing has changed" not in said.out


@pytest.mark.parametrize("at", ["pipe", "terminal"])
def test_a_known_report_loads_neither_labs_nor_tools(tmp_path: Path, at: str) -> None:
    """That is what makes it quick, and what a careless import would undo."""
    lab = real_catalog.load_lab("ci-pipeline")
    build_state(lab, "start", {}, tmp_path / "work")
    program = (
        "import sys; from scaffolder.cli import cli\n"
        f"code = cli.main(['check', '--task', '{lab.tasks[0].id}'], standalone_mode=False)\n"
        f"print(*sorted(sys.modules), file=open({str(tmp_path / 'loaded')!r}, 'w'))\n"
    )
    said = [_run(program, at, tmp_path) for _ in range(3)]
    assert "nothing has changed since" in said[1]
    assert said[1] == said[2]
    loaded = set((tmp_path / "loaded").read_text().split())
    heavy = {"yaml", "docker", "sqlite3", "cookiecutter", "subprocess"}
    assert "scaffolder.grading.cache.reports" in loaded
    assert not heavy & loaded
    assert (
        not {"scaffolder.labs.catalog", "scaffolder.checks.kind", "scaffolder.grading.grader"}
        & loaded
    )


def _run(program: str, at: str, folder: Path) -> str:
    """Return what a Python program prints into a pipe, or at a terminal."""
    command = [sys.executable, "-c", program]
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    work = folder / "work"
    if at == "terminal":
        return str(pexpect.run(shlex.join(command), cwd=work, env=env, encoding="utf-8"))
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=True)
    return done.stdout
