"""Put text that somebody else wrote into Markdown so that it stays text.

The target is GitHub Flavored Markdown and what GitHub does with it afterwards: mentions, issue
references and emoji are found in the rendered text, so no backslash keeps them from being found.
https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from scaffolder.core.text import encode_web_address, sanitize_block, sanitize_line

# Ends a word for whoever looks for mentions and references, and shows nothing.
_BREAK = "&#8203;"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TAMED = re.compile(
    r"(?P<entity>[&<>])"
    # A mention, a reference to an issue, an emoji's name.
    r"|(?P<found_later>@|#|\bGH-(?=\d)|:(?=[\w+-]+:))"
    # Marks, and addresses that would become links.
    r"|(?P<special>[\\`*_{}\[\]|~!$]|:(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):)",
    re.IGNORECASE,
)
_BACKTICKS = re.compile(r"`+")


def format_prose(text: str) -> str:
    """Return `text` as one line of Markdown that shows it and does nothing else.

    It may stand in a paragraph, a list item or a table cell, but not at the start of a line.
    """
    return _TAMED.sub(_tame, " ".join(sanitize_line(text).split()))


def _tame(found: re.Match[str]) -> str:
    if found.lastgroup == "entity":
        return _ENTITIES[found[0]]
    return f"{found[0]}{_BREAK}" if found.lastgroup == "found_later" else f"\\{found[0]}"


def format_code(text: str) -> str:
    """Return `text` as a code span, not for table cells; nothing for a text without words."""
    words = " ".join(sanitize_line(text).split())
    if not words:
        return ""
    fence = "`" * (_longest_run(words) + 1)
    room = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{room}{words}{room}{fence}"


def format_block(lines: Iterable[str]) -> str:
    """Return lines of output as a fenced code block that none of them can end."""
    text = sanitize_block("\n".join(lines))
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def format_link(text: str, url: str) -> str:
    """Return a link to a page of the web, or the text alone for any other address."""
    address = encode_web_address(url).replace("&", "&amp;")
    return f"[{format_prose(text)}](<{address}>)" if address else format_prose(text)


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; the last column is one of figures."""
    rule = [*("---" for _ in head[1:]), "---:"]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
