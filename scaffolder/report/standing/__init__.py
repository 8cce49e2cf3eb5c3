"""Where a learner stands, as a picture: in the terminal, as SVG, as an HTML page, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from scaffolder.progress.standing import Standing


def _json(standing: Standing, now: datetime) -> str:
    from scaffolder.report.standing.json import render

    return render(standing, now)


def _svg(standing: Standing, now: datetime) -> str:
    from scaffolder.report.standing.svg import render

    return render(standing, now)


def _html(standing: Standing, now: datetime) -> str:
    from scaffolder.report.standing.html import render

    return render(standing, now)


# Those that are one text; the terminal's depends on the terminal.
PICTURES: Mapping[str, Callable[[Standing, datetime], str]] = {
    "html": _html,
    "svg": _svg,
    "json": _json,
}
FORMATS = ("text", *PICTURES)
