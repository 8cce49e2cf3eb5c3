"""Print a Report: a table of reporters, one for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scaffolder.model import Report


def _json(report: Report) -> str:
    from scaffolder.report.json import render

    return render(report)


def _junit(report: Report) -> str:
    from scaffolder.report.junit import render

    return render(report)


# Formats that are one text; the terminal's depends on the terminal and is drawn by `terminal`.
REPORTERS: Mapping[str, Callable[[Report], str]] = {"json": _json, "junit": _junit}

FORMATS = ("text", *REPORTERS)
