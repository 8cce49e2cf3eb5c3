"""What users set for devlab in the environment is declared in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scaffolder.core import settings

PACKAGE = Path(settings.__file__).parent.parent


@pytest.mark.parametrize(
    ("told", "jobs"), [("", None), ("0", None), ("four", None), ("-1", None), ("3", 3)]
)
def test_jobs(told: str, jobs: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.JOBS, told)
    assert settings.read_jobs() == jobs


def test_folders_with_labs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(settings.LABS, raising=False)
    assert settings.read_lab_folders() == ()
    monkeypatch.setenv(settings.LABS, "one::~/two")
    assert settings.read_lab_folders() == ("one", "~/two")


def test_a_seed_is_one_short_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.SEED, f" {'x' * 60}\n")
    assert settings.read_seed() == "x" * 40


def test_no_other_module_names_a_setting_to_read_it() -> None:
    """Texts may speak of one; a name that stands alone in quotes is there to be looked up."""
    found = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        if path != Path(settings.__file__) and "standins" not in path.parts
        for name in re.findall(r"""["'](DEVLAB_[A-Z_]+[A-Z])["']""", path.read_text("utf-8"))
    ]
    # What a rehearsal hands to the stand-ins of actions is no setting of the user's.
    assert [one for one in found if not one.endswith("DEVLAB_SETTINGS")] == []
