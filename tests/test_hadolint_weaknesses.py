"""What hadolint is known to get wrong is no verdict; what it gets right beside it still is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaffolder.checks.docker import hadolint
from scaffolder.tools.processes import CancelToken

BASE = "FROM python:3.13-slim\n"
# By what hadolint's issues call them: https://github.com/hadolint/hadolint/issues
MISTAKEN = {
    "1137: the program behind the mark": "RUN <<EOT bash\nset -o pipefail\necho 1 | cat\nEOT\n",
    "1137: no blank line after the mark": "RUN <<EOT\necho 1\nEOT\nCOPY a /a\n",
    "806: a first line that names bash": "RUN <<E\n#!/usr/bin/env bash\nset -o pipefail\nE\n",
    "806: a program that is no shell": "RUN <<E python3\nimport sys\nprint(sys.path, end='')\nE\n",
    "806: with flags": "RUN --network=none <<E bash -e\nset -o pipefail\necho 1 | cat\nE\n",
    "1051: an escaped mark": "COPY <<-\\EOT /data\n  echo '$X'\nEOT\n",
    "802: an escaped quote in a list": 'CMD ["sh", "-c", "echo \\"a\\\\\\" b\\""]\n',
    "307: a blank before a comma": 'ENTRYPOINT ["a" , "b"]\n',
    "a health check's own command": "HEALTHCHECK CMD curl -f http://x || exit 1\n",
    "a duration of two units": "HEALTHCHECK --interval=1m30s CMD true\n",
    "723: lists in a cache": "RUN --mount=type=cache,target=/var/lib/apt apt-get update"
    " && apt-get install -y --no-install-recommends curl=1\n",
    "805: a here-document beside a RUN": "RUN <<E cat\nhello\nE\nRUN echo there\n",
    "1252: a shell behind ENV": 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nENV A=b\n'
    'RUN if [[ "$A" == b ]]; then echo hi | cat; fi\n',
}
STAGES = {
    "a name in capitals": "FROM python:3.13-slim AS Build\nWORKDIR /x\nRUN touch a\n"
    "FROM BUILD AS Two\nCOPY b ./\nFROM python:3.13-slim\nWORKDIR /y\n"
    "COPY --from=build /x/a ./\nRUN --mount=from=TWO,target=/z ls\n",
    "406: the shell of an earlier stage": "FROM python:3.13-slim AS base\n"
    'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nFROM base\nRUN echo 1 | cat\n',
    "847: a port behind a variable": "ARG R=hub.example.com\nFROM $R:8099/team/base:1.0\n",
    "a byte order mark": "\ufeffFROM python:3.13-slim\n",
}
RIGHT = {
    "DL4006": "RUN echo 1 | cat\n",
    "SC3040": "RUN <<EOT\nset -o pipefail\nEOT\n",
    "SC2215": "RUN <<EOT sh\n--option\nEOT\n",
    "DL3025": "CMD python app.py\n",
    "DL3009": "RUN --mount=type=cache,target=/var/lib/ap apt-get update"
    " && apt-get install -y --no-install-recommends curl=1\n",
    "DL3059": "RUN <<E cat\nhello\nE\nWORKDIR /x\nRUN echo a\nRUN echo b\n",
    "DL3022": "COPY --from=nowhere /a /b\n",
    "DL3045": "COPY a ./\n",
    "DL3042": "RUN <<EOT\npip install a==1\nEOT\n",
}


def rules(text: str, place: Path) -> list[str]:
    found = hadolint.lint(text, place=place, env=dict(os.environ), cancel=CancelToken())
    return [violation.rule for violation in found]


@pytest.mark.parametrize("text", MISTAKEN.values(), ids=MISTAKEN.keys())
def test_a_known_weakness_is_no_violation(text: str, tmp_path: Path) -> None:
    assert rules(BASE + text, tmp_path) == []


@pytest.mark.parametrize("text", STAGES.values(), ids=STAGES.keys())
def test_stages_are_known_by_any_spelling(text: str, tmp_path: Path) -> None:
    assert rules(text, tmp_path) == []


@pytest.mark.parametrize(("rule", "text"), RIGHT.items(), ids=RIGHT.keys())
def test_what_is_wrong_beside_a_weakness_is_found(rule: str, text: str, tmp_path: Path) -> None:
    assert rule in rules(BASE + text, tmp_path)


def test_a_violation_has_the_line_that_the_learner_sees(tmp_path: Path) -> None:
    text = (
        f'{BASE}SHELL ["/bin/bash", "-c"]\nENV A=b\nRUN <<E bash\ntrue\nE\n'
        "RUN pip install --no-cache-dir flask\n"
    )
    found = hadolint.lint(text, place=tmp_path, env=dict(os.environ), cancel=CancelToken())
    assert [(one.rule, one.line) for one in found] == [("DL3013", 7)]
