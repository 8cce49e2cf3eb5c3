"""Data files: held against schemas and expectations, with the line of what is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.checks.data.expressions import find_beginning
from scaffolder.checks.data.ini_format import read_ini
from scaffolder.checks.data.json_format import read_json
from scaffolder.checks.data.places import DataDocument, DataError, Keys
from scaffolder.checks.data.schemas import find_problems
from scaffolder.checks.data.toml_format import read_toml
from scaffolder.checks.data.yaml_format import read_front_matter, read_yaml
from scaffolder.checks.registry import KINDS
from scaffolder.model import Outcome, Verdict
from tests.support.examples import Expected, assert_holds, judge_work, list_examples

READERS = [read_json, read_yaml, read_toml, read_ini, read_front_matter]


@pytest.mark.parametrize(("folder", "expected"), list_examples("data"))
def test_examples(folder: Path, expected: Expected, tmp_path: Path) -> None:
    assert_holds(folder, expected, tmp_path / "scratch")


def hold(tmp_path: Path, content: str | bytes, name: str = "a.json", **parameters: Any) -> Verdict:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    (work / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    number = len(list(tmp_path.iterdir()))
    given = {"file": name, **parameters}
    return judge_work(work, tmp_path / f"scratch-{number}", "data.holds", given)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "otherwise everything holds"),
        ({"where": {}}, "otherwise everything holds"),
        ({"where": {"a[": 1}}, "is not a JMESPath expression"),
        ({"has": 1, "file": "a.txt"}, "give `format`"),
        ({"has": 1, "document": 0}, "counts from 1"),
        ({"schema": "x.json"}, "begins with fixtures/"),
    ],
)
def test_a_check_that_cannot_be_is_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words.replace("/", ".")):
        msgspec.convert({"file": "a.json", **parameters}, KINDS["data.holds"])


def test_the_labs_own_file_of_a_schema_is_known() -> None:
    kind = KINDS["data.holds"]
    assert kind(file="a.json", schema="fixtures/a.json").fixture_files == ("fixtures/a.json",)
    assert kind(file="a.json", schema={}).fixture_files == ()
    assert kind(file="a[1].json", schema={}).reads == ("a[[]1].json",)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "nonsense"}, "the lab's schema is none, at /type"),
        ({"$ref": "#/$defs/x"}, "names what is not in it"),
        ({"$ref": "http://127.0.0.1:9/x.json"}, "names what is not in it"),
        ("fixtures/none.json", "the lab's schema fixtures/none.json cannot be read"),
    ],
)
def test_a_broken_schema_is_no_fail_of_the_learners(
    tmp_path: Path, schema: Any, words: str
) -> None:
    verdict = hold(tmp_path, '{"a": 1}', schema=schema)
    assert verdict.outcome is Outcome.ERROR
    assert words in verdict.message


def test_at_most_a_handful_is_told(tmp_path: Path) -> None:
    content = json.dumps({str(number): number for number in range(30)})
    verdict = hold(tmp_path, content, schema={"additionalProperties": {"type": "string"}})
    assert len(verdict.findings) == 8
    assert "(and 19 more)" in verdict.message


def test_a_long_list_of_different_things_is_compared_at_once(tmp_path: Path) -> None:
    items = [{"a": number} for number in range(20_000)]
    assert hold(tmp_path, json.dumps(items), schema={"uniqueItems": True}).outcome is Outcome.PASS
    verdict = hold(tmp_path, json.dumps([*items, {"a": 1}]), schema={"uniqueItems": True})
    assert [one.rule for one in verdict.findings] == ["uniqueItems"]


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True], True),
        ([0, False, None, ""], True),
        ([1, 1.0], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        ([[1], [True]], True),
        ([[1], [1.0]], False),
        ([["object", []], {}], True),
    ],
)
def test_items_are_the_same_as_json_has_it(items: list[Any], unique: bool) -> None:
    assert (find_problems({"uniqueItems": True}, items) == ()) is unique


def test_half_a_character_can_be_reported(tmp_path: Path) -> None:
    verdict = hold(tmp_path, '{"a": "\\ud800", "\\udfff": 1}', has={"a": 1})
    assert verdict.outcome is Outcome.FAIL
    assert msgspec.json.encode(verdict)
    schema = {"additionalProperties": False, "properties": {"a": {"enum": [1]}}}
    assert msgspec.json.encode(hold(tmp_path, '{"\\udfff": 1, "a": "\\ud800"}', schema=schema))


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

# A hundred thousand values, which are too many twice.
HALF_A_BOMB = BOMB[: BOMB.index("a5:")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.yaml", BOMB, "expands to more than"),
        ("a.yaml", f"---\n{HALF_A_BOMB}---\n{HALF_A_BOMB}", "expands to more than"),
        ("a.yaml", "a: &a [*a]\n", "nested more than"),
        ("a.yaml", "- 1\n" * 60_000, "more than 50,000 values"),
        ("a.yaml", "[" * 100_000, "nested more than"),
        ("a.json", "[" * 100_000, "nested more than"),
        ("a.json", f"{'[' * 200}{']' * 200}", "nested more than"),
        ("a.json", "9" * 5000, "is another value"),
        ("a.json", f"[{'1,' * 60_000}1]", "more than 50,000 values"),
        ("a.json", b"\xef\xbb\xbf{}", "is no JSON"),
        ("a.json", b"\xff", "not UTF-8 text"),
        ("a.json", " " * 600_000, "bytes long"),
        ("a.toml", f"a={'[' * 100_000}", "nested too deeply"),
        ("a.toml", f"a={'[' * 300}{']' * 300}", "nested too deeply"),
        ("a.toml", f"a{'.a' * 900}=1", "nested too deeply"),
        ("a.toml", f"a{'.a' * 20_000}=1", "more than 1000 dots"),
        ("a.toml", f"a = {'9' * 5000}", "is no TOML"),
        ("a.ini", "[a]\n" + "k = 1\n" * 10, "has the key 'k' twice"),
        ("a.ini", "[\0]\n", "holds no data"),
        ("a.md", "---\n" * 100_000, "holds no data"),
    ],
)
def test_hostile_files_fail_in_words(
    tmp_path: Path, name: str, content: str | bytes, words: str
) -> None:
    verdict = hold(tmp_path, content, name, has={"a": 1})
    assert verdict.outcome is Outcome.FAIL, verdict
    assert words in verdict.message


def test_a_link_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text('{"a": 1}')
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.json").symlink_to(tmp_path / "elsewhere.json")
    parameters = {"file": "a.json", "has": {"a": 1}}
    verdict = judge_work(tmp_path / "work", tmp_path / "scratch", "data.holds", parameters)
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAIL,
        "a.json is a link that leads outside the workspace",
    )


@given(st.text(max_size=100))
@settings(max_examples=200)
def test_any_text_is_data_or_refused(text: str) -> None:
    for read in READERS:
        try:
            documents = read(text)
        except DataError as error:
            assert 1 <= error.line <= text.count("\n") + 2
        else:
            assert all(
                1 <= line <= text.count("\n") + 2
                for one in documents
                for line in one.lines.values()
            )


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ("services.web.ports[0]", ("services", "web", "ports", 0)),
        ("length(items)", ("items",)),
        ("length(keys(a.b))", ("a", "b")),
        ('ports."80".name', ("ports", "80", "name")),
        ("items[?owner].name", ("items",)),
        ("a.length(@)", ("a",)),
        ("a > `2`", ("a",)),
        ("@", ()),
        ("*.a", ()),
        ("[0].a", (0, "a")),
    ],
)
def test_where_an_expression_begins(expression: str, keys: Keys) -> None:
    assert find_beginning(expression) == keys


# Every line of what these writers write holds one thing, and they say where each is.
KEYS = st.text("ab-_1 .\"'#[]=\\é", min_size=1, max_size=5)
SCALARS = st.one_of(
    st.integers(-(10**6), 10**6),
    st.booleans(),
    st.text("ab\"'\\#[]{},=. \té", max_size=8),
    st.sampled_from([1.5, -0.25, "line\nline", '"""', "'''"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


def list_parts(value: Any, keys: Keys = ()) -> dict[Keys, Any]:
    parts: dict[Keys, Any] = {keys: value}
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, part in items:
        parts |= list_parts(part, (*keys, key))
    return parts


def assert_places(text: str, document: DataDocument, value: Any) -> None:
    """Assert that each part of the data has a line, and that its key stands there."""
    lines = text.split("\n")
    parts = list_parts(value)
    assert document.data == value
    assert set(document.lines) == set(parts)
    for keys in parts:
        if keys and isinstance(keys[-1], str):
            line = lines[document.lines[keys] - 1]
            assert line.lstrip().startswith((json.dumps(keys[-1], ensure_ascii=False), "[")), line


@given(VALUES, st.sampled_from([None, 1]))
def test_places_in_json_are_where_it_stands(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    (document,) = read_json(text)
    if indent:
        assert_places(text, document, value)
    else:
        assert set(document.lines) == set(list_parts(value))
        assert set(document.lines.values()) == {1}


@given(VALUES)
def test_places_in_yaml_are_where_it_stands(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        return
    documents = read_yaml(text)
    if documents[0].data == value:
        assert_places(text, documents[0], value)


def write_toml(table: dict[str, Any], keys: tuple[str, ...] = ()) -> str:
    """Return TOML with the keys of each table in lines of their own, and headers for tables."""
    own = [(key, value) for key, value in table.items() if not _has_header(value)]
    text = "".join(f"{_quote(key)} = {_inline(value)}\n" for key, value in own)
    for key, value in table.items():
        name = ".".join(map(_quote, (*keys, key)))
        if _has_header(value) and isinstance(value, dict):
            text += f"\n[{name}] # a table\n{write_toml(value, (*keys, key))}"
        elif _has_header(value):
            for one in value:
                text += f"[[ {name} ]]\n{write_toml(one, (*keys, key))}"
    return text


def _has_header(value: Any) -> bool:
    tables = value if isinstance(value, list) else [value]
    return bool(tables) and all(isinstance(one, dict) for one in tables)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",\n# ]\n".join(map(_inline, value)) + "]"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_quote(key)} = {_inline(one)}" for key, one in value.items()) + "}"
        )
    if isinstance(value, str) and "'" not in value and "\n" in value:
        return f"'''{value}'''"
    return json.dumps(value, ensure_ascii=False).replace("\t", "\\t")


@given(TABLES)
@settings(max_examples=200)
def test_places_in_toml_are_where_it_stands(table: dict[str, Any]) -> None:
    text = write_toml(table)
    assert tomllib.loads(text) == table
    (document,) = read_toml(text)
    assert document.data == table
    assert set(document.lines) == set(list_parts(table))
    lines = text.split("\n")
    for keys in document.lines:
        if keys and isinstance(keys[-1], str):
            assert _quote(keys[-1]) in lines[document.lines[keys] - 1]


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ("a.b.c = 1\n", ("a", "b"), 1),
        ("x = 1\n[a.b]\nc = 1\n[a]\nd = 2\n", ("a",), 4),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]\nc = 1\n", ("a", 1, "b", "c"), 5),
        ("[[a]]\n[[a]]\n", ("a", 1), 2),
        ("a = [[1,\n2], [3]]\n", ("a", 0, 1), 2),
        ("a = [[1,\n2], [3]]\nb = 1\n", ("a", 1, 0), 2),
        ("a = '''\n'''\nb = 1979-05-27 07:32:00.5\nc = 3.5e-1\n", ("c",), 4),
        ('a = """\n\\""""\nb = 1\n', ("b",), 3),
        ('a = """\n"""""\nb = 1\n', ("b",), 3),
        ("a = {b.c = 1, d = {e = [1]}}\r\nf = 1\r\n", ("f",), 2),
        ("'a.b'.c = 1\n", ("a.b", "c"), 1),
    ],
)
def test_places_in_toml(text: str, keys: Keys, line: int) -> None:
    (document,) = read_toml(text)
    assert document.lines[keys] == line


@given(
    st.dictionaries(
        st.text("abAB .=#", min_size=1, max_size=4).filter(str.strip),
        st.dictionaries(st.text("abA-_. ", min_size=1, max_size=4).map(str.strip).filter(bool),
                        st.sampled_from(["1", "a = b", "x\n  [b]\n  y", "a: b"]), max_size=3),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_places_in_ini_are_where_it_stands(sections: dict[str, dict[str, str]]) -> None:
    text = "; words\n\n" + "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n# words\n" for key, value in keys.items())
        for name, keys in sections.items()
    )
    (document,) = read_ini(text)
    assert {name: set(keys) for name, keys in document.data.items()} == {
        name: set(keys) for name, keys in sections.items()
    }
    lines = text.split("\n")
    for keys, line in document.lines.items():
        if keys:
            begins = f"[{keys[0]}]" if len(keys) == 1 else f"{keys[1]} ="
            assert lines[line - 1].startswith(begins)
    assert len(document.lines) == 1 + len(sections) + sum(map(len, sections.values()))
