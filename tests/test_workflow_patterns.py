"""Patterns: GitHub's own examples, and properties against a regular expression."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.github.workflow_patterns import is_selected, matches_filter, matches_glob

# The examples of the filter pattern cheat sheet, and what they must not match.
FILTERS = [
    ("feature/*", "feature/my-branch", True),
    ("feature/*", "feature/mona/octocat", False),
    ("feature/**", "feature/mona/the/octocat", True),
    ("main", "main", True),
    ("main", "maintenance", False),
    ("main", "not/main", False),
    ("*", "releases", True),
    ("*", "all/the/branches", False),
    ("**", "all/the/branches", True),
    ("*feature", "ver-10-feature", True),
    ("v2*", "v2.9", True),
    ("v[12].[0-9]+.[0-9]+", "v1.10.1", True),
    ("v[12].[0-9]+.[0-9]+", "v3.10.1", False),
    ("*.jsx?", "page.js", True),
    ("*.jsx?", "page.jsx", True),
    ("**.js", "src/js/app.js", True),
    ("*.js", "js/index.js", False),
    ("docs/*", "docs/a/file.txt", False),
    ("docs/**/*.md", "docs/README.md", True),
    ("docs/**/*.md", "docs/a/markdown/file.md", True),
    ("**/docs/**", "docs/hello.md", True),
    ("**/docs/**", "space/docs/plan/space.doc", True),
    ("**/*src/**", "my-src/code/js/app.js", True),
    ("**/README.md", "README.md", True),
    ("**/README.md", "NOTREADME.md", False),
    ("**/migrate-*.sql", "db/sept/migrate-v1.sql", True),
    ("+1", "+1", True),
    (r"c\+\+", "c++", True),
    (r"c++", "c++", False),
    ("[^a]", "b", True),
    ("", "main", False),
]
GLOBS = [
    ("requirements.txt", "requirements.txt", True),
    ("requirements.txt", "app/requirements.txt", False),
    ("**/requirements*.txt", "requirements-dev.txt", True),
    ("**/requirements*.txt", "a/b/requirements.txt", True),
    ("requirements*.txt", "a/requirements.txt", False),
    ("requirements", "requirements/dev.txt", True),
    ("requirements/", "requirements/dev.txt", True),
    ("./requirements.txt", "requirements.txt", True),
    ("requirements?.txt", "requirements.txt", False),
    ("requirements?.txt", "requirements1.txt", True),
    ("**", "a/b", True),
    ("**requirements.txt", "a/requirements.txt", False),
    (".github/**", ".github/workflows/ci.yml", True),
    ("[rR]equirements.txt", "Requirements.txt", True),
    ("require", "requirements.txt", False),
]


@pytest.mark.parametrize(("pattern", "name", "expected"), FILTERS)
def test_filters_match_as_the_cheat_sheet_says(pattern: str, name: str, expected: bool) -> None:
    assert matches_filter(pattern, name) is expected


@pytest.mark.parametrize(("pattern", "path", "expected"), GLOBS)
def test_globs_match_as_the_toolkit_does(pattern: str, path: str, expected: bool) -> None:
    assert matches_glob(pattern, path) is expected


@pytest.mark.parametrize(
    ("patterns", "name", "expected"),
    [
        (["*.md", "!README.md"], "README.md", False),
        (["*.md", "!README.md", "README*"], "README.md", True),
        (["!README.md", "*.md"], "README.md", True),
        (["!main"], "other", False),
        ([], "main", False),
    ],
)
def test_patterns_are_checked_in_order(patterns: list[str], name: str, expected: bool) -> None:
    assert is_selected(name, patterns) is expected


ATOMS = {
    "a": "a",
    "b": "b",
    ".": r"\.",
    "/": "/",
    "*": "[^/]*",
    "**": ".*",
    "**/": "(.+/)?",
    "[ab]": "[ab]",
    "[!a]": "[^a]",
    "a?": "a?",
    "b+": "b+",
    "[ab]+": "[ab]+",
    r"\*": r"\*",
}
NAMES = st.text(alphabet="ab./*", max_size=9)


@given(st.lists(st.sampled_from(sorted(ATOMS)), max_size=6), NAMES)
def test_filters_agree_with_a_regular_expression(atoms: list[str], name: str) -> None:
    pattern = "".join(atoms)
    tokens = re.findall(r"\\.|\*\*/|\*\*|\[[^]]+\][+]?|[^*\\][?+]|.", pattern)
    oracle = "".join(ATOMS[token] for token in tokens)
    expected = re.fullmatch(oracle, name, re.DOTALL) is not None
    assert matches_filter(pattern, name) is expected


@given(st.text(alphabet="ab/*?[]!+\\-.^", max_size=20), NAMES)
def test_no_pattern_breaks_the_matchers(pattern: str, name: str) -> None:
    for matches in (matches_filter, matches_glob):
        try:
            assert matches(pattern, name) in (True, False)
        except ValueError as error:
            assert "[" in str(error)


@given(st.text(alphabet="abc-/", min_size=1, max_size=12))
def test_a_plain_name_matches_itself_alone(name: str) -> None:
    assert matches_filter(name, name)
    assert not matches_filter(name, f"{name}x")


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    started = time.monotonic()
    assert not matches_filter("**a+" * 200 + "b", "a" * 255)
    assert not matches_glob("*a" * 400 + "b", "a" * 255)
    # It takes milliseconds, or longer than anybody lives.
    assert time.monotonic() - started < 60


def test_a_pattern_too_long_to_be_honest_is_refused() -> None:
    with pytest.raises(ValueError, match="characters"):
        matches_filter("a" * 2000, "a")
