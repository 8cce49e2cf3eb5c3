"""`devlab doctor`: what is there and what is not, told truly, in time, with what mends it."""

from __future__ import annotations

import contextlib
import errno
import http.server
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.docker import engine_look
from scaffolder.checks.docker.images import ImageKind
from scaffolder.checks.docker.tools import ENGINE
from scaffolder.checks.registry import KINDS
from scaffolder.checks.terraform import terraform_provider
from scaffolder.core.errors import UnavailableError
from scaffolder.doctor import list_needs
from scaffolder.labs import catalog
from scaffolder.tools import dockerfile, system
from scaffolder.tools.engine import mending
from scaffolder.tools.system import System
from scaffolder.workspace import Manifest, ManifestLab, Workspace
from tests.support.command import Devlab, Said

LAB = """\
version: "1"
title: A lab that needs something
summary: Nothing is taught here.
track: tests
level: beginner
minutes: 1
skills: [testing]
template: tiny
tasks:
"""
ENGINE_TASKS = """\
  - id: clean
    title: It is clean
    points: 40
    hints: [a]
    checks:
      - {id: lint, kind: dockerfile.lint}
  - id: built
    title: It builds
    points: 60
    hints: [a]
    checks:
      - {id: builds, kind: image.builds}
"""
TERRAFORM_TASKS = """\
  - id: formatted
    title: It is formatted
    points: 100
    hints: [a]
    checks:
      - {id: fmt, kind: terraform.formatted}
"""


def make_lab(place: Path, tasks: str, dockerfile_text: str = "FROM scratch\n") -> Path:
    """Write a lab with a template of its own, and return its folder."""
    rendered = place / "templates" / "tiny" / "{{cookiecutter.name}}"
    rendered.mkdir(parents=True)
    (rendered.parent / "cookiecutter.json").write_text('{"name": "tiny"}')
    (rendered / "app.py").touch()
    folder = place / "labs" / "needy"
    for part in ("start", "solution"):
        (folder / part).mkdir(parents=True)
    (folder / "lab.yaml").write_text(LAB + tasks)
    (folder / "instructions.md").write_text("# Do it\n\n<!-- devlab:tasks -->\n")
    (folder / "mistakes.yaml").write_text("mistakes: []\n")
    (folder / "solution" / "Dockerfile").write_text(dockerfile_text)
    return folder


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_lab(tmp_path, ENGINE_TASKS)


def seen(said: Said) -> dict[str, dict[str, Any]]:
    """Return the observations of a JSON document by their ids."""
    return {one["id"]: one for one in json.loads(said.out)["observations"]}


@pytest.mark.parametrize("kind", KINDS)
def test_what_asks_the_engine_says_that_it_requires_one(kind: str) -> None:
    if issubclass(KINDS[kind], ImageKind):
        assert ENGINE in KINDS[kind].requires


def test_a_dead_engine_costs_only_what_needs_it(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    assert seen(said)["engine"]["status"] == "missing"
    assert seen(said)["engine"]["used_by"] == ["needy"]
    assert seen(said)["hadolint"]["status"] == "ok"
    assert seen(said)["terraform"]["status"] == "unneeded"
    (ready,) = json.loads(said.out)["labs"]
    assert (ready["gradable"], ready["points"]) == (40, 100)
    assert [(task["id"], task["missing"]) for task in ready["ungraded"]] == [("built", ["engine"])]


def test_the_doctor_and_a_check_agree(
    devlab: Devlab, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("DEVLAB_LABS", str(tmp_path))
    work = tmp_path / "work"
    named = f"{tmp_path.name}/needy"
    if devlab("new", named, work, "--no-input").code:
        named = next(one for one in json.loads(devlab("list", "--format", "json").out))["id"]
    predicted = json.loads(devlab("doctor", lab, "--format", "json").out)["labs"][0]
    assert devlab("lab", "render", lab, tmp_path / "solved", "--state", "solution").code == 0
    from scaffolder import workspace
    from scaffolder.grading.grader import grade

    report = grade(catalog.load_lab(str(lab)), workspace.find_workspace(tmp_path / "solved"))
    ungraded = {task.id for task in report.tasks if not task.outcome.graded}
    assert ungraded == {task["id"] for task in predicted["ungraded"]} == {"built"}


@pytest.mark.terraform
def test_the_doctor_and_a_check_agree_on_what_needs_no_provider(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform_provider, "list_candidates", list)
    predicted = json.loads(devlab("doctor", "terraform-stubs", "--format", "json").out)["labs"][0]
    solved = tmp_path / "solved"
    assert devlab("lab", "render", "terraform-stubs", solved, "--state", "solution").code == 0
    said = json.loads(devlab("check", solved, "--format", "json").out)
    graded = {task["id"] for task in said["tasks"] if task["verdict"] == "pass"}
    assert graded == {"formatted", "variables"}
    assert graded == {task["id"] for task in said["tasks"]} - {
        task["id"] for task in predicted["ungraded"]
    }
    assert predicted["gradable"] == 20


@contextlib.contextmanager
def listening(path: Path, answers: dict[str, bytes]) -> Iterator[str]:
    """Listen on a socket, answer some addresses, and say nothing to all other requests."""
    over = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "socket"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            for part, answer in answers.items():
                if part in self.path:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(answer)
                    return
            over.wait(60)

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        over.set()
        server.shutdown()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "does not answer"),
        ({"version": b'{"ApiVersion": "1.41", "Version": "1"}'}, "does not answer in time"),
    ],
)
def test_an_engine_that_hangs_does_not_hang_the_doctor(
    answers: dict[str, bytes],
    words: str,
    devlab: Devlab,
    lab: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_look, "ANSWER_SECONDS", 1)
    with listening(tmp_path / "sock", answers) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    assert seen(said)["engine"]["status"] == "missing"
    assert words in seen(said)["engine"]["message"]


def test_a_look_that_never_ends_is_told_and_left(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.doctor import examination

    never = threading.Event()
    examined = examination.examine_labs
    monkeypatch.setattr(engine_look, "look_at_engine", lambda *_, **__: never.wait(60))
    monkeypatch.setattr(
        "scaffolder.doctor.examine_labs",
        lambda labs, **options: examined(labs, **options, seconds=3),
    )
    said = devlab("doctor", lab, "--format", "json")
    never.set()
    assert "did not answer within 3 seconds" in seen(said)["engine"]["message"]
    assert seen(said)["engine"]["status"] == "missing"


SYSTEMS = {
    "debian": (System("Debian", "Linux", "apt-get", "sudo ", "systemd", wsl=False), "sudo apt-get"),
    "root": (System("Debian", "Linux", "apt-get", "", "systemd", wsl=False), "apt-get"),
    "fedora": (System("Fedora", "Linux", "dnf", "sudo ", "systemd", wsl=False), "sudo dnf"),
    "arch": (System("Arch", "Linux", "pacman", "sudo ", "systemd", wsl=False), "sudo pacman -S"),
    "alpine": (System("Alpine", "Linux", "apk", "doas ", "openrc", wsl=False), "doas apk add"),
    "macos": (System("macOS", "Darwin", "brew", "sudo ", "", wsl=False), "brew install"),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_not_installed_comes_with_the_command_of_this_system(
    name: str, devlab: Devlab, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, command = SYSTEMS[name]
    monkeypatch.setattr(system, "detect_system", lambda: here)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    engine = seen(devlab("doctor", lab, "--format", "json"))["engine"]
    assert engine["message"] == "Docker is not installed"
    assert engine["fix"][0].startswith(command)
    if name != "macos":
        assert "docker" in engine["fix"][0] or "moby" in engine["fix"][0]


def test_who_may_not_use_the_socket_is_told_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "detect_system", lambda: SYSTEMS["debian"][0])
    monkeypatch.setattr(system, "find_user", lambda: "ada")
    monkeypatch.setattr(system, "is_in_group", lambda _: False)
    (tmp_path / "docker.sock").touch()
    assert mending.permit(tmp_path / "docker.sock")[0].startswith("sudo usermod -aG ")
    assert mending.permit(tmp_path / "docker.sock")[0].endswith(" ada")
    monkeypatch.setattr(system, "is_in_group", lambda _: True)
    (only,) = mending.permit(tmp_path / "docker.sock")
    assert only.startswith("newgrp ")


def test_an_engine_is_started_the_way_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "detect_system", lambda: SYSTEMS["debian"][0])
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert mending.start("unix:///var/run/docker.sock") == ("sudo systemctl start docker",)
    assert mending.start("unix:///run/user/7/docker.sock") == ("systemctl --user start docker",)
    assert "podman.socket" in mending.start("unix:///run/user/7/podman/podman.sock")[0]
    monkeypatch.setattr(system, "detect_system", lambda: SYSTEMS["macos"][0])
    assert mending.start("unix:///var/run/docker.sock") == ("open -a Docker",)


def test_terraform_that_is_not_on_the_path_is_missing(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_lab(tmp_path, TERRAFORM_TASKS)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = devlab("doctor", folder)
    assert said.code == 3
    assert "terraform is not installed" in said.out
    assert "0 of 100 points" in said.out
    assert "without Terraform: formatted" in said.out


def test_a_program_that_cannot_run_is_not_taken_for_there(
    devlab: Devlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_lab(tmp_path, TERRAFORM_TASKS)
    program = tmp_path / "terraform"
    program.write_text("#!/bin/sh\necho 'exec format \x1b[31merror' >&2\nexit 126\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said = devlab("doctor", folder)
    assert said.code == 3
    assert "does not run: exec format" in said.out
    assert "\x1b" not in said.out


def test_a_home_that_cannot_be_written_to_is_told(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc")
    found = seen(devlab("doctor", lab, "--format", "json"))
    assert found["folder:cache"]["status"] == "warning"
    assert "XDG_CACHE_HOME" in found["folder:cache"]["advice"]
    assert found["folder:data"]["status"] == "warning"


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root and unshare"
)
@pytest.mark.parametrize(
    ("size", "code", "words"),
    [("64m", 3, "0 of 100 points"), ("1m", 0, "is full or cannot be written to: /tmp is used")],
)
def test_a_temporary_folder_without_room_is_told(
    size: str, code: int, words: str, lab: Path, tmp_path: Path
) -> None:
    place = tmp_path / "small"
    place.mkdir()
    script = (
        f"mount -t tmpfs -o size={size} none {place} && export TMPDIR={place} && "
        f"head -c 1M /dev/zero > {place}/full; exec {sys.executable} -m scaffolder.cli doctor {lab}"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert words in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_where_no_check_starts_no_points_are_promised(
    devlab: Devlab, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "devlab-0").mkdir()
    os.chown(tmp_path / "devlab-0", 65534, 65534)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    found = seen(said)["temporary-folder"]
    assert found["status"] == "missing"
    assert "is not a folder of yours" in found["message"]
    assert "TMPDIR" in found["advice"]
    assert [one["gradable"] for one in json.loads(said.out)["labs"]] == [0]


def test_a_machine_without_any_temporary_folder_grades_nothing(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", nowhere)
    said = devlab("doctor", lab, "--format", "json")
    assert said.code == 3
    assert seen(said)["temporary-folder"]["message"].startswith("No usable temporary directory")
    assert [one["gradable"] for one in json.loads(said.out)["labs"]] == [0]


@pytest.mark.parametrize(
    ("deaf", "names", "asked"),
    [
        (
            "python:",
            ("python:3.12-slim", "python:3.13-slim", "python:3.14-slim"),
            ["python:3.12-slim"],
        ),
        (
            "example.org/",
            ("docker.io/a", "example.org/a:1", "example.org/b:1.5"),
            ["docker.io/a", "example.org/a:1"],
        ),
        (
            "localhost",
            ("localhost/a", "localhost/b", "localhost:1/a", "local.1/b", "owner/a:1.0"),
            ["local.1/b", "localhost/a", "localhost:1/a", "owner/a:1.0"],
        ),
    ],
)
def test_a_registry_that_gives_no_answer_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, deaf: str, names: tuple[str, ...], asked: list[str]
) -> None:
    heard: list[str] = []

    def offered(_: object, name: str) -> str:
        heard.append(name)
        if name.startswith(deaf):
            raise UnavailableError("no such host")
        return "unknown"

    monkeypatch.setattr(engine_look.engine, "is_standin", lambda *_: None)
    monkeypatch.setattr(engine_look.engine, "why_not_offered", offered)
    found = list(engine_look._images(None, sorted(names), offline=False))  # type: ignore[arg-type]
    assert heard == asked
    why = {one.title: one.message.rpartition(": ")[2] for one in found}
    assert why == {
        name: "no such host" if name.startswith(deaf) else "unknown" for name in sorted(names)
    }


def test_passwords_of_proxies_are_not_shown(
    devlab: Devlab, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://ada:hunter2@proxy.example:3128")
    monkeypatch.setenv("http_proxy", "ada:hunter2@proxy.example")
    said = devlab("doctor", lab)
    assert "proxy.example:3128" in said.out
    assert "hunter2" not in said.out


def test_in_a_workspace_its_lab_is_meant(devlab: Devlab, tmp_path: Path) -> None:
    assert devlab("new", "ci-pipeline", "work", "--no-input", cwd=tmp_path).code == 0
    said = devlab("doctor", "--format", "json", cwd=tmp_path / "work")
    assert [lab["id"] for lab in json.loads(said.out)["labs"]] == ["ci-pipeline"]
    assert seen(said)["engine"]["status"] == "unneeded"
    assert json.loads(said.out)["schema"] == "devlab.doctor/1"


def test_a_workspace_whose_lab_lost_a_variable_is_looked_at(
    tmp_path: Path,
) -> None:
    found = catalog.load_lab(str(make_lab(tmp_path, ENGINE_TASKS)))
    begun = Workspace(
        tmp_path,
        Manifest(lab=ManifestLab("needy", "1"), context={"name": "mine", "gone": "x"}),
    )
    assert list_needs(found, begun).problem == ""


def test_without_a_lab_each_has_its_line(devlab: Devlab, tmp_path: Path) -> None:
    said = devlab("doctor", "--offline", cwd=tmp_path)
    below = said.out.partition("What can be graded here")[2]
    for name in catalog.list_lab_ids():
        assert f"{name}  " in below


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("--fetch", "--offline"), ("--format", "xml")]
)
def test_wrong_usage(devlab: Devlab, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert devlab("doctor", *arguments, cwd=tmp_path).code == 2


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM python:3.13 AS a\nFROM a\nFROM scratch\n", ("python:3.13",)),
        ("ARG TAG=3-slim\nFROM --platform=linux/amd64 python:${TAG}\n", ("python:3-slim",)),
        ("FROM python:${TAG:-3.13} as Build\nCOPY --from=build /a /b\n", ("python:3.13",)),
        ("FROM $BASE\n", ()),
        ("FROM a:1\nCOPY --from=0 /x /y\nCOPY --from=uv:1 /x /y\n", ("a:1", "uv:1")),
        ("FROM a:1\nRUN --mount=type=bind,from=b:2,target=/x true\n", ("a:1", "b:2")),
        ("# FROM no:1\nRUN <<EOF\nFROM no:2\nEOF\n", ()),
        ("FROM a:1 \\\n  AS b\nFROM b\n", ("a:1",)),
    ],
)
def test_the_images_that_a_dockerfile_names(text: str, names: tuple[str, ...]) -> None:
    assert dockerfile.list_bases(text) == names


@given(st.text("FROMARGCPY $={}:-,\n\\a0", max_size=80))
def test_any_text_names_images_that_can_be_asked_for(text: str) -> None:
    assert all(name and "$" not in name and " " not in name for name in dockerfile.list_bases(text))


def test_a_closed_port_is_unreachable_and_an_open_one_is_not() -> None:
    from scaffolder.tools.network import why_unreachable

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        assert why_unreachable(address, 5) == ""
    assert "127.0.0.1" in why_unreachable(address, 5)
    assert why_unreachable("http://[::1", 5)


def test_points_that_rest_on_a_download_are_told_as_such(
    devlab: Devlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To reach an index is not to have the wheels: the check may find that they are not there."""
    from scaffolder.checks import wheels

    monkeypatch.setattr(wheels.wheelhouse, "has", lambda *_: False)
    monkeypatch.setattr(wheels, "_why_not_fetched", lambda _: "")
    said = devlab("doctor", "ci-pipeline").out
    assert "100 of 100 points, 70 of them only if wheels can be fetched" in said
    (lab,) = json.loads(devlab("doctor", "ci-pipeline", "--format", "json").out)["labs"]
    assert sum(task["points"] for task in lab["pending"]) == 70
    monkeypatch.setattr(wheels.wheelhouse, "has", lambda *_: True)
    assert "only if" not in devlab("doctor", "ci-pipeline").out
