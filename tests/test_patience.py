"""How much more time a busy machine is given."""

from __future__ import annotations

import os

import pytest

from scaffolder.checks.docker.containers import measure_patience


@pytest.mark.parametrize(
    ("wanting", "processors", "expected"),
    [(0.1, 2, 1.0), (2.0, 2, 1.0), (5.0, 2, 2.5), (100.0, 2, 4.0), (3.0, 8, 1.0)],
)
def test_more_who_want_a_processor_give_more_time(
    monkeypatch: pytest.MonkeyPatch, wanting: float, processors: int, expected: float
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (wanting, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert measure_patience() == expected


def test_a_machine_that_does_not_tell_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> tuple[float, float, float]:
        raise OSError

    monkeypatch.setattr(os, "getloadavg", silent)
    assert measure_patience() == 1.0
