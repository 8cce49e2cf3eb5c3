"""Say in docs/proof.md which labs were changed since they were proven as a whole.

A whole proof takes an hour. Until it is made again, the page must not speak of labs as if they were
still what they were then.
"""

from __future__ import annotations

import re
from pathlib import Path

from scaffolder.labs import catalog
from scaffolder.model import Lab
from scaffolder.proving.digest import digest_lab

PAGE = Path(__file__).parent.parent / "docs" / "proof.md"


def mark(page: str, lab: Lab) -> str:
    """Return the page with what is true of a lab behind the content that was proven."""
    now = digest_lab(lab.root, lab)

    def said(found: re.Match[str]) -> str:
        if found[2] == now:
            return found[1]
        return (
            f"{found[1]} Changed since, to content `{now}`: the tests grade its answers and\n"
            "mistakes, its mutants are still to be tried, and the figures are those of before."
        )

    proven = rf"(^## {lab.id}\n\nProven with content `(\w+)`\.)[^|]*?(?=\n\n)"
    return re.sub(proven, said, page, count=1, flags=re.MULTILINE)


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    for each in catalog.load_labs():
        text = mark(text, each)
    PAGE.write_text(text, "utf-8")
