"""The standing as a web page: one file with the picture in it, and the labs as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from scaffolder.progress.standing import LabStanding, Standing
from scaffolder.report.standing import svg
from scaffolder.report.standing.words import TITLE, describe_state, shorten_text

_STYLE = """\
:root{color-scheme:light dark}
body{margin:2rem auto;max-width:760px;padding:0 1rem;background:#fff;color:#1f2328;
font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}
svg{width:100%;height:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;font-weight:600;font-size:1.2rem;padding:1rem 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-top:1px solid #d8dee4}
th:nth-child(n+3),td:nth-child(n+3){text-align:right;white-space:nowrap}
@media (prefers-color-scheme:dark){
body{background:#0d1117;color:#f0f6fc}th,td{border-color:#30363d}}
"""
_COLUMNS = ("Lab", "State", "Points", "Attempts", "Last new pass")


def render(standing: Standing, now: datetime) -> str:
    """Return the page, which is HTML and well-formed XML at once, and ends in a newline."""
    page = ET.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"})
    head = ET.SubElement(page, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    ET.SubElement(head, "title").text = TITLE
    ET.SubElement(head, "style").text = _STYLE
    main = ET.SubElement(ET.SubElement(page, "body"), "main")
    main.append(svg.draw_picture(standing, now))
    main.append(_labs(standing))
    return f"<!DOCTYPE html>\n{ET.tostring(page, encoding='unicode')}\n"


def _labs(standing: Standing) -> ET.Element:
    around = ET.Element("div", {"class": "wide"})
    table = ET.SubElement(around, "table")
    ET.SubElement(table, "caption").text = "Labs"
    row = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for name in _COLUMNS:
        ET.SubElement(row, "th", scope="col").text = name
    body = ET.SubElement(table, "tbody")
    for lab in standing.labs:
        body.append(_lab(lab))
    return around


def _lab(lab: LabStanding) -> ET.Element:
    row = ET.Element("tr")
    name = ET.SubElement(row, "th", scope="row")
    name.text = shorten_text(lab.id)
    ET.SubElement(name, "br").tail = shorten_text(lab.title)
    last = max(lab.passed.values(), default=None)
    for text in (
        describe_state(lab),
        f"{lab.gained} of {lab.points}",
        str(lab.attempts),
        last.astimezone(UTC).strftime("%Y-%m-%d") if last else "never",
    ):
        ET.SubElement(row, "td").text = text
    return row
