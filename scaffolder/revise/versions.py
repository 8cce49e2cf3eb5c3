"""Which of two versions of a lab is the later one."""

from __future__ import annotations

import re


def is_later(new: str, old: str) -> bool | None:
    """Whether `new` comes after `old`; None where nobody can say, as for two words.

    Versions are compared as those of Python packages are: 1.10 comes after 1.9, and 2 after 2b1.
    """
    from packaging.version import InvalidVersion, Version

    if new == old:
        return False
    try:
        later, earlier = Version(new), Version(old)
    except InvalidVersion:
        return _by_numbers(new, old)
    return None if later == earlier else later > earlier


def _by_numbers(new: str, old: str) -> bool | None:
    """Compare the numbers in two names that are alike but for them, such as autumn-9."""
    if re.sub(r"\d+", "0", new) != re.sub(r"\d+", "0", old):
        return None
    return _numbers(new) > _numbers(old)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,18}", version)]
