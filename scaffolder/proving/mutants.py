"""Wrong answers that devlab makes on its own: the solution with one small, plausible mistake.

`generate_mutants` reads the files of a solution that some family has operators for, and applies
each operator of the families at each place where it fits. Operators work on the parsed file and
edit its text: all but the edited characters stay as they are.

Not made: combinations of mistakes, and the same mistake at many places where one tells as much.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from scaffolder.checks import families
from scaffolder.checks.mutations import Mutators, Operator, Source, SourceEdit, apply_splices
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.core.lines import split_lines
from scaffolder.model import ChangeSet
from scaffolder.workspace import read_text

# An id is typed in shells and written into YAML lists.
_UNREADABLE = re.compile(r"[^\w.:/*@!=-]+")


@dataclass(frozen=True)
class Mutant:
    """One generated wrong answer.

    `id` is `operator:path`, or `operator:path:place` where a file has several places; the second
    of one name ends in `#2`. It has no line numbers, so an author may rely on it. `title` says in
    one line what is wrong, `line` (from 1) where in the solution. `after` is None where the file
    is deleted.
    """

    id: str
    operator: str
    title: str
    path: str
    line: int
    before: str
    after: str | None

    @property
    def change(self) -> ChangeSet:
        """The edit of the solution that makes this wrong answer."""
        if self.after is None:
            return ChangeSet(delete=(self.path,))
        return ChangeSet(write={self.path: self.after})

    @property
    def diff(self) -> str:
        """The edit as a unified diff."""
        target = "/dev/null" if self.after is None else f"b/{self.path}"
        lines = difflib.unified_diff(
            _lines(self.before), _lines(self.after or ""), f"a/{self.path}", target
        )
        return "".join(lines)


def list_mutators() -> tuple[Mutators, ...]:
    """Return the operators of every family, by sort of file."""
    return tuple(one for family in families.FAMILIES for one in family.load_mutators())


def generate_mutants(root: Path, paths: Collection[str]) -> tuple[Mutant, ...]:
    """Return all mutants of the solution in the folder `root`, always in the same order.

    Only the files `paths` (relative to `root`, with forward slashes) are the learner's answer and
    are changed; what they refer to may be read. Raises DevlabError with file and line where one
    of them does not parse.
    """
    mutants = [
        mutant
        for path in sorted(set(paths))
        for mutators in list_mutators()
        if mutators.owns(path)
        for mutant in _of_file(mutators, Source(root, path, read_text(root, path)))
    ]
    return tuple(_numbered(mutants))


def _of_file(mutators: Mutators, source: Source) -> Iterator[Mutant]:
    """Yield the mutants of one file, each text once."""
    try:
        parsed = mutators.parse(source)
    except UnusableFileError as error:
        where = f"{error.path}:{error.line}" if error.line else error.path
        raise DevlabError(
            f"{where}: {error.message}",
            hint=f"mutants are made of parsed files; mend this {mutators.name} of the solution",
        ) from error
    if parsed is None:
        return
    seen: set[str | None] = {source.text}
    for operator in mutators.operators:
        for edit in operator.edits(parsed):
            mutant = _mutant(operator, edit, source)
            if mutant.after not in seen and _parses(mutators, source, mutant.after):
                seen.add(mutant.after)
                yield mutant


def _mutant(operator: Operator, edit: SourceEdit, source: Source) -> Mutant:
    place = _UNREADABLE.sub("-", edit.place).strip("-")
    return Mutant(
        id=":".join(filter(None, (operator.name, source.path, place))),
        operator=operator.name,
        title=edit.title,
        path=source.path,
        line=_line(source.text, edit),
        before=source.text,
        after=apply_splices(source.text, edit.splices) if edit.splices else None,
    )


def _line(text: str, edit: SourceEdit) -> int:
    """Return the line of what is changed; what is added stands behind the last one at most."""
    if not edit.splices:
        return 1
    first = edit.splices[0]
    gone = text[first.start : first.end]
    start = first.start + len(gone) - len(gone.lstrip())
    return min(text.count("\n", 0, start), len(split_lines(text)) - 1) + 1


def _parses(mutators: Mutators, source: Source, text: str | None) -> bool:
    """Tell whether a mutant is still a file of its mutators."""
    if text is None:
        return True
    try:
        return mutators.parse(replace(source, text=text)) is not None
    except DevlabError:
        return False


def _numbered(mutants: list[Mutant]) -> Iterator[Mutant]:
    """Yield the mutants with unique ids."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.id] += 1
        number = seen[mutant.id]
        yield replace(mutant, id=f"{mutant.id}#{number}") if number > 1 else mutant


def _lines(text: str) -> list[str]:
    """Return the lines for a diff, the last one told to lack its break if it does."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines
