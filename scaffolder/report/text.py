"""Make text that somebody else wrote harmless to print."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

LINE_LIMIT = 500

# Bidirectional overrides can make a line read as something that it is not.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# No text has these, and XML cannot hold them.
_NO_CHARACTERS = frozenset({"\ufffe", "\uffff"})
_ALLOWED = frozenset({"\u200d", "\u200c"})


def harmless(text: str, limit: int = LINE_LIMIT) -> str:
    """Return `text` as one printable line of at most `limit` characters.

    Control characters, terminal escapes and direction overrides become visible escapes such as
    `\\x1b`; a tab becomes four spaces.
    """
    shown = "".join(_visible(character) for character in text.replace("\t", "    ")[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def harmless_block(text: str) -> str:
    """Return `text` with each of its lines made harmless."""
    return "\n".join(harmless(line) for line in text.splitlines())


def _visible(character: str) -> str:
    unsafe = unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _NO_CHARACTERS
    if unsafe and character not in _ALLOWED:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def web_address(url: str) -> str:
    """Return an http(s) address with everything but a URI's own characters percent-encoded.

    Nothing for any other address: a report links to pages, it runs nothing.
    """
    if not url.lower().startswith(("https://", "http://")):
        return ""
    return quote(url.encode("utf-8", "backslashreplace"), safe=":/?#@!$&'()*+,;=%~")
