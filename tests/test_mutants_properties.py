"""What holds for every mutant of any text: one small edit, that parses, under a stable name."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaffolder.checks.mutations import Mutators, Source, SourceEdit, Splice, apply_splices
from scaffolder.core.errors import DevlabError
from scaffolder.proving.mutants import Mutant, generate_mutants, list_mutators

WORKFLOW = ".github/workflows/ci.yml"
SOLUTION = Path(__file__).parent / "examples" / "mutants" / "solution"
PATHS = ("Dockerfile", ".dockerignore", WORKFLOW, "infra/main.tf", "ops/backup.sh", "ops/probe.py")
ID = re.compile(r"[a-z-]+(:[\w.:/*@!=-]+)+(#\d+)?")

# Pieces that mean something to one of the parsers, so that chance gets further than its first word.
DOCKER_LINES = r"""
FROM a:1-slim AS b
FROM b
FROM
COPY --chown=x . /a
COPY <<E /x
E
RUN pip install \
USER x
ENV A=1 B='2 3'
ENV A
CMD ["a", "b c"]
ENTRYPOINT [
ENTRYPOINT [1]
HEALTHCHECK --interval=1s CMD x
ARG X
--no-cache-dir
# c
# escape=`
"""
YAML_LINES = """
on: push
on: [push, x]
permissions: {a: read}
jobs:
  a:
  b:
  'c': {steps: [{run: x}, {uses: y@z}]}
  d: &x
    <<: *x
    needs: [a, b]
    strategy: {matrix: {a: [1, 2]}}
    env:
      A: b
    if: x
    steps:
      - run: |
          x
      - uses: a/b@c # v1
        with: {a: b}
      - *x
      -
      - # c
? x
# c
"""
HCL_LINES = """
resource "a" "b" {
}
x = true
tags = { a = 1, "b" = var.x }
y = [1, 2]
z = <<E
E
a {}
b { c = 1 }
d = "${var.x}-y"
long_name = 99999999999999999999999
n = jsonencode({
Action = "*"
})
variable "x" { default = {} }
m = a == b ? 1 : 2.5
/* c
*/
# c
"""
SHELL_LINES = r"""
set -euo pipefail
echo "$x" "ü$(a "$b")" >&2
f() { exit 2; }
a || { exit 3; }
cat <<E || exit 1
E
trap 'a "$b"' EXIT INT
if [ "$1" ]; then
fi
x=$((1 << 2))
`a "$b"`
# c
"""
PYTHON_LINES = """
import sys
def f(a):
    if a >= 1: sys.exit(3)
    run(a, check=True, timeout=2)
    raise ValueError("ü") from None
try:
except X:
    return a < b < c
x = (1
    > 2)  # >
"""
TEXTS = {
    "a.sh": SHELL_LINES,
    "a.py": PYTHON_LINES,
    "Dockerfile": DOCKER_LINES,
    ".dockerignore": "*\n!a\n# c\n\n \nü \t\n",
    WORKFLOW: YAML_LINES,
    "main.tf": HCL_LINES,
}
LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    path = draw(st.sampled_from(sorted(TEXTS)))
    likely = st.sampled_from(TEXTS[path].split("\n"))
    lines = draw(st.lists(likely | st.text(max_size=8), max_size=14))
    head = draw(st.sampled_from(["", "\ufeff"]))
    return path, head + draw(LINE_ENDS).join(lines) + draw(st.sampled_from(["", "\n"]))


def made(path: str, text: str) -> tuple[Mutant, ...]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "surrogatepass"))
        return generate_mutants(Path(folder), [path])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(files())
def test_any_text_gives_mutants_or_a_named_error(case: tuple[str, str]) -> None:
    path, text = case
    try:
        mutants = made(path, text)
    except DevlabError as error:
        assert path in (error.message.partition(":")[0], getattr(error, "path", ""))
        return
    assert len({one.id for one in mutants}) == len(mutants)
    for one in mutants:
        assert ID.fullmatch(one.id), one.id
        assert one.before == text
        assert one.after != text
        assert one.diff
        assert "\n" not in one.title


def family_of(path: str) -> Mutators:
    return next(one for one in list_mutators() if one.owns(path))


@pytest.mark.parametrize("path", PATHS)
def test_a_mutant_parses_again(path: str) -> None:
    for one in generate_mutants(SOLUTION, [path]):
        if one.after is not None:
            assert family_of(path).parse(Source(SOLUTION, path, one.after)) is not None


def edits(path: str) -> list[tuple[str, SourceEdit]]:
    text = (SOLUTION / path).read_text("utf-8")
    family = family_of(path)
    parsed = family.parse(Source(SOLUTION, path, text))
    return [(text, edit) for operator in family.operators for edit in operator.edits(parsed)]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_outside_the_splices_changes(path: str) -> None:
    for text, edit in edits(path):
        after = apply_splices(text, edit.splices)
        shift = 0
        at = 0
        for splice in sorted(edit.splices):
            assert 0 <= splice.start <= splice.end <= len(text)
            assert text[at : splice.start] == after[at + shift : splice.start + shift]
            shift += len(splice.text) - (splice.end - splice.start)
            at = splice.end
        assert text[at:] == after[at + shift :]


@settings(max_examples=12)
@given(st.sampled_from(["Dockerfile", WORKFLOW, "infra/main.tf"]), st.data())
def test_names_do_not_depend_on_comments(path: str, data: st.DataObject) -> None:
    """Comment lines between top-level parts move everything below, and rename nothing."""
    text = (SOLUTION / path).read_text("utf-8")
    comment = data.draw(st.sampled_from(["# a comment\n", "#\n", "# FROM x { on: [\n"]))
    starts = [
        0,
        *(found.end() for found in re.finditer(r"(?m)^(?:\}|USER app|concurrency: one)\n", text)),
    ]
    for at in sorted(data.draw(st.sets(st.sampled_from(starts))), reverse=True):
        text = text[:at] + comment + text[at:]
    assert [one.id for one in made(path, text)] == [
        one.id for one in generate_mutants(SOLUTION, [path])
    ]


@given(st.text(max_size=30), st.data())
def test_splices_replace_what_they_name(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = data.draw(st.text(max_size=5))
    assert apply_splices(text, (Splice(start, end, new),)) == text[:start] + new + text[end:]
    if start < end:
        with pytest.raises(ValueError, match="overlap"):
            apply_splices(text, (Splice(start, end), Splice(start, end)))
