"""A workflow as nobody should write it ends in a verdict on the work, with file and line."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.checks.github import workflow, workflow_model, workflow_needs
from scaffolder.checks.github.act_translation import translate_workflow
from scaffolder.checks.kind import CheckFailedError, Kind
from scaffolder.core import yaml_source
from scaffolder.core.errors import NotShownError, WorkFaultError
from scaffolder.model import Outcome, Verdict
from tests.support.checking import context_of

EXAMPLES = Path(__file__).parent / "examples"
BASES = sorted(EXAMPLES.glob("workflows/[va]*/*.yml")) + sorted(EXAMPLES.glob("rehearsed/*.yml"))
STATIC: tuple[Kind, ...] = (workflow.WorkflowValid(), workflow.Triggers(), workflow.Cached())

PIECES = (
    *(
        b"\t",
        b"\x00",
        b"\x07",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc2\x85",
        b"\r",
        b"\n",
    ),
    *(b"{", b"[", b"]", b"}", b"- ", b": ", b"? ", b"&a ", b"*a", b"<<: *a\n", b"!!int ", b"!x "),
    *(b"---\n", b"...\n", b"%YAML 9.9\n", b"|\n", b">-\n", b"#", b"'", b'"', b"@", b"`", b"\\"),
    *(b"[" * 70, b"- " * 70, b"{a: " * 5000, b"9" * 5000, b"o" * 300, b"0x" + b"f" * 400, b".nan"),
    *(b"${{", b"}}", b"${{ " + b"(" * 200, b"${{ " + b"!" * 99 + b"a }}", b"${{ a" + b".b" * 99),
    *(
        b"${{ case( }}",
        b"${{ strategy.job-index }}",
        b"${{ insert }}: x",
        "\u2028 ü \U0001f40d".encode(),
    ),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        10**400,
        1.5,
        float("nan"),
        float("inf"),
        "",
        " ",
        "x" * 5000,
        "\x85",
        "\u2028",
    ),
    *(
        [],
        [[]],
        [None],
        [[[]]],
        {},
        {"": None},
        {None: None},
        {1: {2: 3}},
        {"x": {"x": {}}},
        "!",
        "[",
        "**",
    ),
    *(
        "${{",
        "${{ }}",
        "${{ x }}",
        "${{ fromJSON('[') }}",
        "${{ case(true, 1) }}",
        "./",
        "./..",
        "@",
        "a@b",
    ),
    *(
        "o" * 300 + "/a@v1",
        "a/b@c@d",
        "docker://",
        "./.github/workflows/ci.yml",
        "../../etc",
        "\\",
        "::",
    ),
)


def judge(kind: Kind, content: bytes) -> Verdict | None:
    """Return the verdict on a work with this workflow, None where it is not shown."""
    with tempfile.TemporaryDirectory() as place:
        work, scratch = Path(place) / "work", Path(place) / "scratch"
        (work / ".github/workflows").mkdir(parents=True)
        (work / "requirements.txt").write_text("flask==3.1\n")
        (work / workflow.DEFAULT).write_bytes(content)
        try:
            return kind.run(context_of(work, scratch))
        except CheckFailedError as error:
            return error.verdict
        except WorkFaultError as error:
            assert error.path == workflow.DEFAULT
            return Verdict(Outcome.FAIL, error.message)
        except NotShownError:
            return None


@st.composite
def broken_texts(draw: st.DrawFn) -> bytes:
    content = draw(st.sampled_from(BASES)).read_bytes()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.sampled_from((0, 0, 1, 5, 40)))
        content = content[:start] + draw(st.sampled_from(PIECES)) + content[end:]
    return content


@st.composite
def odd_values(draw: st.DrawFn) -> bytes:
    data = yaml_source.load_yaml(draw(st.sampled_from(BASES)).read_text(), core=True).data
    for _ in range(draw(st.integers(1, 3))):
        chance = random.Random(draw(st.integers(0, 2**32)))
        data = replaced(data, draw(st.sampled_from(VALUES)), chance)
    try:
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    except (yaml.YAMLError, ValueError):
        text = ""
    return text.encode("utf-8", "surrogatepass")


def replaced(data: Any, value: Any, chance: random.Random) -> Any:
    """Return data with one part of it, at any depth, replaced."""
    if chance.random() < 0.15 or not isinstance(data, dict | list) or not data:
        return value
    if isinstance(data, list):
        at = chance.randrange(len(data))
        return [replaced(x, value, chance) if i == at else x for i, x in enumerate(data)]
    key = chance.choice(list(data))
    if chance.random() < 0.15 and not isinstance(value, dict | list):
        return {value if k == key else k: x for k, x in data.items()}
    return {k: replaced(x, value, chance) if k == key else x for k, x in data.items()}


@given(broken_texts() | odd_values(), st.sampled_from(STATIC))
def test_static_kinds_come_to_a_verdict_on_the_work(content: bytes, kind: Kind) -> None:
    verdict = judge(kind, content)
    assert verdict is not None
    assert verdict.outcome in (Outcome.PASS, Outcome.FAIL)
    assert all(finding.line is None or finding.line >= 1 for finding in verdict.findings)
    assert len(verdict.message) < 2000


@settings(max_examples=max(15, settings().max_examples // 10))
@given(broken_texts() | odd_values())
def test_the_audit_comes_to_a_verdict_on_the_work(content: bytes) -> None:
    verdict = judge(workflow.Secure(), content)
    assert verdict is not None
    assert verdict.outcome in (Outcome.PASS, Outcome.FAIL)


@given(broken_texts() | odd_values())
def test_what_leads_to_a_rehearsal_comes_to_a_verdict_on_the_work(content: bytes) -> None:
    try:
        parsed = workflow_model.parse_workflow(content.decode(), workflow.DEFAULT)
        workflow_needs.find_needs(EXAMPLES / "workflows" / "workspace", parsed)
        translate_workflow(parsed)
    except (UnicodeDecodeError, WorkFaultError, NotShownError, CheckFailedError):
        pass


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"on: push\njobs:\n\ta: 1\n", 3, "a tab stands"),
        (b"\xef\xbb\xbfon: push\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n", None, "is valid"),
        ("on: push\n".encode("utf-16"), None, "not UTF-8"),
        (b"on: push\nname: a\x00b\n", 2, "U+0000"),
        (b"on: push\nname: \xed\xa0\x80\n", None, "not UTF-8"),
        (b'on: push\nname: "\\ud800"\njobs: {}\n', None, ""),
    ],
)
def test_encodings(content: bytes, line: int | None, words: str) -> None:
    verdict = judge(workflow.WorkflowValid(), content)
    assert verdict is not None
    assert words in verdict.message
    verdict.message.encode()
