"""Where links lead, as the system follows them: one after the other."""

from __future__ import annotations

import os
from pathlib import Path

# As many as Linux follows on the way to one file; what has more leads to an error.
_FOLLOWED = 40


def stays_inside(root: Path, link: Path) -> bool:
    """Whether the link `root / link`, and every link on its way, stays in the folder `root`.

    What leaves the folder for a moment and comes back by its name leads elsewhere in a copy of it,
    and so may what goes on behind a link that is not copied: a link's words alone must stay inside
    as well. Where links form a circle, they lead nowhere.
    """
    words = os.path.normpath(link.parent / (root / link).readlink())
    if words.startswith("/") or words.split("/")[0] == "..":
        return False
    reached: list[str] = []
    left = list(reversed(link.parts))
    followed = 0
    while left and followed <= _FOLLOWED:
        part = left.pop()
        if part == "..":
            if not reached:
                return False
            reached.pop()
            continue
        reached.append(part)
        try:
            target = root.joinpath(*reached).readlink()
        except OSError:
            continue  # no link, or nothing at all
        if target.is_absolute():
            return False
        reached.pop()
        left.extend(reversed(target.parts))
        followed += 1
    return True
