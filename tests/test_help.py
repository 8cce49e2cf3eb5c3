"""The help of the commands: what it shows can be read whole, copied and run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scaffolder.cli import cli
from scaffolder.cli.examples import format_examples
from tests.support.command import Devlab
from tests.support.labs import Catalog, task

_TAIL = re.compile(r"\s(&&|\||>)\s.*")


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


ALL = tuple(commands(cli))


@pytest.fixture(params=ALL, ids=" ".join)
def path(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


def shown(devlab: Devlab, path: tuple[str, ...]) -> list[str]:
    """Return the examples in a command's help."""
    lines = devlab(*path, "--help").out.splitlines()
    if "  Examples:" not in lines:
        return []
    after = lines[lines.index("  Examples:") + 1 :]
    return [line.strip() for line in after[: (*after, "").index("")]]


def test_examples_are_whole_on_a_narrow_terminal(
    devlab: Devlab, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    wide = shown(devlab, path)
    monkeypatch.setenv("COLUMNS", "40")
    assert shown(devlab, path) == wide
    assert all(line.startswith("devlab ") for line in wide)


def test_examples_name_options_that_are_there(devlab: Devlab, path: tuple[str, ...]) -> None:
    for line in shown(devlab, path):
        named, *words = shlex.split(_TAIL.sub("", line))
        assert named == "devlab"
        group: click.Command = cli
        while isinstance(group, click.Group) and words and not words[0].startswith("-"):
            found = group.get_command(click.Context(group), words.pop(0))
            assert found is not None, line
            group = found
        known = {option for one in group.params for option in one.opts + one.secondary_opts}
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("columns", ["50", "80"])
@pytest.mark.parametrize("group", [(), ("lab",), ("pack",), ("progress",)], ids=" ".join)
def test_what_a_command_is_for_is_not_cut(
    devlab: Devlab, group: tuple[str, ...], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    said = devlab(*group, "--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert said
    assert [line for line in said.splitlines() if line.endswith("...")] == []


def test_notes_follow_the_examples() -> None:
    assert (
        format_examples("devlab list", notes=("Note.",)) == "\b\nExamples:\n  devlab list\n\nNote."
    )


def test_every_line_of_what_helps_is_indented(
    devlab: Devlab, catalog: Catalog, tmp_path: Path
) -> None:
    catalog.lab(task("first", "fail"))
    assert devlab("new", "tested", tmp_path / "work", "--no-input").code == 0
    said = devlab("solution", "first", cwd=tmp_path / "work")
    error, *helps = said.err.splitlines()[-3:]
    assert error.startswith("error: ")
    assert all(line.startswith("  ") for line in helps)


def test_a_lab_shown_for_a_learner_is_begun_for_that_learner(
    devlab: Devlab, catalog: Catalog
) -> None:
    catalog.lab(task("first"))
    assert "\nBegin with: devlab new tested\n" in devlab("show", "tested").out
    said = devlab("show", "tested", "--learner", "Ada Lovelace")
    assert "\nBegin with: devlab new tested --learner 'ada lovelace'\n" in said.out
