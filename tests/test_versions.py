"""Versions and requirements, as Python's packages spell them."""

from __future__ import annotations

import pytest

from scaffolder.tools.versions import parse_version
from scaffolder.tools.wheelhouse import is_plain_requirement


def test_versions_are_ordered_as_numbers_and_what_is_none_comes_first() -> None:
    told = ["5.100.0", "none", "6.0.0", "5.9.1", "6.0.0-beta1", ""]
    assert sorted(told, key=parse_version) == [
        *("none", ""),
        *("5.9.1", "5.100.0", "6.0.0-beta1", "6.0.0"),
    ]


@pytest.mark.parametrize(
    "text", ["flask", "Flask[async]>=3,<4", "a == 1.*", "tomli; python_version < '3.11'"]
)
def test_a_package_of_an_index_is_a_plain_requirement(text: str) -> None:
    assert is_plain_requirement(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "-r other.txt", "--index-url=https://example.org", "./folder", "../up", "a.whl/b"),
        *("flask @ https://example.org/flask.whl", "git+https://example.org/flask", "a b"),
        "flask==3 --hash=sha256:00",
    ],
)
def test_addresses_paths_and_options_are_none(text: str) -> None:
    assert not is_plain_requirement(text)
