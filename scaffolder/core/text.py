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

# What stands for punctuation where a terminal has letters only. None of it ends a string of JSON.
_LETTERS = str.maketrans(
    {
        "\u2026": "...",
        "\u2192": "->",
        "\u2190": "<-",
        "\u00d7": "x",
        "\u00a0": " ",
        **dict.fromkeys("\u00b7\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2219", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb", "'"),
        "\u2022": "*",
        "\u2713": "ok",
        "\u2717": "x",
        "\u2264": "<=",
        "\u2265": ">=",
        "\u2191": "^",
        "\u2193": "v",
        "\u2260": "!=",
        "\u2588": "#",
        "\u2591": "-",
        "\u25cb": "o",
        "\u25b8": ">",
        "\u23f8": "=",
        "\u26a0": "!",
        "\u2705": "ok",
        "\u274c": "x",
        "\u2754": "?",
        "\U0001f6ab": "x",
        "\ufe0f": "",
    }
)


def replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Return letters for what a stream cannot encode: an error handler of `codecs`.

    What has none becomes an escape, which JSON understands as well.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_letters, error.object[error.start : error.end])), error.end


def _letters(character: str) -> str:
    replaced = character.translate(_LETTERS)
    if replaced != character:
        return replaced
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def sanitize_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return `text` as one printable line of at most `limit` characters.

    Control characters, terminal escapes and direction overrides become visible escapes such as
    `\\x1b`; a tab becomes four spaces.
    """
    shown = "".join(_visible(character) for character in text.replace("\t", "    ")[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def sanitize_block(text: str) -> str:
    """Return `text` with each of its lines made harmless."""
    return "\n".join(sanitize_line(line) for line in text.splitlines())


def _visible(character: str) -> str:
    unsafe = unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _NO_CHARACTERS
    if unsafe and character not in _ALLOWED:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def encode_web_address(url: str) -> str:
    """Return an http(s) address with everything but a URI's own characters percent-encoded.

    Nothing for any other address: a report links to pages, it runs nothing.
    """
    if not url.lower().startswith(("https://", "http://")):
        return ""
    return quote(url.encode("utf-8", "backslashreplace"), safe=":/?#@!$&'()*+,;=%~")
