"""A screenful as an SVG picture that needs nothing else: no fonts, no scripts, no links.

It brings its own background, so that it is readable on a light page and on a dark one. Every piece
of text stands in its column by its x, and is held to its columns by textLength, so that the widths
of the reader's own font do not matter; a sign that is not ASCII is a piece of its own, for it may
come from yet another font. rich's export_svg is not used: it links a font from the web.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from ci.picturing.cells import Row, Run, Style

CELL_WIDTH, CELL_HEIGHT = 8.4, 19
FONT_SIZE, BASELINE = 14, 14
MARGIN = 16

BACKGROUND, BORDER, TEXT, FAINT = "#161b22", "#444c56", "#e6edf3", "#9da7b3"
# Each at least 4.5 : 1 against the background, as WCAG 2.2 asks of text.
PALETTE = {
    "black": "#8b949e",
    "red": "#ff7b72",
    "green": "#56d364",
    # So pyte calls what everybody else calls yellow.
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
    "white": "#e6edf3",
}
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"

# A piece of ASCII with single blanks in it, or one other sign.
_PIECE = re.compile(r"[!-~]+(?: [!-~]+)*|[^ -~]")


def draw(rows: Sequence[Row], columns: int, title: str, description: str) -> str:
    """Return the picture of a screenful as the text of an SVG file."""
    width = round(columns * CELL_WIDTH) + 2 * MARGIN
    height = len(rows) * CELL_HEIGHT + 2 * MARGIN
    drawn = "\n".join(
        mark for y, row in enumerate(rows) for run in row for mark in _marks(run, y * CELL_HEIGHT)
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title description">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{BACKGROUND}" \
stroke="{BORDER}"/>
<g transform="translate({MARGIN} {MARGIN})" font-family="{FONTS}" font-size="{FONT_SIZE}" \
fill="{TEXT}">
{drawn}
</g>
</svg>
"""


def _marks(run: Run, top: int) -> Iterator[str]:
    ink, ground = _colours(run.style)
    if ground:
        place = {"x": _x(run.column), "y": top, "width": _x(run.columns), "height": CELL_HEIGHT}
        yield f'<rect{_attributes(place)} fill="{ground}"/>'
    look = _attributes(_look(run.style, ink))
    for piece in _PIECE.finditer(run.text):
        # One sign alone keeps its own shape.
        length = _x(len(piece[0])) if len(piece[0]) > 1 else ""
        place = {"x": _x(run.column + piece.start()), "y": top + BASELINE, "textLength": length}
        yield f"<text{_attributes(place)}{look}>{escape(piece[0])}</text>"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f' {name}="{value}"' for name, value in values.items() if value != "")


def _x(column: int) -> str:
    return f"{column * CELL_WIDTH:.1f}".removesuffix(".0")


def _colours(style: Style) -> tuple[str, str]:
    """Return the colours of the text and of what is behind it; empty where it is the picture's."""
    ink, ground = _colour(style.foreground), _colour(style.background)
    if style.faint and not ink:
        ink = FAINT
    return (ground or BACKGROUND, ink or TEXT) if style.reverse else (ink, ground)


def _colour(name: str) -> str:
    """Return a colour of pyte's; an unknown name is a KeyError, for a picture must not guess."""
    if name == "default":
        return ""
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return PALETTE[name.removeprefix("bright")]


def _look(style: Style, ink: str) -> dict[str, str]:
    return {
        "fill": ink,
        "font-weight": "bold" if style.bold else "",
        "font-style": "italic" if style.italic else "",
        "text-decoration": "underline" if style.underlined else "",
        "opacity": ".75" if style.faint and ink != FAINT else "",
    }
