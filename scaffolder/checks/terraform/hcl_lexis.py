"""Where quoted texts and here-documents stand in HCL, by the rules of Terraform's own scanner.

python-hcl2 finds them by regular expressions that agree with Terraform in all but a few corners
(blanks behind the word that ends a here-document, `$${` without a brace that closes it). In these
corners a text may hide from one reader what the other takes for code. So what both see is compared.

https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import re

_HEREDOC = re.compile(r"<<-?([^\W\d][\w-]*)\r?\n")
_COMMENT = re.compile(r"(?:#|//)[^\n]*|/\*.*?(?:\*/|\Z)", re.S)
_AMBIGUOUS = re.compile(r"\$\$\$\{|%%%\{")
# What Go takes for blank.
_BLANK = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(one) for one in range(0x2000, 0x200B)
)

Span = tuple[int, int]


def find_texts(text: str) -> list[Span]:
    """Return begin and end of each text and here-document that lies within no other one.

    Raises ValueError for `$$${`, of which nobody says where the expression begins.
    """
    if _AMBIGUOUS.search(text):
        raise ValueError("holds $$${ or %%%{")
    found: list[Span] = []
    at = 0
    while at < len(text):
        begun = at
        at, is_text = _step(text, at)
        if is_text:
            found.append((begun, at))
    return found


def _step(text: str, at: int) -> tuple[int, bool]:
    """Return where what begins at `at` in code ends, and whether that is a text."""
    if text[at] == '"':
        return _string(text, at + 1), True
    if heredoc := _HEREDOC.match(text, at):
        return _heredoc(text, heredoc.end(), heredoc[1]), True
    if comment := _COMMENT.match(text, at):
        return comment.end(), False
    return at + 1, False


def _string(text: str, at: int) -> int:
    while at < len(text) and text[at] != '"':
        at = at + 2 if text[at] == "\\" else _literal(text, at)
    return at + 1


def _heredoc(text: str, at: int, word: str) -> int:
    fresh = True
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if fresh and text[at:end].strip(_BLANK) == word:
            return end
        fresh = False
        while at < end and not fresh:
            fresh = text[at] == "\n"
            at = _literal(text, at)
    return at


def _literal(text: str, at: int) -> int:
    """Return where one piece of a template ends: a character, an escape or an expression."""
    if text[at : at + 3] in ("$${", "%%{"):
        return at + 3
    if text[at : at + 2] in ("${", "%{"):
        return _expression(text, at + 2)
    return at + 1


def _expression(text: str, at: int) -> int:
    depth = 1
    while at < len(text) and depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at, _ = _step(text, at)
    return at
