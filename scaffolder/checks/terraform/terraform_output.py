"""Read the JSON that Terraform writes, in which the values of the work stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaffolder.core import json_text
from scaffolder.core.errors import WorkFaultError
from scaffolder.core.lines import split_lines


def read_messages(output: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines of a command that ran with -json; other lines are no messages."""
    for line in split_lines(output):
        try:
            message = json_text.load_json(line)
        except json_text.TooDeepError as error:
            raise _too_deep() from error
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def read_json(text: str) -> Any:
    """Return what Terraform wrote down; raises WorkFaultError for values nested without end."""
    try:
        return json_text.load_json(text)
    except json_text.TooDeepError as error:
        raise _too_deep() from error


def _too_deep() -> WorkFaultError:
    return WorkFaultError(
        f"a value or an output is nested more than {json_text.DEPTH_LIMIT} levels deep, which is "
        "not read here"
    )
