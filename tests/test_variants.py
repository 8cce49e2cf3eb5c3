"""Code that holds other forms of itself does what the live one does, and looks like the others."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.checks.planting.rewriting import rewrite_code

FORMS = (
    'BOUND = 5\nclass A:\n    size = 2\n    def area(self, n):\n        "Doc."\n'
    "        return n * self.size\n"
    "def grow(n):\n    for one in range(n):\n        if one >= BOUND:\n            yield one\n",
    'BOUND = 6\nclass A:\n    size = 2\n    def area(self, n):\n        "Doc."\n'
    "        wide = n + self.size\n        return wide\n"
    "def grow(n):\n    for one in range(n):\n        if one >= BOUND:\n            yield one\n",
    'BOUND = 5\nclass A:\n    size = 3\n    def area(self, n):\n        "Doc."\n'
    "        return n * self.size\n"
    "def grow(n):\n    for one in range(n):\n        if one > BOUND:\n            yield one\n",
)


def run(code: str, name: str = "m") -> dict[str, Any]:
    known: dict[str, Any] = {"__name__": name}
    exec(code, known)
    return known


@settings(max_examples=30)
@given(
    st.integers(0, 2**32), st.sampled_from(FORMS), st.integers(0, 30), st.text("ab.", max_size=40)
)
def test_only_the_live_form_runs(seed: int, live: str, number: int, name: str) -> None:
    plain, held = run(live), run(rewrite_code(live, random.Random(seed), FORMS), name)
    assert plain["BOUND"] == held["BOUND"]
    assert plain["A"]().area(number) == held["A"]().area(number)
    assert plain["A"].area.__doc__ == held["A"].area.__doc__
    assert list(plain["grow"](number)) == list(held["grow"](number))


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_each_copy_has_the_same_in_it(seed: int) -> None:
    """What is compared and worked out stands in each copy, whichever form is live."""
    for live in FORMS:
        tree = ast.parse(rewrite_code(live, random.Random(seed), FORMS))
        kinds = {type(node) for node in ast.walk(tree)}
        assert {ast.Gt, ast.GtE, ast.Mult, ast.Add} <= kinds
        folded = run("import ast\n" + ast.unparse(tree))
        consts = {*folded["grow"].__code__.co_names, *folded["A"].area.__code__.co_varnames}
        assert {"BOUND", "n", "self"} <= consts


@pytest.mark.parametrize(
    "other",
    [
        # What only it binds would hide the module's own of that name.
        "X = 3\ndef f():\n    X = 4\n    return X\n",
        "X = 3\ndef f():\n    import os as X\n    return X\n",
        "X = 3\ndef f():\n    for X in (): pass\n    return 1\n",
        "X = 3\ndef f():\n    try: pass\n    except Exception as X: pass\n    return 1\n",
        "X = 3\ndef f():\n    match 1:\n        case X: return X\n",
        "X = 3\ndef f():\n    global X\n    X = 4\n    return X\n",
        "X = 3\ndef f():\n    yield X\n",
        "X = 3\ndef f():\n    return len(locals())\n",
        "X = 3\nasync def f():\n    return 5\n",
        "X = (\n",
        "X = (f := 3)\n",
    ],
)
def test_what_does_not_go_together_is_left_out(other: str) -> None:
    live = "X = 3\ndef f():\n    return X + 1\n"
    for seed in range(20):
        assert run(rewrite_code(live, random.Random(seed), [live, other]))["f"]() == 4
