"""Every file in examples/workflows is a case.

A valid one passes all kinds, an accepted one is what GitHub takes, though the published schema or
act refuses it. The first line of an invalid one says which kind it fails, by which rule (- where
the file cannot be read at all) and, after "line", where.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.checks.github import workflow
from scaffolder.checks.kind import CheckFailedError
from scaffolder.checks.registry import KINDS
from scaffolder.core.errors import UnusableFileError
from scaffolder.model import Finding, Outcome, Verdict, failed
from tests.support.checking import context_of

EXAMPLES = Path(__file__).parent / "examples" / "workflows"
VALID = sorted((EXAMPLES / "valid").glob("*.yml"))
ACCEPTED = sorted((EXAMPLES / "accepted").glob("*.yml"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.yml"))
WORKFLOW_KINDS = sorted(name for name in KINDS if name.startswith("workflow."))

Judge = Callable[..., Verdict]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A learner's folder, without a workflow."""
    folder = tmp_path / "a läb"
    shutil.copytree(EXAMPLES / "workspace", folder)
    return folder


@pytest.fixture
def judge(tmp_path: Path, work: Path) -> Judge:
    """Judge the work by a kind, as grading does."""

    def run_kind(kind: str, **parameters: object) -> Verdict:
        scratch = tmp_path / f"scratch-{len(list(tmp_path.iterdir()))}"
        try:
            return KINDS[kind](**parameters).run(context_of(work, scratch))
        except UnusableFileError as error:
            finding = Finding(error.message, path=error.path, line=error.line, rule="-")
            return failed(error.message, finding, hint=error.hint)

    return run_kind


def write(work: Path, text: str | bytes) -> Path:
    path = work / workflow.DEFAULT
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("kind", WORKFLOW_KINDS)
@pytest.mark.parametrize("example", VALID, ids=lambda path: path.stem)
def test_a_right_answer_passes_however_it_is_written(
    example: Path, kind: str, work: Path, judge: Judge
) -> None:
    write(work, example.read_bytes())
    verdict = judge(kind)
    assert verdict.outcome is Outcome.PASS, verdict


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda path: path.stem)
def test_what_github_takes_is_accepted(example: Path, work: Path, judge: Judge) -> None:
    write(work, example.read_bytes())
    verdict = judge("workflow.valid")
    assert verdict.outcome is Outcome.PASS, verdict


@pytest.mark.parametrize("example", INVALID, ids=lambda path: path.stem)
def test_a_wrong_answer_fails_by_its_rule_at_its_line(
    example: Path, work: Path, judge: Judge
) -> None:
    text = example.read_text()
    expected = text.splitlines()[0].removeprefix("# fails: ").split()
    kind, rule, *line = expected
    write(work, text)
    verdict = judge(kind)
    assert verdict.outcome is Outcome.FAIL, verdict
    places = [(finding.rule, finding.line) for finding in verdict.findings]
    assert rule in [found for found, _ in places], verdict
    if line:
        assert (rule, int(line[1])) in places, verdict
    assert all(len(finding.message) < 400 for finding in verdict.findings)


def test_a_missing_workflow_is_told_with_what_was_found_instead(work: Path, judge: Judge) -> None:
    (work / ".github/workflows/ci.yaml").write_text("on: push\n")
    verdict = judge("workflow.valid")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "is missing"
    assert ".github/workflows/ci.yaml" in verdict.hint


def test_ten_thousand_jobs_fail_in_words(work: Path, judge: Judge) -> None:
    jobs = "".join(
        f"  j{number}: {{runs-on: x, steps: [{{run: x}}]}}\n" for number in range(10_000)
    )
    write(work, f"on: push\njobs:\n{jobs}")
    assert "10,000 jobs" in judge("workflow.valid").message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"on: push\nname: \xff\xfe\n", "not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "bytes long"),
        (b"on: push\nname: \x07\n", "not valid YAML"),
        (b"on: push\n---\non: push\n", "not valid YAML"),
        (b"a: &a [*a]\n", "nested more than"),
        (b"- " * 400_000, "nested more than"),
    ],
    ids=["empty", "comment", "bytes", "large", "control", "two", "cycle", "deep"],
)
def test_hostile_content_fails_in_words(
    content: bytes, words: str, work: Path, judge: Judge
) -> None:
    write(work, content)
    for kind in WORKFLOW_KINDS:
        verdict = judge(kind)
        assert verdict.outcome is Outcome.FAIL
        assert words in verdict.message


def test_a_link_out_of_the_workspace_is_not_followed(
    tmp_path: Path, work: Path, judge: Judge
) -> None:
    (tmp_path / "elsewhere.yml").write_text("on: push\n")
    (work / workflow.DEFAULT).symlink_to(tmp_path / "elsewhere.yml")
    assert "leads outside" in judge("workflow.valid").message


def test_a_link_inside_is_refused_because_github_does_not_follow_it(
    work: Path, judge: Judge
) -> None:
    (work / "ci.yml").write_bytes(VALID[0].read_bytes())
    (work / workflow.DEFAULT).symlink_to("../../ci.yml")
    assert "through the link" in judge("workflow.valid").message


def test_a_folder_instead_of_the_workflow_fails(work: Path, judge: Judge) -> None:
    (work / workflow.DEFAULT).mkdir()
    assert judge("workflow.valid").outcome is Outcome.FAIL


def test_a_zizmor_configuration_of_the_learners_has_no_say(work: Path, judge: Judge) -> None:
    write(work, (EXAMPLES / "invalid/unpinned-action.yml").read_bytes())
    silence = "rules:\n  unpinned-uses:\n    disable: true\n"
    for place in ("zizmor.yml", ".github/zizmor.yml"):
        (work / place).write_text(silence)
    verdict = judge("workflow.secure")
    assert [finding.rule for finding in verdict.findings] == ["unpinned-uses"]
    assert verdict.findings[0].url == "https://docs.zizmor.sh/audits/#unpinned-uses"


def test_an_unpinned_action_cannot_hide_in_a_local_action(work: Path, judge: Judge) -> None:
    write(work, (EXAMPLES / "valid/composite-action.yml").read_bytes())
    action = work / ".github/actions/python/action.yml"
    action.write_text(re.sub(r"@\w{40} # v6.0.0", "@v6", action.read_text()))
    (finding,) = judge("workflow.secure").findings
    assert (finding.path, finding.rule) == (".github/actions/python/action.yml", "unpinned-uses")


def test_a_high_bar_of_severity_lets_lesser_findings_pass(work: Path, judge: Judge) -> None:
    write(work, (EXAMPLES / "invalid/no-permissions.yml").read_bytes())
    assert judge("workflow.secure").outcome is Outcome.FAIL
    assert judge("workflow.secure", min_severity="high").outcome is Outcome.PASS


def test_pushes_to_other_branches_count_only_where_asked(work: Path, judge: Judge) -> None:
    write(work, "on: [push, pull_request]\njobs: {}\n")
    assert judge("workflow.triggers").outcome is Outcome.PASS
    verdict = judge("workflow.triggers", not_push_branches=("dev",))
    assert [finding.rule for finding in verdict.findings] == ["push-too-much"]


@pytest.mark.parametrize(
    ("branches", "started"),
    [
        ("[main]", []),
        ("['main', '!dev']", []),
        ("['main*']", ["main-old", "main2"]),
        ("['**main']", ["mymain", "feature/main"]),
        ("['main/**', main]", ["main/next"]),
        ("['[Mm][Aa][Ii][Nn]']", ["MAIN"]),
        ("['**', '!dev']", ["main-old", "main2", "mymain", "feature/main", "main/next", "MAIN"]),
    ],
)
def test_branches_that_look_like_a_good_one_must_not_start_it(
    branches: str, started: list[str], work: Path, judge: Judge
) -> None:
    write(work, f"on: {{push: {{branches: {branches}}}, pull_request: }}\njobs: {{}}\n")
    told = judge("workflow.triggers", not_push_branches=("dev",))
    assert [finding.message for finding in told.findings] == [
        f"a push to {branch} starts it too" for branch in started
    ]
    derived_away = judge("workflow.triggers", not_push_branches=("dev",), near_misses=False)
    assert derived_away.outcome is Outcome.PASS
    assert judge("workflow.triggers").outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("filters", "started"),
    [
        ("{branches: [main]}", []),
        ("{branches: [main], tags: ['v*']}", ["v1.0"]),
        ("{tags-ignore: ['v*'], branches: [main]}", ["main", "main-1.0"]),
        ("{tags-ignore: ['v*', main], branches: [main]}", ["main-1.0"]),
        ("{tags-ignore: ['**'], branches: [main]}", []),
    ],
)
def test_tags_that_look_like_a_good_branch_must_not_start_it(
    filters: str, started: list[str], work: Path, judge: Judge
) -> None:
    write(work, f"on: {{push: {filters}, pull_request: }}\njobs: {{}}\n")
    told = judge("workflow.triggers", not_push_tags=("v1.0",))
    assert [finding.message for finding in told.findings] == [
        f"a push of the tag {tag} starts it too" for tag in started
    ]
    assert judge("workflow.triggers").outcome is Outcome.PASS


def test_a_file_that_is_added_starts_it_too(work: Path, judge: Judge) -> None:
    listed = "app/__init__.py, 'tests/**', '.github/**', '*'"
    write(work, f"on: {{push: {{paths: [{listed}]}}, pull_request: }}\njobs: {{}}\n")
    (finding,) = judge("workflow.triggers").findings
    assert "app/added_later.py" in finding.message
    assert judge("workflow.triggers", near_misses=False).outcome is Outcome.PASS
    write(work, f"on: {{push: {{paths: ['app/**', {listed}]}}, pull_request: }}\njobs: {{}}\n")
    assert judge("workflow.triggers").outcome is Outcome.PASS


CALLED = """\
on:
  workflow_call:
    inputs:
      who: {type: string, required: true}
      what: {type: string, required: true, default: x}
    secrets:
      token: {required: true}
jobs: {a: {runs-on: x, steps: [{run: x}]}}
"""


@pytest.mark.parametrize(
    ("called", "job", "line", "words"),
    [
        (CALLED, "with: {who: me}\n    secrets: inherit", None, ""),
        (CALLED, "with: {WHO: me, what: it}\n    secrets: {token: x}", None, ""),
        (CALLED, "secrets: inherit", 4, "requires the input who"),
        (CALLED, "with: {who: me}", 4, "requires the secret token"),
        (CALLED, "with:\n      who: me\n      whom: me\n    secrets: inherit", 7, "no input whom"),
        (CALLED.replace("workflow_call", "workflow_dispatch"), "if: true", 4, "cannot be called"),
        (
            CALLED.replace("runs-on", "runs-onn"),
            "with: {who: me}\n    secrets: inherit",
            8,
            "runs-on",
        ),
        ("", "if: true", 4, "is empty"),
        (None, "if: true", 4, "is missing"),
    ],
)
def test_a_call_is_held_against_what_is_called(
    called: str | None, job: str, line: int | None, words: str, work: Path, judge: Judge
) -> None:
    if called is not None:
        (work / ".github/workflows/called.yml").write_text(called)
    uses = "./.github/workflows/called.yml"
    write(work, f"on: push\njobs:\n  call:\n    uses: {uses}\n    {job}\n")
    verdict = judge("workflow.valid")
    assert words in verdict.message
    assert [finding.line for finding in verdict.findings][:1] == ([line] if line else [])


def write_calls(work: Path, calls: dict[str, list[str]]) -> None:
    for name, called in calls.items():
        jobs = "".join(f"  {each}: {{uses: ./.github/workflows/{each}.yml}}\n" for each in called)
        steps = "  x: {runs-on: x, steps: [{run: x}]}\n"
        text = f"on: {{push: , workflow_call: }}\njobs:\n{steps}{jobs}"
        (work / f".github/workflows/{name}.yml").write_text(text)


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ({"ci": ["a"], "a": ["b"], "b": ["a"]}, "call each other: "),
        ({"ci": ["a", "b"], "a": ["b"], "b": ["c"], "c": []}, ""),
        ({"ci": ["c0"]} | {f"c{n}": [f"c{n + 1}"] for n in range(8)} | {"c8": []}, ""),
        (
            {"ci": ["c0"]} | {f"c{n}": [f"c{n + 1}"] for n in range(9)} | {"c9": []},
            "11 levels of workflows",
        ),
        ({"ci": [f"c{n}" for n in range(50)]} | {f"c{n}": [] for n in range(50)}, ""),
        (
            {"ci": [f"c{n}" for n in range(51)]} | {f"c{n}": [] for n in range(51)},
            "more than 50 workflows",
        ),
    ],
    ids=["circle", "twice", "deep", "too deep", "many", "too many"],
)
def test_workflows_call_each_other_within_githubs_limits(
    calls: dict[str, list[str]], words: str, work: Path, judge: Judge
) -> None:
    write_calls(work, calls)
    verdict = judge("workflow.valid")
    assert verdict.outcome is (Outcome.FAIL if words else Outcome.PASS), verdict
    assert words in verdict.message


def test_pull_requests_need_not_be_asked_for(work: Path, judge: Judge) -> None:
    write(work, "on: push\njobs: {}\n")
    assert judge("workflow.triggers", pull_request=False).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("asked", "filters", "passes"),
    [
        ({"push_branches": ("trunk",)}, "[trunk]", True),
        ({"push_branches": ("trunk", "next")}, "[trunk]", True),
        ({"push_branches": ("trunk",)}, "[main]", False),
        ({"push_branches": ("trunk",), "pull_request_base": "next"}, "[next]", True),
        ({"push_branches": ("trunk",), "pull_request_base": "next"}, "[trunk]", False),
        ({"push_branches": ()}, "[main]", True),
        ({}, "[main]", True),
    ],
)
def test_pull_requests_go_to_the_branch_that_is_pushed_to(
    asked: dict[str, object], filters: str, passes: bool, work: Path, judge: Judge
) -> None:
    write(work, f"on: {{push: , pull_request: {{branches: {filters}}}}}\njobs: {{}}\n")
    verdict = judge("workflow.triggers", **asked)
    assert verdict.outcome is (Outcome.PASS if passes else Outcome.FAIL), verdict


@pytest.mark.parametrize("pattern", ["[main", "m" * 2000])
def test_a_filter_that_cannot_be_read_fails(pattern: str, work: Path, judge: Judge) -> None:
    write(work, f"on: {{push: {{branches: ['{pattern}']}}, pull_request: }}\njobs: {{}}\n")
    with pytest.raises(CheckFailedError, match="cannot be read"):
        judge("workflow.triggers")


def test_every_parameter_of_every_kind_is_documented() -> None:
    for name in WORKFLOW_KINDS:
        kind = KINDS[name]
        page = kind.__doc__ or ""
        assert all(f"{field}:" in page for field in kind.__struct_fields__), name
        assert all(section in page for section in ("Passes:", "Fails:", f"kind: {name}")), name


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("x" * 40_000, "longer than the 32 KiB"),
        ("${{ " + " && ".join(["github.sha"] * 2000) + " }}", "an expression of"),
    ],
    ids=["large", "expression"],
)
def test_what_would_break_the_audit_fails_instead(
    script: str, words: str, work: Path, judge: Judge
) -> None:
    steps = f"    steps:\n      - run: echo {script}\n"
    write(work, f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n{steps}")
    verdict = judge("workflow.secure")
    assert verdict.outcome is Outcome.FAIL
    assert words in verdict.message
