"""Expressions are taken apart as GitHub takes them apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.github.workflow_contexts import find_expression_problems
from scaffolder.checks.github.workflow_language import (
    ExpressionError,
    ExpressionNode,
    parse_expression,
    split_text,
)


def written(node: ExpressionNode) -> str:
    if not node.parts:
        return node.name
    return f"{node.name or node.kind}({', '.join(map(written, node.parts))})"


@pytest.mark.parametrize(
    ("code", "tree"),
    [
        ("a || b && c == d", "||(a, &&(b, ==(c, d)))"),
        ("a == b != c < d", "!=(==(a, b), <(c, d))"),
        ("!a.b && !(c || d)", "&&(!(index(a, b)), !(group(||(c, d))))"),
        ("a.*.b['c d'][0]", "index(index(index(index(a, *), b), 'c d'), 0)"),
        ("f('it''s', -1.5e3, 0x1F, null)", "f('it''s', -1.5e3, 0x1F, null)"),
        ("a.null == true", "==(index(a, null), true)"),
        ("f (g())[h.i]", "index(f(g), index(h, i))"),
        (".5 == a.b-c", "==(.5, index(a, b-c))"),
    ],
)
def test_what_binds_closer(code: str, tree: str) -> None:
    assert written(parse_expression(code)) == tree


@pytest.mark.parametrize(
    "code",
    [
        *(
            "",
            "a b",
            "a.",
            "a[",
            "a[]",
            "(a",
            "a)",
            "f(a,)",
            "f(,a)",
            "'a",
            '"a"',
            "a = b",
            "a & b",
        ),
        *("a+b", "[a]", "'a'.b", "1.2.3", "a.5", "!", "a ||", "é", "a" + ".b" * 60, "(" * 5000),
        *("!" * 60 + "a", "a" + " == a" * 60, "x" * 30_000),
    ],
)
def test_what_is_no_expression(code: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(code)


@given(st.text(alphabet="ab.()[]!&|=<>,*' 01-\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_an_expression_or_said_to_be_none(code: str) -> None:
    try:
        tree = parse_expression(code)
    except ExpressionError as error:
        assert str(error)
    else:
        places = [(node.start, node.end) for node in tree.walk() if node.parts]
        assert all(0 <= start < end <= len(code) for start, end in places)


def test_braces_in_quotes_close_nothing() -> None:
    text = "a ${{ '}}' }} b ${{ c }}"
    assert [part.code for part in split_text(text)] == [" '}}' ", " c "]
    assert [text[part.start : part.end] for part in split_text(text)][1] == "${{ c }}"
    with pytest.raises(ExpressionError):
        split_text("${{ 'a }}")


def test_what_can_be_used_depends_on_the_place() -> None:
    step = {"run": "${{ secrets.A }}", "if": "secrets.A && hashFiles('x')", "uses": "${{ env.A }}"}
    job = {"name": "${{ env.A }}", "if": "always() && needs.a.result", "steps": [step]}
    data = {"name": "${{ github.ref }}", "jobs": {"j": job}, "env": {"A": "${{ foo(vars.B) }}"}}
    assert dict(find_expression_problems(data)) == {
        ("name",): "an expression cannot stand here",
        ("env", "A"): "there is no function foo()",
        ("jobs", "j", "name"): (
            "the context env cannot be used here; what can: github, inputs, matrix, needs, "
            "strategy, vars"
        ),
        ("jobs", "j", "steps", 0, "if"): (
            "the context secrets cannot be used here; what can: env, github, inputs, job, matrix, "
            "needs, runner, steps, strategy, vars"
        ),
        ("jobs", "j", "steps", 0, "uses"): "an expression cannot stand here",
    }
