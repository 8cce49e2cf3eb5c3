"""The ways in which people get files of numbers wrong."""

from __future__ import annotations

from collections.abc import Iterator

from scaffolder.checks.mutations import Edit, Mutators, Operator, Source, Splice


def drop_number(source: Source) -> Iterator[Edit]:
    at = 0
    for line in source.text.splitlines(keepends=True):
        yield Edit(line.strip(), f"{line.strip()} is forgotten", (Splice(at, at + len(line)),))
        at += len(line)


MUTATORS = (
    Mutators(
        "numbers",
        lambda path: path.endswith("numbers.txt"),
        lambda source: source,
        (Operator("drop-number", "a number forgotten", drop_number),),
    ),
)
