"""What the stand-ins make of requests, files and keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scaffolder.checks.github.rehearsal_line import open_line
from scaffolder.checks.github.standins.programs import artifacts, cache, versions
from scaffolder.checks.github.standins.programs import runner as programs_runner
from scaffolder.checks.pipeline.line import Line
from scaffolder.checks.pipeline.pythons import Interpreters
from scaffolder.checks.planting.quiz import Quiz

# Who listens to the runner whose workspace is the key.
LINES: dict[Path, Line] = {}


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runner's folders; returns the checked out workspace."""
    for variable in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for folder in ("work", "caches", "store"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "work"))
    with open_line(tmp_path, tmp_path / "store", Quiz(3, 1, 1000), Interpreters(())) as line:
        told = {"line": str(line.address), "caches": str(tmp_path / "caches")}
        monkeypatch.setattr(programs_runner, "settings", lambda: told)
        LINES[tmp_path / "work"] = line
        yield tmp_path / "work"


@pytest.mark.parametrize(
    ("request_", "minor"),
    [
        ("3.12", 12),
        ("3.12.4", 12),
        ("3.x", 14),
        ("3", 14),
        (">=3.11", 14),
        (">=3.11,<3.13", 12),
        (">= 3.11 <3.13", 12),
        ("~=3.11", 14),
        ("3.1", None),
        ("9.9", None),
        ("2.7", None),
        ("nonsense", None),
        ("3.15", None),
        ("3.15-dev", 15),
    ],
)
def test_a_request_means_what_a_hosted_runner_makes_of_it(request_: str, minor: int | None) -> None:
    assert versions.minor_of(request_) == minor


def upload(monkeypatch: pytest.MonkeyPatch, name: str, path: str, **more: str) -> None:
    monkeypatch.setattr("sys.argv", ["artifacts", "upload"])
    for key, value in {"NAME": name, "PATH": path, **more}.items():
        monkeypatch.setenv(f"DEVLAB_{key}", value)
    artifacts.main()


def kept(runner: Path, name: str) -> list[str]:
    return sorted(file.name for file in LINES[runner].artifacts[name].files)


def test_a_folder_is_uploaded_without_its_own_name(
    runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runner / "dist").mkdir()
    (runner / "dist" / "app.whl").write_text("x")
    (runner / "dist" / ".hidden").write_text("x")

    upload(monkeypatch, "dist", "dist/")

    assert kept(runner, "dist") == ["app.whl"]


def test_several_paths_keep_their_names_below_the_common_folder(
    runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runner / "dist").mkdir()
    (runner / "dist" / "app.whl").write_text("x")
    (runner / "notes.txt").write_text("x")

    upload(monkeypatch, "both", "dist/*.whl\nnotes.txt")

    assert kept(runner, "both") == ["dist/app.whl", "notes.txt"]


def test_a_name_is_taken_once(runner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runner / "a.txt").write_text("x")
    upload(monkeypatch, "same", "a.txt")

    with pytest.raises(SystemExit):
        upload(monkeypatch, "same", "a.txt")


def test_what_was_uploaded_comes_back_as_it_was(
    runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runner / "dist").mkdir()
    (runner / "dist" / "app.whl").write_bytes(bytes(range(256)) * 10_000)
    upload(monkeypatch, "dist", "dist")
    monkeypatch.setattr("sys.argv", ["artifacts", "download"])
    monkeypatch.setenv("DEVLAB_PATH", "fetched")
    monkeypatch.setenv("DEVLAB_NAME", "dist")

    artifacts.main()

    assert (runner / "fetched/app.whl").read_bytes() == bytes(range(256)) * 10_000


def test_nothing_found_fails_only_if_asked(runner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(monkeypatch, "none", "nowhere/")

    with pytest.raises(SystemExit):
        upload(monkeypatch, "none", "nowhere/", IF_NONE="error")


def test_a_cache_is_restored_by_its_key_and_by_a_prefix(
    runner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runner / "kept").mkdir()
    (runner / "kept" / "file").write_text("old")
    monkeypatch.setenv("DEVLAB_PATH", "kept")
    monkeypatch.setenv("DEVLAB_KEY", "pip-1")
    monkeypatch.setattr("sys.argv", ["cache", "save"])
    cache.main()
    (runner / "kept" / "file").unlink()
    monkeypatch.setenv("DEVLAB_KEY", "pip-2")
    monkeypatch.setenv("DEVLAB_RESTORE_KEYS", "pip-")
    monkeypatch.setattr("sys.argv", ["cache", "restore"])

    cache.main()

    assert (runner / "kept" / "file").read_text() == "old"
    assert "cache-hit=false" in (runner.parent / "GITHUB_OUTPUT").read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-r", "requirements.txt"], ["-r", "requirements.txt"]),
        (["--no-cache-dir", "flask"], ["flask"]),
        (["."], ["."]),
        (["-e", ".[dev]"], ["-e", ".[dev]"]),
        (["/tmp/x.whl"], None),
        (["--target", "x", "flask"], None),
    ],
)
def test_only_plain_installations_are_given_to_uv(
    words: list[str], expected: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(versions.__file__).with_name("pip_main.py")
    source = path.read_text().partition("\nif quickly(")[0]
    names: dict[str, object] = {}
    exec(compile(source, str(path), "exec"), names)

    assert names["plain"](words) == expected  # type: ignore[operator]


def test_every_standin_declares_inputs_and_a_composite() -> None:
    folder = Path(artifacts.__file__).parent.parent
    found = list(folder.rglob("action.yml"))
    assert len(found) == 9
    for path in found:
        data = yaml.safe_load(path.read_text())
        assert data["runs"]["using"] == "composite", path
        assert data["inputs"], path
