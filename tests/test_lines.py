"""Lines end where the tools that we read, and that read what we write, see them end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.docker import hadolint
from scaffolder.checks.docker.mutators import parse_dockerfile
from scaffolder.checks.github import act
from scaffolder.checks.github.workflow_expressions import LENGTH_LIMIT, find_too_long
from scaffolder.checks.mutations import Source
from scaffolder.checks.terraform import terraform
from scaffolder.checks.terraform.terraform import Diagnostic, Terraform
from scaffolder.core.lines import split_lines
from scaffolder.tools.dockerfile import parse_instructions
from scaffolder.tools.processes import CancelToken, Completed, Ending

# Where str.splitlines splits, and no tool does.
NO_NEWLINES = ("\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")

no_newline = pytest.mark.parametrize("character", NO_NEWLINES)


@given(st.text("a\n\r\x0b\x0c\x85\u2028"))
def test_lines_are_what_newlines_end(text: str) -> None:
    lines = split_lines(text)
    ends = "" if text.endswith("\n") or not text else "\n"
    assert "".join(f"{line}\n" for line in lines) == text + ends


@no_newline
def test_hadolint_finds_what_it_finds_by_itself(character: str, tmp_path: Path) -> None:
    text = f'FROM x:1\nLABEL note="a{character}b"\nUSER 1\nHEALTHCHECK CMD a\nCMD b\n'
    found = hadolint.lint(text, place=tmp_path, env={"PATH": "/usr/bin"}, cancel=CancelToken())
    assert [(violation.rule, violation.line) for violation in found] == [("DL3025", 5)]


@no_newline
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_instructions_have_the_lines_that_the_builder_gives_them(character: str, end: str) -> None:
    text = f"FROM x\nRUN <<EOF\na{character}EOF\nEOF\nCMD b\n".replace("\n", end)
    assert [(one.line, one.last_line) for one in parse_instructions(text)] == [
        (1, 1),
        (2, 4),
        (5, 5),
    ]


@no_newline
def test_an_instruction_that_is_mutated_is_found_in_its_text(
    character: str, tmp_path: Path
) -> None:
    whole = ("FROM x", f"LABEL a{character}b", "RUN c \\\n  d")
    file = parse_dockerfile(Source(tmp_path, "Dockerfile", "\n".join(whole)))
    assert file is not None
    assert tuple(part.raw for part in file.parts) == whole


def json_line(**keys: Any) -> str:
    """Return a line as Go writes it: U+0085 stands in it as it is."""
    return json.dumps(keys, ensure_ascii=False) + "\n"


def test_a_step_of_acts_is_read_whatever_its_name() -> None:
    known = {"job": "CI/test", "jobID": "test", "stage": "Main", "matrix": {}, "stepID": ["1"]}
    record = act.read_log(json_line(**known, step="Te\x85st", msg="", stepResult="failure"))
    assert [step.name for step in record.steps if step.failed] == ["Te\x85st"]
    assert record.errors == ()


class Saying:
    """A sandbox in which every command fails and says the same."""

    def __init__(self, stdout: str) -> None:
        self._stdout = stdout

    def run(self, *_: object, **__: object) -> Completed:
        return Completed(("terraform",), 1, self._stdout, "", 0.1, Ending.EXITED)


def test_an_error_of_terraforms_is_read_whatever_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(terraform, "find_program", lambda: Path("/usr/bin/terraform"))
    said = json_line(type="diagnostic", diagnostic={"severity": "error", "summary": "No\x85!"})
    answer = Terraform(tmp_path, Saying(said), CancelToken(), 5).plan({})
    assert answer.errors == (Diagnostic("error", "No\x85!"),)


def test_a_long_condition_is_found_on_its_line() -> None:
    condition = "if: " + "x" * LENGTH_LIMIT
    text = f"name: a # b\u2028c\njobs:\n  a:\n    {condition}\n"
    assert [number for number, _ in find_too_long(text)] == [4]
