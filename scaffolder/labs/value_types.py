"""What a value of a template's variable may be, declared by type and range and told in words."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
# A number of more digits is none that anybody means, and converting it takes time.
_DIGITS = 18


class ValueType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `_types` in a cookiecutter.json.

    `min` and `max` bound an integer's value, and the length of a name or a text.
    """

    type: Literal["integer", "name", "text"]
    min: int
    max: int

    def __post_init__(self) -> None:
        """Refuse a range that no value is in."""
        if self.min > self.max or (self.type != "integer" and self.min < 1):
            raise ValueError(f"no value can be from {self.min} to {self.max}")

    @property
    def words(self) -> str:
        """What a value must be, as the end of a sentence."""
        if self.type == "integer":
            return f"a whole number from {self.min} to {self.max}"
        length = f"{self.min} to {self.max}"
        if self.type == "name":
            return (
                f"{length} lower-case letters, digits and hyphens, beginning with a letter and "
                "ending with a letter or a digit"
            )
        return f"one line of {length} printable characters"

    def holds(self, value: str) -> bool:
        if self.type == "integer":
            # No sign, no blanks, no digits of other scripts: it is put into files as it stands.
            plain = re.fullmatch(r"0|-?[1-9][0-9]*", value) is not None and len(value) <= _DIGITS
            return plain and self.min <= int(value) <= self.max
        if not self.min <= len(value) <= self.max:
            return False
        if self.type == "name":
            return _NAME.fullmatch(value) is not None
        return value.isprintable() and bool(value.strip())
