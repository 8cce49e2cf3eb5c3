"""In a narrow terminal, what commands say is broken between words; elsewhere a line stays one."""

from __future__ import annotations

import pytest

from tests.support.command import Devlab, Said
from tests.support.labs import HEAD, Catalog, task

pytestmark = pytest.mark.usefixtures("own_home")

NAMES = [f"a-task-with-a-long-name-{number}" for number in range(6)]
TITLE = "A lab whose title says at some length what somebody who did it can do"
SAID = {
    "an error's hint": ("check", "--task", "nothing-such"),
    "a list of the labs": ("show", "nothing-such"),
    "a value": ("new", "tested", "--no-input", "--set", "size=neither-of-both"),
    "a lab": ("show", "tested"),
    "packs": ("pack", "list"),
    "no pack to update": ("pack", "update"),
    "nothing to forget": ("progress", "forget", "nothing-such"),
}


@pytest.fixture(autouse=True)
def lab(catalog: Catalog, devlab: Devlab, monkeypatch: pytest.MonkeyPatch) -> None:
    head = HEAD.replace("A lab for tests", TITLE)
    catalog.lab("".join(task(name) for name in NAMES), head=head)
    assert devlab("new", "tested", catalog.root / "work", "--no-input").code == 0
    monkeypatch.chdir(catalog.root / "work")


def words(said: Said) -> list[str]:
    return (said.out + said.err).split()


@pytest.mark.parametrize("arguments", SAID.values(), ids=SAID.keys())
def test_words_are_whole_however_narrow_the_terminal(
    devlab: Devlab, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = devlab(*arguments)
    monkeypatch.setenv("COLUMNS", "50")
    said = devlab(*arguments)
    assert words(said) == words(whole)
    assert max(map(len, (said.out + said.err).splitlines())) <= 50


def test_a_line_stays_one_where_no_terminal_is(devlab: Devlab) -> None:
    said = devlab("check", "--task", "nothing-such").err
    assert f"  tasks: {', '.join(NAMES)}\n" in said
