"""Source is parsed by several checks at once."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scaffolder.tools import python_syntax

SOURCE = "\n".join(f"def f{n}(a):\n    return [x + (a * {n}) for x in range(a)]" for n in range(60))


@pytest.fixture
def eager_switches() -> Iterator[None]:
    """Let threads take turns while one parses: Python code runs whenever memory is freed."""

    def look(phase: str, info: dict[str, int]) -> None:
        sum(range(50))

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    gc.callbacks.append(look)
    yield
    gc.callbacks.remove(look)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_switches")
def test_threads_that_parse_at_once_do_not_disturb_each_other() -> None:
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda _: python_syntax.parse(SOURCE), range(12)))

    assert {len(tree.body) for tree in trees} == {60}
    assert all(isinstance(tree.body[0], ast.FunctionDef) for tree in trees)


@pytest.mark.parametrize("source", ["def", b"\xff = 1", "a\0"])
def test_source_that_is_not_python_raises(source: str | bytes) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        python_syntax.parse(source)
