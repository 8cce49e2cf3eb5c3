"""Check kind `data.holds`."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar, Literal

from msgspec import UNSET, UnsetType

from scaffolder.checks.context import Context, Run
from scaffolder.checks.data import schemas
from scaffolder.checks.data.expressions import find_beginning
from scaffolder.checks.data.ini_format import read_ini
from scaffolder.checks.data.json_format import read_json
from scaffolder.checks.data.places import DataDocument, DataError
from scaffolder.checks.data.toml_format import read_toml
from scaffolder.checks.data.yaml_format import read_front_matter, read_yaml
from scaffolder.checks.json_schemas import SchemaProblem, format_position
from scaffolder.checks.json_values import JsonExpectation, Miss
from scaffolder.checks.kind import Kind
from scaffolder.core.errors import UnusableFileError
from scaffolder.core.json_text import load_json
from scaffolder.model import Evidence, Finding, Verdict, failed, passed
from scaffolder.workspace import read_text

Format = Literal["json", "yaml", "toml", "ini", "front-matter"]

_READERS: Mapping[Format, Callable[[str], tuple[DataDocument, ...]]] = {
    "json": read_json,
    "yaml": read_yaml,
    "toml": read_toml,
    "ini": read_ini,
    "front-matter": read_front_matter,
}
_BY_SUFFIX: Mapping[str, Format] = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
    ".conf": "ini",
    ".md": "front-matter",
    ".markdown": "front-matter",
}
_NAMES: Mapping[Format, str] = {
    "json": "JSON",
    "yaml": "YAML",
    "toml": "TOML",
    "ini": "INI",
    "front-matter": "YAML between its first two lines ---",
}
_HAS = "has"
# A handful at a time is what somebody mends.
_MOST_FINDINGS = 8
_MOST_VALUES = 50_000
_MOST_BYTES = 512 * 1024


class DataHolds(Kind, frozen=True, kw_only=True):
    """A data file holds what it should, by a JSON Schema or by what expressions give.

    Reads a JSON, YAML, TOML or INI file, or the YAML front matter of a Markdown file, as JSON: a
    date is text in ISO form, each key is text, and in INI each value. A key that stands twice is
    an error in every format. Of what is wrong the place is told, with its line.

    Parameters:
        file: the path of the file.
        format: json, yaml, toml, ini or front-matter, where the file's name does not end in .json,
            .yaml, .yml, .toml, .ini, .cfg, .conf, .md or .markdown.
        document: which document of a YAML file is looked at, from 1, or all of them, each for
            itself; without it there must be just one.
        schema: a JSON Schema, or the path of one in the lab's own `fixtures/`. What it refers to
            must be in it: nothing is fetched. Of formats (`format:`) date, email, ipv4, ipv6, regex
            and uuid count.
        has: a part of the data: of objects the keys that count, with what they hold; a list counts
            as a whole.
        where: what JMESPath expressions (https://jmespath.org) must give, e.g.
            `"length(services)": 3` or "timeout > `5`": true.

    Passes: the document, or each of them, meets the schema and all that is expected.

    Fails: it does not; the file is missing, leads outside, is empty, is not of its format, has a
    key twice, has another number of documents, or is too large or too deeply nested to be read.

    Example:
        - id: postmortem-has-its-parts
          kind: data.holds
          file: postmortem.md
          schema:
            type: object
            required: [impact, root_cause, actions]
            properties:
              impact: {type: string, minLength: 20}
              actions: {type: array, minItems: 2}
          where: {"length(actions[?owner])": 2}
    """

    quick: ClassVar[bool] = True

    file: str
    format: Format | None = None
    document: int | Literal["all"] | None = None
    schema: dict[str, Any] | str | None = None
    has: Any = UNSET
    where: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        """Refuse a check that everything passes, or that cannot be made."""
        if self.schema is None and not self._expectations:
            raise ValueError("give `schema`, `has` or `where`, otherwise everything holds")
        if isinstance(self.schema, str) and not self.schema.startswith("fixtures/"):
            raise ValueError("`schema` is a JSON Schema, or a path that begins with fixtures/")
        if isinstance(self.document, int) and self.document < 1:
            raise ValueError("`document` counts from 1")
        _ = self._format

    @property
    def reads(self) -> tuple[str, ...]:
        """The file alone."""
        return (glob.escape(self.file),)

    @property
    def fixture_files(self) -> tuple[str, ...]:
        """The schema, where it is a file of the lab's."""
        return (self.schema,) if isinstance(self.schema, str) else ()

    @property
    def _expectations(self) -> Mapping[str, JsonExpectation]:
        """What is expected besides the schema, by the rule of the findings."""
        found = {one: JsonExpectation(where={one: value}) for one, value in self.where.items()}
        if isinstance(self.has, UnsetType):
            return found
        return {_HAS: JsonExpectation(has=self.has), **found}

    @property
    def _format(self) -> Format:
        """The format; raises ValueError where nothing tells it."""
        found = self.format or _BY_SUFFIX.get(PurePosixPath(self.file).suffix.lower())
        if found is None:
            known = ", ".join(_READERS)
            raise ValueError(f"give `format`, since the name of {self.file} tells none of {known}")
        return found

    def run(self, context: Context) -> Verdict:
        schema = self._load_schema(context.run)
        try:
            documents = self._choose(_read_documents(context.run, self.file, self._format))
        except DataError as error:
            finding = Finding(error.message, path=self.file, line=error.line, rule=error.rule)
            return failed(f"{self.file} {error.message}", finding)
        findings = [one for document in documents for one in self._list(schema, document)]
        if findings:
            return self._fail(findings)
        number = f", each of its {len(documents)} documents" if len(documents) > 1 else ""
        return passed(f"{self.file} holds what it should{number}")

    def _load_schema(self, run: Run) -> Any:
        """Return the schema, None where there is none; raises RuntimeError for a broken one."""
        if not isinstance(self.schema, str):
            return self.schema
        try:
            return load_json(read_text(run.lab_root, self.schema))
        except (UnusableFileError, ValueError) as error:
            raise RuntimeError(f"the lab's schema {self.schema} cannot be read: {error}") from error

    def _choose(self, documents: Sequence[DataDocument]) -> Sequence[DataDocument]:
        number = len(documents)
        if self.document == "all":
            return documents
        if self.document is None:
            if number > 1:
                raise DataError(f"holds {number} documents, and one is expected", rule="documents")
            return documents
        if self.document > number:
            many = f"{number} document{'s' if number > 1 else ''}"
            raise DataError(f"holds {many}, and {self.document} are expected", rule="documents")
        return documents[self.document - 1 : self.document]

    def _list(self, schema: Any, document: DataDocument) -> Iterator[Finding]:
        if schema is not None:
            for problem in schemas.find_problems(schema, document.data):
                yield self._tell_problem(problem, document)
        for rule, expectation in self._expectations.items():
            for miss in expectation.list_misses(document.data):
                yield self._tell_miss(rule, miss, document)

    def _tell_problem(self, problem: SchemaProblem, document: DataDocument) -> Finding:
        where = format_position(problem.position) or "the whole"
        line = document.find_line(problem.position)
        return self._make_finding(f"{where}: {problem.message}", line, problem.validator)

    def _tell_miss(self, rule: str, miss: Miss, document: DataDocument) -> Finding:
        keys = miss.keys if rule == _HAS else find_beginning(rule)
        message = f"{miss.words}: {miss.expected} is expected, and it is {miss.actual}"
        return self._make_finding(message, document.find_line(keys), rule)

    def _make_finding(self, message: str, line: int, rule: str) -> Finding:
        # JSON and YAML can name halves of characters, which no report can hold.
        whole = message.encode("utf-8", "backslashreplace").decode()
        return Finding(whole, path=self.file, line=line, rule=rule)

    def _fail(self, findings: Sequence[Finding]) -> Verdict:
        number = len(findings)
        more = f" (and {number - 1} more)" if number > 1 else ""
        first = findings[0]
        return failed(
            f"{self.file}, line {first.line}: {first.message}{more}",
            *findings[:_MOST_FINDINGS],
            evidence=Evidence(
                ran=f"{self.file}, read as {_NAMES[self._format]}",
                actual=f"{number} thing{'s' if number > 1 else ''} in it not as expected",
            ),
        )


def _read_documents(run: Run, path: str, form: Format) -> tuple[DataDocument, ...]:
    """Return the documents of a file; raises DataError, UnusableFileError where it is no text."""
    for skipped in run.skipped:
        if skipped.path == path:
            raise UnusableFileError(f"is {skipped.reason}", path)
    documents = _READERS[form](read_text(run.snapshot, path, _MOST_BYTES))
    if not any(one.data not in (None, {}) for one in documents):
        raise DataError("holds no data at all", rule="empty")
    if sum(len(one.lines) for one in documents) > _MOST_VALUES:
        raise DataError(f"holds more than {_MOST_VALUES:,} values, too many to look at")
    return documents
