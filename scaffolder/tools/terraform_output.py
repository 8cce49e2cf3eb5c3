"""Read the JSON that Terraform writes, in which the values of the work stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaffolder import jsontext
from scaffolder.errors import WorkFaultError
from scaffolder.lines import lines_of


def messages(output: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a command that ran with -json; other lines are no messages."""
    for line in lines_of(output):
        try:
            message = jsontext.load(line)
        except jsontext.TooDeepError as error:
            raise _too_deep() from error
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def read(text: str) -> Any:
    """Return what Terraform wrote down; raises WorkFaultError for values nested without end."""
    try:
        return jsontext.load(text)
    except jsontext.TooDeepError as error:
        raise _too_deep() from error


def _too_deep() -> WorkFaultError:
    return WorkFaultError(
        f"a value or an output is nested more than {jsontext.DEPTH_LIMIT} levels deep, which is "
        "not read here"
    )
