"""YAML of others: bounded, strict, with lines."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.core import yaml_source
from scaffolder.core.yaml_source import YamlError, load_yaml


def test_data_and_lines() -> None:
    document = load_yaml("a: 1\nb:\n  - c: x\n  - d: [1, 2]\n")
    assert document.data == {"a": 1, "b": [{"c": "x"}, {"d": [1, 2]}]}
    assert document.line("b", 1, "d") == 4
    assert document.line("b", 9, "nothing") == 2
    assert document.line() == 1


def test_on_stays_a_word() -> None:
    assert load_yaml("on: push\n").data == {"on": "push"}


def test_merge_keys() -> None:
    assert load_yaml("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n").data["y"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\na: 2\n", 2, "stands twice"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: 1\n--- \nb: 2\n", 2, "not valid YAML"),
        ("a: !!python/object:os.system x\n", 1, "not valid YAML"),
        ("? [a]\n: 1\n", 1, "plain text"),
        ("a: 2020-99-99\n", 1, "not valid YAML"),
        ("[" * 100 + "]" * 100, 1, "levels deep"),
        ("[" * 400_000, 1, "levels deep"),
        ("\x00", 1, "not valid YAML"),
    ],
)
def test_errors_name_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlError) as caught:
        load_yaml(text)
    assert words in caught.value.message
    assert caught.value.line == line


def test_a_bomb_does_not_go_off() -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{previous}'] * 10)}]"
        for previous, name in zip(names, names[1:], strict=False)
    ]
    with pytest.raises(YamlError, match="expands to more than"):
        load_yaml("\n".join(lines))


def test_an_anchor_that_holds_itself_is_refused() -> None:
    with pytest.raises(YamlError):
        load_yaml("a: &a [*a]\n")


def test_an_anchor_may_be_defined_again() -> None:
    assert load_yaml("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").data == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: {b: [1,\n  c: 2\n", 3, "while parsing a flow sequence, line 1; did not find"),
        ("a: 'b\nc: d\n", 3, "while scanning a quoted scalar, line 1; found unexpected end"),
        ("a:\n b: 1\n  c: 2\n", 3, "mapping values are not allowed"),
        ("a: *b\n", 1, "*b names an anchor that is not defined"),
        ("a:\n\tb: 1\n", 2, "a tab stands where YAML wants spaces"),
        ("a:\n  - b\n \t- c\n", 3, "a tab stands where YAML wants spaces"),
        ("a:\tb: @c\n", 1, "mapping values are not allowed"),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
    ],
)
def test_an_error_is_told_whole(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlError) as caught:
        load_yaml(text)
    assert words in caught.value.message
    assert caught.value.line == line


def test_plain_words_by_the_core_schema_of_yaml_1_2() -> None:
    text = (
        "a: [yes, on, No, true, TRUE, ~, null, '', 'true', !!str 1]\n"
        "b: [010, 0o10, 0x1F, +1, 1_000, 1:30, 2020-99-99, 1e3, .5, 1., -.inf, 0b1]\n"
        "1: {true: x, ~: y}\n"
    )
    assert load_yaml(text, core=True).data == {
        "a": ["yes", "on", "No", True, True, None, None, "", "true", "1"],
        "b": [10, 8, 31, 1, "1_000", "1:30", "2020-99-99", 1000.0, 0.5, 1.0, -float("inf"), "0b1"],
        "1": {"true": "x", "~": "y"},
    }


@pytest.mark.parametrize(
    "text", ["a: !!int x", "a: !!binary eA==", "a: !!timestamp 2020-01-01", "a: !x y"]
)
def test_a_tag_that_github_does_not_know(text: str) -> None:
    with pytest.raises(YamlError, match="the tag"):
        load_yaml(text, core=True)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(_plain)
def test_what_is_written_is_read(data: object) -> None:
    assert load_yaml(yaml.safe_dump(data)).data == data


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        load_yaml(text)
    except yaml_source.YamlError as error:
        assert error.line >= 1


SURVEYED = """\
on: push # now
a: &x {b: [1, "ü"]}
c: *x
d:
e: |
  one
  two

# a comment
f:
  - g: 'q'
    h:
  -
  - - i
  - # what follows has no offset of its own
    j
"""


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spans_are_what_is_written(eol: str, mark: str) -> None:
    text = mark + SURVEYED.replace("\n", eol)
    found = {
        place: (text[one.start : one.end].replace("\r", ""), text[one.value : one.end])
        for place, one in yaml_source.find_spans(text).items()
    }
    assert found["on",] == ("on: push", "push")
    assert found["a",] == ('a: &x {b: [1, "ü"]}', '&x {b: [1, "ü"]}')
    assert found["a", "b", 1] == ('"ü"', '"ü"')
    assert found["c",] == ("c: *x", "*x")
    assert found["d",] == ("d:", "")
    assert found["e",][0] == "e: |\n  one\n  two"
    assert found["f", 0][0] == "- g: 'q'\n    h:"
    assert found["f", 0, "h"] == ("h:", "")
    assert found["f", 1] == ("-", "")
    assert found["f", 2, 0] == ("- i", "i")
    assert ("f", 3) not in found
    assert ("c", "b") not in found, "an alias is a part without parts"
    assert {place for place, one in yaml_source.find_spans(text).items() if one.flow} == {
        ("a", "b"),
        ("a", "b", 0),
        ("a", "b", 1),
    }


def test_spans_of_what_is_not_yaml() -> None:
    assert yaml_source.find_spans("") == {}
    with pytest.raises(YamlError):
        yaml_source.find_spans("a: [1\n")
