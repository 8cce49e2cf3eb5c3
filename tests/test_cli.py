"""The commands, as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.command import Devlab
from tests.support.labs import Catalog, task


def new(devlab: Devlab, catalog: Catalog, tmp_path: Path, tasks: str) -> Path:
    catalog.lab(tasks)
    work = tmp_path / "näme with space"
    said = devlab("new", "tested", work, "--no-input")
    assert said.code == 0, said.err
    return work


def test_version_and_help(devlab: Devlab) -> None:
    assert devlab("--version").out.startswith("devlab, version ")
    said = devlab("check", "--help")
    assert said.code == 0
    assert "Exit codes" in said.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], "did you mean 'check'"),
        (["show", "tetsed"], "did you mean 'tested'"),
        (["new", "tetsed"], "did you mean 'tested'"),
        (["new", "tested", "x", "--set", "nam=x"], "did you mean 'name'"),
        (["new", "tested", "x", "--set", "size=huge"], "must be one of small, large"),
        (["new", "tested", "x", "--set", "name=Ü"], "must match"),
        (["new", "tested", "x", "--set", "name"], "not of the form key=value"),
        (["lab", "render", "tested", "x", "--state", "solved"], "unknown state"),
        (["lab", "render", "tested", "x", "--state", "mistake:m"], "no mistake 'm'"),
        (["lab", "render", "tested", "x", "--state", "alternative:m"], "no alternative 'm'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, arguments: list[str], words: str
) -> None:
    catalog.lab(task("a"))
    said = devlab(*arguments, cwd=tmp_path)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "x").exists()
    assert not list(tmp_path.glob(".x*"))


def test_list_and_show(devlab: Devlab, catalog: Catalog) -> None:
    catalog.lab(task("a"))
    assert "tested" in devlab("list").out
    assert json.loads(devlab("list", "--format", "json").out)[0]["points"] == 10
    assert "The task a" in devlab("show", "tested").out
    shown = json.loads(devlab("show", "tested", "--format", "json").out)
    assert shown["variables"]["size"] == {"default": "small", "choices": ["small", "large"]}


def test_hints_are_shown_for_a_task(devlab: Devlab, catalog: Catalog) -> None:
    catalog.lab(task("aaa"))
    assert devlab("show", "tested", "--hints", "aaa").out == "1. a nudge\n2. nearly the answer\n"
    assert "did you mean 'aaa'" in devlab("show", "tested", "--hints", "aab").err
    hint = {"check": None, "rule": None, "message": None}
    said = devlab("show", "tested", "--hints", "aaa", "--format", "json")
    assert json.loads(said.out) == {
        "id": "tested",
        "task": "aaa",
        "hints": [
            {"number": 1, "text": "a nudge", **hint},
            {"number": 2, "text": "nearly the answer", **hint},
        ],
    }


def test_new_makes_a_repository_with_one_commit(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a") + task("b", needs="a"))
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=work, capture_output=True, text=True, check=True
    )
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=work, capture_output=True, text=True, check=True
    )
    assert log.stdout == "Start tested (1)\n"
    assert status.stdout == ""
    assert "| `b` | The task b | 10 | `a` |" in (work / "README.md").read_text()
    manifest = json.loads((work / ".devlab" / "manifest.json").read_text())
    assert manifest["context"] == {"name": "tiny-service", "size": "small"}


def test_new_is_the_same_without_a_git_identity_and_inside_git(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HOME", raising=False)
    work = new(devlab, catalog, tmp_path, task("a"))
    assert (work / ".git").is_dir()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "broken link"])
def test_new_never_overwrites(devlab: Devlab, catalog: Catalog, tmp_path: Path, kind: str) -> None:
    catalog.lab(task("a"))
    target = tmp_path / "there"
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to("nowhere")
    said = devlab("new", "tested", target, "--no-input")
    assert said.code == 2
    assert "never overwrites" in said.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog", "there"]


def test_overlays_are_rendered_copied_and_delete(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    folder = catalog.lab(task("a"))
    (folder / "start" / "copied").write_text("{{ cookiecutter.name }}")
    (folder / "start" / "rendered.txt.jinja").write_text("{{ cookiecutter.name }}\n")
    (folder / "start" / ".delete").write_text("app.py\n")
    devlab("lab", "render", "tested", tmp_path / "x", "--set", "name=other")
    assert (tmp_path / "x" / "copied").read_text() == "{{ cookiecutter.name }}"
    assert (tmp_path / "x" / "rendered.txt").read_text() == "other\n"
    assert not (tmp_path / "x" / "app.py").exists()


def test_a_broken_overlay_names_file_and_line(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    folder = catalog.lab(task("a"))
    (folder / "start" / "bad.jinja").write_text("ok\n{{ broken\n")
    said = devlab("lab", "render", "tested", tmp_path / "x")
    assert said.code == 2
    assert "bad.jinja:2" in said.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("tasks", "code", "score"),
    [
        (task("a") + task("b", needs="a"), 0, (20, 20, 20)),
        (task("a") + task("b", "fail"), 1, (10, 20, 20)),
        (task("a") + task("b", "deep-fail"), 1, (10, 20, 20)),
        (task("a") + task("b", "unavailable"), 3, (10, 10, 20)),
        (task("a") + task("b", "crash"), 3, (10, 10, 20)),
        (task("a") + task("b", "full"), 3, (10, 10, 20)),
        (task("a", "unavailable"), 3, (0, 0, 10)),
        (task("a", "fail") + task("b", needs="a"), 1, (0, 20, 20)),
        (task("a", "unavailable") + task("b", needs="a"), 3, (10, 10, 20)),
        (task("a", "unavailable") + task("b", "fail", needs="a"), 1, (0, 10, 20)),
        (task("a", "fail") + task("b", "crash"), 1, (0, 10, 20)),
    ],
)
def test_exit_codes_and_scores(
    devlab: Devlab,
    catalog: Catalog,
    tmp_path: Path,
    tasks: str,
    code: int,
    score: tuple[int, int, int],
) -> None:
    work = new(devlab, catalog, tmp_path, tasks)
    said = devlab("check", work, "--format", "json")
    report = json.loads(said.out)
    assert said.code == code
    assert tuple(report["score"][name] for name in ("earned", "gradable", "total")) == score


def test_only_a_fail_blocks_and_it_says_why(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(
        devlab,
        catalog,
        tmp_path,
        task("a", "fail")
        + task("b", needs="a")
        + task("c", needs="b")
        + task("u", "unavailable")
        + task("v", needs="u"),
    )
    report = json.loads(devlab("check", work, "--format", "json").out)
    found = {entry["id"]: (entry["verdict"], entry["reason"]) for entry in report["tasks"]}
    assert found["b"] == ("blocked", "needs a, which did not pass")
    assert found["c"] == ("blocked", "needs b, which did not pass")
    assert found["v"] == ("pass", "")


def test_the_json_report_has_the_designed_form(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a", "fail"))
    report = json.loads(devlab("check", work, "--format", "json").out)
    assert report["schema"] == "devlab.report/1"
    assert report["lab"]["id"] == "tested"
    (entry,) = report["tasks"]
    assert {"id", "title", "points", "earned", "verdict", "checks"} <= set(entry)
    (check,) = entry["checks"]
    assert {"id", "kind", "verdict", "message", "seconds", "findings"} <= set(check)
    assert check["findings"] == [
        {
            "level": "error",
            "message": "look here",
            "path": "app/a\x1b[31m.py",
            "line": 3,
            "rule": "R1",
            "url": "https://r1",
        }
    ]


def test_the_text_report_tells_all_and_is_harmless(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a", "fail") + task("b"))
    said = devlab("check", work)
    for words in (
        "a command",
        "this",
        "that",
        "look here",
        ":3",
        "R1",
        "do better",
        "10 of 20",
        "devlab hint a",
    ):
        assert words in said.out, words
    assert "\x1b" not in said.out + said.err
    assert "\x07" not in said.out
    assert "app/a\\x1b[31m.py" in said.out


def test_junit_can_be_parsed(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    work = new(
        devlab,
        catalog,
        tmp_path,
        task("a") + task("f", "fail") + task("e", "crash") + task("b", needs="f"),
    )
    out = tmp_path / "report.xml"
    assert devlab("check", work, "--format", "junit", "--output", out).code == 1
    suites = {suite.get("name"): suite for suite in ET.parse(out).getroot()}
    assert [suites[name].get("failures") for name in "afeb"] == ["0", "1", "0", "0"]
    assert suites["e"].get("errors") == "1"
    assert suites["b"].find("testcase/skipped").get("message").startswith("needs f")  # type: ignore[union-attr]


def test_an_output_that_cannot_be_written_is_said_first(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a"))
    said = devlab("check", work, "--output", tmp_path / "no" / "report.txt")
    assert said.code == 2
    assert "cannot write" in said.err


def test_one_task_pulls_in_what_it_needs(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    work = new(devlab, catalog, tmp_path, task("a") + task("b", needs="a") + task("c", "fail"))
    said = devlab("check", work, "--task", "b", "--format", "json")
    assert said.code == 0
    assert [entry["id"] for entry in json.loads(said.out)["tasks"]] == ["a", "b"]
    assert "did you mean" in devlab("check", work, "--task", "bb").err


def test_verbose_shows_what_passed(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    work = new(devlab, catalog, tmp_path, task("a"))
    assert "a · a-check" not in devlab("check", work).out
    assert "as told" in devlab("check", work, "--verbose").out


def test_checks_run_side_by_side(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    both = "".join(
        task(name).replace("test.ends, outcome: pass", "test.meets") for name in ("a", "b")
    )
    assert devlab("check", new(devlab, catalog, tmp_path, both)).code == 0


def test_a_check_changes_no_byte_of_the_workspace(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a", "fail"))

    def state() -> dict[str, tuple[bytes, float]]:
        return {
            str(path): (path.read_bytes(), path.stat().st_mtime)
            for path in work.rglob("*")
            if path.is_file()
        }

    before = state()
    devlab("check", work)
    assert state() == before


def test_a_file_that_cannot_be_used_is_a_fail(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    reads = task("a").replace("test.ends, outcome: pass", "test.reads, path: secret")
    work = new(devlab, catalog, tmp_path, reads)
    (tmp_path / "outside").write_text("the secret")
    (work / "secret").symlink_to(tmp_path / "outside")
    said = devlab("check", work, "--format", "json")
    assert said.code == 1
    assert "the secret" not in said.out
    assert json.loads(said.out)["notes"] == [
        "left out: secret, a link that leads outside the workspace"
    ]


@pytest.mark.parametrize("form", ["text", "json", "markdown", "sarif"])
def test_a_name_that_is_no_text_is_told_all_the_same(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, form: str
) -> None:
    work = new(devlab, catalog, tmp_path, task("a"))
    os.symlink("/etc/passwd", os.fsencode(work) + b"/bad\xff")  # noqa: PTH211
    said = devlab("check", work, "--format", form)
    assert said.code == 0
    assert "udcff" in said.out or form in ("markdown", "sarif")


def test_a_workspace_of_another_version_is_noted(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    work = new(devlab, catalog, tmp_path, task("a"))
    lab = catalog.root / "labs" / "tested" / "lab.yaml"
    lab.write_text(lab.read_text().replace('version: "1"', 'version: "2"'))
    said = devlab("check", work)
    assert said.code == 0
    assert "made from version 1 of tested, checked by version 2" in said.out


def test_a_foreign_manifest_is_explained(devlab: Devlab, tmp_path: Path) -> None:
    (tmp_path / ".devlab").mkdir()
    (tmp_path / ".devlab" / "manifest.json").write_text(
        '{"schema": "devlab.workspace/1", "lab": {"id": "x", "version": "1"}, "context": {}}'
    )
    said = devlab("check", tmp_path)
    assert said.code == 2
    assert "no lab 'x'" in said.err


def test_no_traceback_reaches_a_user(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder import workspace

    def explode(_: Path) -> None:
        raise RuntimeError("boom \x1b[2J")

    monkeypatch.setattr(workspace, "find_workspace", explode)
    said = devlab("check", tmp_path)
    assert "Traceback" not in said.err
    assert "boom \\x1b[2J" in said.err
    log = Path(os.environ["XDG_STATE_HOME"]) / "devlab" / "errors.log"
    assert str(log) in said.err
    assert "RuntimeError: boom" in log.read_text()


def test_the_temporary_folder_is_full(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    work = new(devlab, catalog, tmp_path, task("a"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    said = devlab("check", work)
    assert said.code == 2
    assert "no space left" in said.err
    assert "TMPDIR" in said.err


def test_a_disk_that_the_work_has_filled_is_the_works_fault(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.grading import judge

    work = new(devlab, catalog, tmp_path, task("a", "full"))
    said = devlab("check", work)
    assert (said.code, "no space left on the disk while checking" in said.out) == (3, True)
    monkeypatch.setattr(judge, "measure_used_mb", lambda _: 5000)
    said = devlab("check", work)
    assert said.code == 1
    assert "what the work writes takes more than 4,096 MB" in said.out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_the_disk_is_really_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    devlab = [sys.executable, "-m", "scaffolder.cli"]
    subprocess.run([*devlab, "new", "ci-pipeline", "w", "--no-input"], cwd=tmp_path, check=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", small],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        done = subprocess.run(
            [*devlab, "check", "w"],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(small)},
            capture_output=True,
            text=True,
            check=False,
        )
        left = list(small.glob("devlab-*/*"))
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.returncode == 2
    assert "no space left" in done.stderr
    assert "TMPDIR" in done.stderr
    assert not left


def test_new_that_is_interrupted_leaves_nothing(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.labs import catalog as real
    from scaffolder.labs.generate import create_workspace
    from scaffolder.tools import git

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    catalog.lab(task("a"))
    monkeypatch.setattr(git, "commit_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create_workspace(real.load_lab("tested"), {}, tmp_path / "work")
    assert [path.name for path in tmp_path.iterdir()] == ["catalog"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m scaffolder.cli list --format json | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("streams", "code", "words"),
    [
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("<&-", 0, ""),
        (">/dev/full", 2, "cannot write all that it has to: No space left on device"),
        (">/dev/full --format json", 2, "No space left on device"),
        (">/dev/full 2>/dev/full", 2, ""),
        ("--format nonsense 2>/dev/full", 2, ""),
    ],
)
def test_streams_that_take_nothing_are_no_crash(
    streams: str, code: int, words: str, unbuffered: str
) -> None:
    done = subprocess.run(
        f"{sys.executable} -m scaffolder.cli list {streams}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    assert done.returncode == code
    assert words in done.stderr
    assert "report" not in done.stderr
    assert words or not done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(devlab: Devlab, shell: str) -> None:
    assert "_DEVLAB_COMPLETE" in devlab("completion", shell).out


def test_labs_complete() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from scaffolder.cli import cli; cli(prog_name='devlab')"],
        env={
            **os.environ,
            "_DEVLAB_COMPLETE": "bash_complete",
            "COMP_WORDS": "devlab new ci",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "plain,ci-pipeline" in done.stdout


def test_what_pip_compiled_of_a_template_is_not_rendered(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    lab = catalog.lab(task("a"))
    template = catalog.root / "templates" / "tiny" / "{{cookiecutter.name}}"
    for folder in (template, lab / "start"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"{{cookiecutter\0")
    said = devlab("new", "tested", tmp_path / "work", "--no-input")
    assert said.code == 0, said.err
    assert (tmp_path / "work" / "app.py").is_file()
    assert not list((tmp_path / "work").rglob("__pycache__"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("red", "red is a task of tested and no folder"),
        ("rde", "no such task; did you mean 'red'?"),
        ("elsewhere-at-all", "there is no such folder"),
    ],
)
def test_a_task_where_a_folder_is_meant(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, name: str, words: str
) -> None:
    catalog.lab(task("red"))
    assert devlab("new", "tested", tmp_path / "work", "--no-input").code == 0
    said = devlab("check", name, cwd=tmp_path / "work")
    assert said.code == 2
    assert words in said.err
    assert ("devlab check --task red" in said.err) is (name == "red")
    (tmp_path / "work" / name).mkdir()
    assert devlab("check", name, cwd=tmp_path / "work").code == 0


def test_a_folder_beside_this_one_is_made(devlab: Devlab, catalog: Catalog, tmp_path: Path) -> None:
    catalog.lab(task("a"))
    (tmp_path / "here").mkdir()
    assert devlab("new", "tested", "../work", "--no-input", cwd=tmp_path / "here").code == 0
    rendered = devlab("lab", "render", "tested", "../solved", "--state", "solution")
    assert rendered.code == 0, rendered.err
    assert (tmp_path / "solved" / "app.py").is_file()
    assert devlab("check", "../work").code == 0


@pytest.mark.parametrize("where", ["a name", "a file"])
def test_a_broken_template_is_told_without_its_variables(
    devlab: Devlab, catalog: Catalog, tmp_path: Path, where: str
) -> None:
    catalog.lab(task("a"))
    rendered = catalog.root / "templates" / "tiny" / "{{cookiecutter.name}}"
    if where == "a name":
        (rendered / "{{cookiecutter.nmae}}.py").touch()
    else:
        (rendered / "more.py").write_text("{{ cookiecutter.nmae }}\n")
    said = devlab("new", "tested", tmp_path / "work", "--no-input")
    assert said.code == 2
    assert "there is no variable cookiecutter.nmae" in said.err
    assert "tiny-service" not in said.err
    assert "Context" not in said.err
    assert "_output_dir" not in said.err


@pytest.mark.parametrize(
    "command",
    ["progress", "list", "doctor --offline", "check nowhere\u2026"],
    ids=lambda text: text.split()[0],
)
def test_a_command_says_letters_where_only_these_are_shown(tmp_path: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scaffolder.cli", *command.split()],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert said
    assert said.isascii(), said
    assert b"\\u" not in said


def test_what_a_terminal_cannot_encode_is_told_in_letters(tmp_path: Path) -> None:
    script = (
        "import sys; from scaffolder import cli\n"
        "cli.cli.main = lambda **_: print('a \\u2026 b \\u2192 c \\u00b7 \\xe9 \\U0001f600')\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "a ... b -> c - \\u00e9 \\ud83d\\ude00\n", done.stderr
    assert json.loads(f'"{done.stdout[:-1]}"').endswith("\xe9 \U0001f600")
