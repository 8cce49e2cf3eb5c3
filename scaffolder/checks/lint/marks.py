"""Take away the words by which a comment tells a linter to look away.

A text keeps its lines and its length, and what was the same in two places of it, as the mark of a
here-document and its end, still is: each word becomes one of the same length that is nowhere else.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

FindMarks = Callable[[str], Iterable[tuple[int, int]]]

_FIRST = "q"
_REST = string.digits + string.ascii_lowercase


@dataclass(frozen=True)
class HiddenMarks:
    """Texts without their marks, by path; `word` stands in them where `mark` stood."""

    texts: Mapping[str, str]
    mark: str
    word: str

    def restore(self, said: str) -> str:
        """Return what was said of the texts as if it were of the ones with the marks."""
        return said.replace(self.word, self.mark)


def hide_marks(texts: Mapping[str, str], find: FindMarks, mark: str) -> HiddenMarks:
    """Replace the mark wherever it is found: `find` yields the spans of it in a text, in order."""
    word = _find_free_word(texts, len(mark))

    def replace(text: str) -> str:
        parts, at = [], 0
        for start, end in find(text):
            parts += [text[at:start], word]
            at = end
        return "".join([*parts, text[at:]])

    return HiddenMarks({path: replace(text) for path, text in texts.items()}, mark, word)


def find_by_pattern(pattern: re.Pattern[str]) -> FindMarks:
    """Return what finds a pattern's group `mark`."""
    return lambda text: (found.span("mark") for found in pattern.finditer(text))


def _find_free_word(texts: Mapping[str, str], length: int) -> str:
    """Return a word that stands in none of the texts, in one pass over them."""
    taken = {
        found[1]
        for text in texts.values()
        for found in re.finditer(rf"(?=({_FIRST}[{_REST}]{{{length - 1}}}))", text)
    }
    words = (_FIRST + "".join(one) for one in itertools.product(_REST, repeat=length - 1))
    return next(word for word in words if word not in taken)
