"""Keys of a terminal, one by one: its line editing and echo switched off, and on again."""

from __future__ import annotations

import contextlib
import os
import re
import termios
import tty
from typing import Any

_SEQUENCES = {
    "A": "up",
    "B": "down",
    "H": "home",
    "F": "end",
    "1~": "home",
    "4~": "end",
    "5~": "pageup",
    "6~": "pagedown",
    "7~": "home",
    "8~": "end",
}
_CHARACTERS = {"\r": "enter", "\n": "enter", "\x1b": "escape"}
# A sequence of a terminal's (ECMA-48, with the SS3 form of cursor keys), or one character.
_KEY = re.compile(r"\x1b(?:\[|O)(?P<sequence>[0-?]*[ -/]*[@-~])|(?P<one>.)", re.DOTALL)


def decode_keys(typed: bytes) -> list[str]:
    """Return the names of the keys in what a terminal sent; what is no key of ours is left out.

    A character is its own name; the others are those of `watched.Pressed`.
    """
    found = _KEY.finditer(typed.decode("utf-8", errors="ignore"))
    return [name for match in found if (name := _name(match))]


def _name(match: re.Match[str]) -> str:
    if match["sequence"] is not None:
        return _SEQUENCES.get(match["sequence"], "")
    one = match["one"]
    return _CHARACTERS.get(one, one if one.isprintable() else "")


class Keyboard:
    """The keys of the terminal at a file descriptor, from `take` until `give_back`.

    Ctrl-C and Ctrl-Z stay signals.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._before: list[Any] | None = None

    def take(self) -> None:
        """Let keys through as they are pressed, unseen; raises OSError where no terminal is."""
        try:
            self._before = termios.tcgetattr(self.handle)
            tty.setcbreak(self.handle, termios.TCSANOW)
        except termios.error as error:
            raise OSError(*error.args) from error

    def give_back(self) -> None:
        """Leave the terminal as it was, or as well as a terminal that is gone allows."""
        before, self._before = self._before, None
        if before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.handle, termios.TCSANOW, before)

    def read(self) -> list[str]:
        """Return the keys that were pressed; raises EOFError where the terminal is gone."""
        try:
            typed = os.read(self.handle, 4096)
        except OSError as error:
            raise EOFError from error
        if not typed:
            raise EOFError
        return decode_keys(typed)
