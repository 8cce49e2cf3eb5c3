"""The ways in which people get files of numbers wrong."""

from __future__ import annotations

from collections.abc import Iterator

from scaffolder.checks.mutations import Mutators, Operator, Source, SourceEdit, Splice


def drop_number(source: Source) -> Iterator[SourceEdit]:
    at = 0
    for line in source.text.splitlines(keepends=True):
        yield SourceEdit(
            line.strip(), f"{line.strip()} is forgotten", (Splice(at, at + len(line)),)
        )
        at += len(line)


MUTATORS = (
    Mutators(
        "numbers",
        lambda path: path.endswith("numbers.txt"),
        lambda source: source,
        (Operator("drop-number", "a number forgotten", drop_number),),
    ),
)
