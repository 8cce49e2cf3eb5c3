"""Print a Report: a table of reporters, one for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scaffolder.core.loading import load_place
from scaffolder.model import Report

Renderer = Callable[[Report], str]


def _lazily(module: str, function: str = "render") -> Renderer:
    """Return a renderer whose module is imported when it is used: nobody waits for the others."""

    def render(report: Report) -> str:
        renderer: Renderer = load_place(f"{__name__}.{module}:{function}")
        return renderer(report)

    return render


# Formats that are one text; the terminal's depends on the terminal and is drawn by `terminal`.
REPORTERS: Mapping[str, Renderer] = {
    name: _lazily(name) for name in ("json", "junit", "markdown", "github", "sarif", "gradescope")
}

# What a format leaves beside its text: the variable that names a file, and what is added to it.
COMPANIONS: Mapping[str, Mapping[str, Renderer]] = {
    "github": {
        "GITHUB_STEP_SUMMARY": _lazily("github", "render_summary"),
        "GITHUB_OUTPUT": _lazily("github", "render_outputs"),
    }
}

FORMATS = ("text", *REPORTERS)
