"""Code that is written otherwise does the same, whatever it is."""

from __future__ import annotations

import ast
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.planting.rewriting import rewrite_code

CODE = """\
import sys
LIMIT = 10

def first(number: int = 5, *, by: int = 7) -> int:
    "Says what it does."
    if number > 40:
        return number * 3 - by
    else:
        result = number + 12
    def inner(x):
        if x % 2 == 1: return x + 100
        elif x > 6: return {2: 3, 4: f"{x:>12}"}
        return [y for y in range(x) if y != 4]
    try:
        return inner(result) if number < 30 else (lambda z: z + 99)(result)
    finally:
        LIMIT

def second(number):
    total = 0
    for one in range(number % 23):
        match one:
            case 2 | 7:
                total += 5
            case _ if one > 11:
                total -= 1
    while total > 20:
        if total % 3:
            total -= 3
        else:
            break
    return total, True, 1.5, "10", -number

def third(number):
    value = 33
    return sorted(locals()), value

class Shelf:
    size = 12
    def third(self, number):
        return (yield number + self.size)
"""
# Each number draws another form of the code.
DRAWS = st.integers(0, 2**32)


@given(DRAWS, st.integers(-100, 100))
def test_code_that_is_written_otherwise_does_the_same(seed: int, number: int) -> None:
    changed = rewrite_code(CODE, random.Random(seed))
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    exec(CODE, before)
    exec(changed, after)
    for name in ("first", "second", "third"):
        assert before[name](number) == after[name](number)  # type: ignore[operator]
    assert before["first"].__defaults__ == after["first"].__defaults__  # type: ignore[attr-defined]
    assert next(before["Shelf"]().third(number)) == next(after["Shelf"]().third(number))  # type: ignore[operator]
    assert before["first"].__doc__ == after["first"].__doc__


def test_no_two_copies_are_alike_and_none_is_the_code() -> None:
    code = CODE.replace("locals", "print")
    made = {rewrite_code(code, random.Random(seed)) for seed in range(20)}
    assert len(made) == 20
    trees = {ast.dump(ast.parse(one)) for one in made}
    assert len(trees) == 20
    assert ast.dump(ast.parse(code)) not in trees


@given(st.text())
def test_what_is_no_code_stays(text: str) -> None:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        assert rewrite_code(text, random.Random(1)) == text


@pytest.mark.parametrize("code", ["", "x = 1\n", "def f(): return 5\r\n", "def f():\n\treturn 5"])
def test_small_code(code: str) -> None:
    after: dict[str, object] = {}
    exec(rewrite_code(code, random.Random(2)), after)
    if "f" in after:
        assert after["f"]() == 5  # type: ignore[operator]
