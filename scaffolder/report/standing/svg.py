"""The standing as an SVG picture: one file, no scripts, for light and dark, told in words too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from scaffolder.progress.standing import SkillStanding, Standing
from scaffolder.report.standing.words import (
    RULE,
    TITLE,
    describe_amount,
    describe_standing,
    measure_share,
    name_training_labs,
    shorten_text,
    summarize_standing,
)

NAMESPACE = "http://www.w3.org/2000/svg"
WIDTH = 760
_MARGIN = 32
_BAR_AT, _BAR = 236, 340
_ROW = 46
# What fits, in characters, at the sizes of the fonts below.
_TITLE_FITS, _LABS_FIT = 26, 60

# Colours meet WCAG AA on both grounds; what is gained is also said in figures.
STYLE = """\
.ground{fill:#ffffff}.ink{fill:#1f2328}.soft{fill:#59636e}
.rail{fill:#d8dee4}.gained{fill:#1a7f37}
.none{fill:none;stroke:#818b98;stroke-dasharray:4 4}
@media (prefers-color-scheme:dark){
.ground{fill:#0d1117}.ink{fill:#f0f6fc}.soft{fill:#9198a1}
.rail{fill:#30363d}.gained{fill:#3fb950}.none{stroke:#656c76}}
text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:15px}
.head{font-size:22px;font-weight:600}.small{font-size:12px}.end{text-anchor:end}
"""


def render(standing: Standing, now: datetime) -> str:
    """Return the picture as an SVG document that ends in a newline."""
    return ET.tostring(draw_picture(standing, now), encoding="unicode", xml_declaration=True) + "\n"


def draw_picture(standing: Standing, now: datetime) -> ET.Element:
    """Return the picture as an element, to stand alone or in a page."""
    groups = [_rows(standing.skills)]
    if standing.others:
        groups.append(
            [_words("Other skills that the labs name", 8, "soft"), *_rows(standing.others)]
        )
    rows = list(itertools.chain(*groups))
    height = 112 + _ROW * len(rows) + 52
    root = ET.Element(
        "svg",
        {
            "xmlns": NAMESPACE,
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "standing-title standing-words",
        },
    )
    ET.SubElement(
        root, "title", id="standing-title"
    ).text = f"{TITLE}: {summarize_standing(standing)}"
    ET.SubElement(root, "desc", id="standing-words").text = describe_standing(standing)
    ET.SubElement(root, "style").text = STYLE
    ET.SubElement(root, "rect", {"class": "ground", "width": "100%", "height": "100%", "rx": "12"})
    root.append(_text(TITLE, _MARGIN, 48, "ink head"))
    root.append(_text(summarize_standing(standing), _MARGIN, 74, "soft"))
    root.append(_text(_day(now), WIDTH - _MARGIN, 48, "soft small end"))
    for place, row in enumerate(rows):
        row.set("transform", f"translate(0 {104 + _ROW * place})")
        root.append(row)
    root.append(_text(RULE, _MARGIN, height - 28, "soft small"))
    return root


def _day(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d (UTC)")


def _rows(skills: Sequence[SkillStanding]) -> list[ET.Element]:
    return [_row(skill) for skill in skills]


def _row(skill: SkillStanding) -> ET.Element:
    group = ET.Element("g")
    group.append(_text(shorten_text(skill.title, _TITLE_FITS), _MARGIN, 17, "ink"))
    bar = {"x": str(_BAR_AT), "y": "4", "height": "16", "rx": "8"}
    if skill.points:
        ET.SubElement(group, "rect", {**bar, "class": "rail", "width": str(_BAR)})
        filled = measure_share(skill, _BAR)
        if filled:
            # Narrower than it is high, a rounded bar would vanish.
            ET.SubElement(group, "rect", {**bar, "class": "gained", "width": str(max(16, filled))})
        group.append(_text(describe_amount(skill), WIDTH - _MARGIN, 17, "ink end"))
    else:
        ET.SubElement(group, "rect", {**bar, "class": "none", "width": str(_BAR)})
    group.append(
        _text(shorten_text(name_training_labs(skill), _LABS_FIT), _BAR_AT, 35, "soft small")
    )
    return group


def _words(text: str, y: int, look: str) -> ET.Element:
    group = ET.Element("g")
    group.append(_text(text, _MARGIN, y + 16, look))
    return group


def _text(text: str, x: int, y: int, look: str) -> ET.Element:
    element = ET.Element("text", {"x": str(x), "y": str(y), "class": look})
    element.text = text
    return element
