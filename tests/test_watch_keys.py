"""Keys of a terminal, and the terminal as it was."""

from __future__ import annotations

import contextlib
import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.watch.keys import Keyboard, decode_keys


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"q", ["q"]),
        (b"hn?", ["h", "n", "?"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA\x1bOB", ["up", "down"]),
        (b"\x1b[5~\x1b[6~", ["pageup", "pagedown"]),
        (b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH\x1bOF", ["home", "end"] * 3),
        (b"\r\n", ["enter", "enter"]),
        (b"\x1b", ["escape"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1bq", ["escape", "q"]),
        ("é".encode(), ["é"]),
        (b"\xff\xfeq", ["q"]),
        # Shifted arrows, function keys, a mouse, a paste: none is taken for a command.
        (b"\x1b[1;2A\x1bOP\x1b[15~\x1b[<0;10;10M", []),
        (b"\x1b[200~", []),
        (b"\x00\x01\t\x7f", []),
        (b"", []),
    ],
)
def test_keys_have_names(typed: bytes, keys: list[str]) -> None:
    assert decode_keys(typed) == keys


@given(st.binary(max_size=40))
def test_nothing_that_is_typed_breaks_it(typed: bytes) -> None:
    assert all(key and key.isprintable() for key in decode_keys(typed))


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    for handle in (ours, theirs):
        with contextlib.suppress(OSError):
            os.close(handle)


def test_the_terminal_is_as_it_was(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    keyboard = Keyboard(theirs)
    for _ in range(2):
        keyboard.take()
        assert not termios.tcgetattr(theirs)[3] & (termios.ECHO | termios.ICANON)
        # Ctrl-C stays a signal.
        assert termios.tcgetattr(theirs)[3] & termios.ISIG
        os.write(ours, b"q")
        assert keyboard.read() == ["q"]
        keyboard.give_back()
        keyboard.give_back()
        assert termios.tcgetattr(theirs) == before


def test_a_terminal_that_goes_away_is_the_end_of_keys(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    keyboard = Keyboard(theirs)
    keyboard.take()
    os.close(ours)
    with pytest.raises(EOFError):
        keyboard.read()
    keyboard.give_back()


def test_what_is_no_terminal_is_refused() -> None:
    with Path(os.devnull).open() as file, pytest.raises(OSError, match="ioctl"):
        Keyboard(file.fileno()).take()
