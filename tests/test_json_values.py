"""What a JSON value must hold."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.json_values import (
    JsonExpectation,
    Miss,
    format_keys,
    is_same_json,
    show_json,
)

VALUE = {"name": "tea", "tags": ["a", {"b": 1, "c": 2}], "price": 2.0, "sold": True, "none": None}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "has",
    [{}, {"name": "tea"}, {"tags": ["a", {"b": 1}]}, {"price": 2}, {"none": None}, VALUE],
)
def test_a_part_is_held(has: Any) -> None:
    assert JsonExpectation(has=has).list_misses(VALUE) == []


@pytest.mark.parametrize(
    ("has", "miss"),
    [
        ({"nam": 1}, Miss("nam is missing", "1", show_json(list(VALUE)))),
        ({"sold": 1}, Miss("sold is another value", "1", "true", ("sold",))),
        ({"none": False}, Miss("none is another value", "false", "null", ("none",))),
        (
            {"tags": ["a"]},
            Miss("tags is another list", '["a"]', '["a", {"b": 1, "c": 2}]', ("tags",)),
        ),
        (
            {"tags": ["a", {"b": 2}]},
            Miss("tags[1].b is another value", "2", "1", ("tags", 1, "b")),
        ),
        ([1], Miss("the whole is another value", "[1]", show_json(VALUE))),
    ],
)
def test_a_miss_names_its_place(has: Any, miss: Miss) -> None:
    assert JsonExpectation(has=has).list_misses(VALUE) == [miss]


def test_expressions_are_asked() -> None:
    held = JsonExpectation(where={"length(tags)": 2, "price > `1`": True, "gone": None})
    assert held.list_misses(VALUE) == []
    asked = JsonExpectation(where={"tags[1].b": True, "length(price)": 1, "name": "tea"})
    first, second = asked.list_misses(VALUE)
    assert first == Miss("tags[1].b gives another value", "true", "1")
    assert second.words == "length(price) cannot be asked here"


@pytest.mark.parametrize(
    "asked", [{}, {"where": {"a[": 1}}, {"where": {"nope(@)": 1}}, {"has": 1, "hat": 1}]
)
def test_an_expectation_that_says_nothing_is_refused(asked: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(asked, JsonExpectation)


@given(json_values)
def test_a_value_holds_itself(value: Any) -> None:
    assert JsonExpectation(has=value).list_misses(copy.deepcopy(value)) == []
    assert is_same_json(value, copy.deepcopy(value))


@given(json_values, json_values)
def test_what_misses_nothing_of_a_scalar_is_equal(one: Any, other: Any) -> None:
    assert is_same_json(one, other) == is_same_json(other, one)
    if not isinstance(one, dict | list):
        held = JsonExpectation(has=one).list_misses(other) == []
        assert held == is_same_json(one, other)


def test_the_way_to_a_place_is_told() -> None:
    assert format_keys(("services", "web", "ports", 0, "a b")) == 'services.web.ports[0]["a b"]'
