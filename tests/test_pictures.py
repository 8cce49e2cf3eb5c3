"""What `ci/pictures` draws of a terminal's bytes, and the pictures that the README shows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.picturing import cells, svg

ROOT = Path(__file__).parent.parent
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(sent: str, columns: int = 20) -> ET.Element:
    """Return the picture of a terminal that was sent this."""
    return ET.fromstring(svg.draw(cells.rows(sent.encode(), columns, 4), columns, "t", "d"))


def texts(picture: ET.Element) -> dict[str, ET.Element]:
    return {one.text or "": one for one in picture.iter(f"{SVG}text")}


def column(text: ET.Element) -> float:
    return round(float(text.attrib["x"]) / svg.CELL_WIDTH, 2)


def test_every_piece_stands_in_its_column_whatever_the_font() -> None:
    found = texts(drawn("✗ a b  cd\r\n    e"))
    assert {text: column(one) for text, one in found.items()} == {"✗": 0, "a b": 2, "cd": 7, "e": 4}
    assert float(found["a b"].attrib["textLength"]) == pytest.approx(3 * svg.CELL_WIDTH, abs=0.05)
    assert float(found["e"].attrib["y"]) - float(found["cd"].attrib["y"]) == svg.CELL_HEIGHT


def test_a_wide_sign_takes_two_columns() -> None:
    assert column(texts(drawn("界x"))["x"]) == 2


@pytest.mark.parametrize(
    ("codes", "attribute", "value"),
    [
        ("31", "fill", svg.PALETTE["red"]),
        ("1;92", "fill", svg.PALETTE["green"]),
        ("1;92", "font-weight", "bold"),
        ("2", "fill", svg.FAINT),
        ("2;36", "opacity", ".75"),
        ("38;5;2", "opacity", None),
        ("38;2;2;4;255", "fill", "#0204ff"),
        ("3", "font-style", "italic"),
        ("4", "text-decoration", "underline"),
        ("2;22", "fill", None),
    ],
)
def test_colours_and_shapes_of_letters(codes: str, attribute: str, value: str | None) -> None:
    assert texts(drawn(f"\x1b[{codes}mx\x1b[0m"))["x"].get(attribute) == value


def test_what_is_reversed_has_its_colour_behind_it_blanks_included() -> None:
    picture = drawn("a\x1b[7mb  \x1b[0m")
    *_, behind = picture.iter(f"{SVG}rect")
    assert (column(behind), behind.attrib["fill"]) == (1, svg.TEXT)
    assert float(behind.attrib["width"]) == pytest.approx(3 * svg.CELL_WIDTH, abs=0.05)
    assert texts(picture)["b"].attrib["fill"] == svg.BACKGROUND


def test_signs_of_xml_and_lines_drawn_over_are_what_the_terminal_shows() -> None:
    assert list(texts(drawn("gone\r\x1b[K<&>"))) == ["<&>"]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", sorted({*svg.PALETTE.values(), svg.TEXT, svg.FAINT}))
def test_every_colour_can_be_read(colour: str) -> None:
    contrast = (luminance(colour) + 0.05) / (luminance(svg.BACKGROUND) + 0.05)
    assert contrast >= 4.5


def values(picture: ET.Element) -> Iterator[str]:
    for one in picture.iter():
        yield from one.attrib.values()


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_the_pictures_need_nothing_else_and_are_in_the_readme(path: Path) -> None:
    assert path.stat().st_size < 60_000
    picture = ET.parse(path).getroot()
    assert {one.tag.removeprefix(SVG) for one in picture.iter()} == {
        *("svg", "title", "desc", "rect", "g", "text")
    }
    assert not [value for value in values(picture) if re.search(r"url\(|://", value)]
    right = float(picture.attrib["width"]) - svg.MARGIN
    for text in picture.iter(f"{SVG}text"):
        end = float(text.attrib["x"]) + float(text.get("textLength", svg.CELL_WIDTH))
        assert svg.MARGIN + end <= right + 0.1, text.text
    assert f"](docs/pictures/{path.name})" in (ROOT / "README.md").read_text("utf-8")


def test_the_pictures_are_there() -> None:
    assert [path.stem for path in PICTURES] == ["check", "watch"]
