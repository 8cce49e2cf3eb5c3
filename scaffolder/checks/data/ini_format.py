"""INI with the line of each part: Python's reader decides what is there, a scan where it stands."""

from __future__ import annotations

import configparser

from scaffolder.checks.data.places import DataDocument, DataError, Keys, make_twice_error
from scaffolder.core.lines import split_lines

# A name that no section has: `[DEFAULT]` is a section like any other.
_NO_DEFAULTS = "\0"
_COMMENTS = ("#", ";")


def read_ini(text: str) -> tuple[DataDocument, ...]:
    """Return the sections of a text, each with its keys; all values are text. Raises DataError."""
    parser = configparser.RawConfigParser(default_section=_NO_DEFAULTS, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    text = text.removeprefix("\ufeff")
    try:
        # Lines are those of an editor: not each form feed ends one.
        parser.read_file(split_lines(text) if text else [])
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        key = getattr(error, "option", None) or error.section
        raise make_twice_error(key, error.lineno or 1) from error
    except configparser.MissingSectionHeaderError as error:
        raise DataError(
            "is no INI: a key stands above the first [section]", error.lineno
        ) from error
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 1
        raise DataError("is no INI: the line is neither [section] nor key = value", line) from error
    except configparser.Error as error:
        raise DataError(f"is no INI: {' '.join(str(error).split())}") from error
    data = {name: dict(parser.items(name)) for name in parser.sections()}
    return (DataDocument(data, _find_lines(text, data)),)


def _find_lines(text: str, data: dict[str, dict[str, str]]) -> dict[Keys, int]:
    lines: dict[Keys, int] = {(): 1}
    section = ""
    for number, line in enumerate(split_lines(text) if text else [], 1):
        if not line.strip() or line.strip().startswith(_COMMENTS):
            continue
        header = configparser.RawConfigParser.SECTCRE.match(line.strip())
        if header and header["header"] in data and (header["header"],) not in lines:
            section = header["header"]
            lines[(section,)] = number
            continue
        option = configparser.RawConfigParser.OPTCRE.match(line.strip())
        if option and section and option["option"].rstrip() in data[section]:
            lines.setdefault((section, option["option"].rstrip()), number)
    return lines
