"""Linters of scripts and settings: what they find, and that nobody talks them out of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffolder.checks.lint import programs, shellcheck, yamllint
from scaffolder.checks.lint.marks import find_by_pattern, hide_marks
from scaffolder.checks.lint.shell_syntax import (
    decode_tree,
    find_hidden_scripts,
    find_shfmt,
    has_command,
)
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Outcome, Verdict
from scaffolder.tools import processes
from scaffolder.tools.processes import CancelToken
from tests.support.examples import Expected, assert_holds, judge_work, list_examples

pytestmark = pytest.mark.lint
BAD = "#!/bin/bash\necho $1\n"


def lint(tmp_path: Path, kind: str = "shell.lint", **parameters: Any) -> Verdict:
    given = {"files": ["*.sh"], **parameters}
    return judge_work(tmp_path / "work", tmp_path / "scratch", kind, given)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize(("folder", "expected"), list_examples("lint"))
def test_examples(folder: Path, expected: Expected, tmp_path: Path) -> None:
    assert_holds(folder, expected, tmp_path / "scratch")


def test_a_finding_has_its_rule_its_page_and_its_level(work: Path, tmp_path: Path) -> None:
    (work / "a.sh").write_text(BAD)
    verdict = lint(tmp_path)
    (finding,) = verdict.findings
    assert (finding.rule, finding.level, finding.line) == ("SC2086", "info", 2)
    assert finding.url == "https://www.shellcheck.net/wiki/SC2086"
    assert verdict.evidence is not None
    assert verdict.evidence.ran == "shellcheck --norc a.sh"
    assert verdict.evidence.expected == "nothing at level info or above"


def test_pages_of_the_other_linters(work: Path, tmp_path: Path) -> None:
    (work / "a.py").write_text("import os\n")
    (work / "a.yml").write_text("a:  1\n")
    (finding,) = lint(tmp_path, "python.lint", files=["*.py"], select=["F"]).findings
    assert finding.url == "https://docs.astral.sh/ruff/rules/unused-import"
    verdict = judge_work(work, tmp_path / "other", "yaml.lint", {"files": ["*.yml"]})
    page = "https://yamllint.readthedocs.io/en/stable/rules.html#module-yamllint.rules."
    assert {finding.url for finding in verdict.findings} == {
        f"{page}colons",
        f"{page}document_start",
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"echo \xff\n", "is not UTF-8 text"),
        (b"#!/bin/sh\necho \0\n", "holds a NUL byte"),
        (b"x" * (1024 * 1024 + 1), "bytes long"),
    ],
)
def test_what_is_no_text_fails(work: Path, tmp_path: Path, content: bytes, words: str) -> None:
    (work / "a.sh").write_bytes(content)
    verdict = lint(tmp_path)
    assert (verdict.outcome, verdict.findings[0].path) == (Outcome.FAIL, "a.sh")
    assert words in verdict.message


def test_what_cannot_be_looked_at_is_not_looked_past(work: Path, tmp_path: Path) -> None:
    (work / "good.sh").write_text("#!/bin/sh\ntrue\n")
    (tmp_path / "elsewhere.sh").write_text(BAD)
    (work / "a.sh").symlink_to(tmp_path / "elsewhere.sh")
    verdict = lint(tmp_path)
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAIL,
        "a.sh is a link that leads outside the workspace",
    )
    (work / "a.sh").unlink()
    os.mkfifo(work / "a.sh")
    verdict = judge_work(work, tmp_path / "again", "shell.lint", {"files": ["*.sh"]})
    assert verdict.outcome is Outcome.FAIL
    assert "neither a file nor a folder" in verdict.message


def test_a_link_within_the_work_is_what_it_leads_to(work: Path, tmp_path: Path) -> None:
    (work / "real").write_text(BAD)
    (work / "a.sh").symlink_to("real")
    assert [(one.path, one.rule) for one in lint(tmp_path).findings] == [("a.sh", "SC2086")]


@pytest.mark.parametrize("name", ["--help.sh", "-x.sh", "a b;c.sh", "$(x).sh", "ä.sh", "%s:1.sh"])
def test_names_are_names(work: Path, tmp_path: Path, name: str) -> None:
    (work / name).write_text(BAD)
    assert [(one.path, one.line) for one in lint(tmp_path).findings] == [(name, 2)]


@pytest.mark.parametrize("name", [b"a\nb.sh", b"\xff.sh", b"\x1b[2J.sh"])
def test_a_name_that_cannot_be_shown_fails(work: Path, tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(work), name))).write_text(BAD)  # noqa: PTH118
    verdict = lint(tmp_path)
    assert verdict.outcome is Outcome.FAIL
    assert "characters that cannot be shown" in verdict.message


def test_a_folder_of_the_name_that_hidden_scripts_get_changes_nothing(
    work: Path, tmp_path: Path
) -> None:
    (work / "within-0").write_text("a file\n")
    (work / "a.sh").write_text("#!/bin/bash\nbash <<'E'\necho $1\nE\n")
    assert [(one.path, one.line) for one in lint(tmp_path).findings] == [("a.sh", 3)]


def test_more_files_than_anybody_writes_fail(work: Path, tmp_path: Path) -> None:
    for number in range(201):
        (work / f"{number}.sh").touch()
    assert "201 files are to be linted; at most 200 are" in lint(tmp_path).message


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("shell.lint", "a.sh", f"#!/bin/bash\n{'(' * 5000}true{')' * 5000}\n"),
        ("shell.lint", "a.sh", "#!/bin/bash\n. /dev/zero\n"),
        ("yaml.lint", "a.sh", "[" * 30_000),
    ],
    ids=["brackets", "endless", "flow"],
)
def test_what_a_linter_does_not_come_to_an_end_with_fails(
    work: Path, tmp_path: Path, kind: str, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_SECONDS", 3.0)
    (work / name).write_text(text)
    verdict = lint(tmp_path, kind)
    assert verdict.outcome is Outcome.FAIL, verdict
    assert f"comes to no end with {name}" in verdict.message


def break_linter(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(shellcheck, "_find_shellcheck", lambda: "/bin/sh")
    monkeypatch.setattr(shellcheck, "_make_argv", lambda _: ("/bin/sh", "-c", script, "sh"))


@pytest.mark.parametrize("script", ["exit 3", "echo nonsense", "kill -9 $$", "yes", "echo '{}'"])
def test_a_linter_that_does_not_work_here_is_nobodys_fail(
    work: Path, tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_linter(monkeypatch, script)
    (work / "a.sh").write_text("#!/bin/sh\ntrue\n")
    verdict = lint(tmp_path)
    assert verdict.outcome is Outcome.ERROR
    assert "shellcheck does not work here" in verdict.message


def test_a_linter_that_finds_nothing_anywhere_is_not_believed_on_a_control(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = """[ "$1" = ./sample.sh ] && echo '{"comments": []}'"""
    break_linter(monkeypatch, clean)
    (work / "a.sh").write_text("#!/bin/sh\ntrue\n")
    assert lint(tmp_path).outcome is Outcome.ERROR


def test_one_file_that_breaks_the_linter_is_named(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = '{"comments": [{"file": "./sample.sh", "line": 1, "level": "error", "code": 1, '
    script = (
        f"""for each; do grep -q crash "$each" && exit 3; done; echo '{said}"message": ""}}]}}'"""
    )
    break_linter(monkeypatch, script)
    (work / "a.sh").write_text("#!/bin/sh\ntrue\n")
    (work / "b.sh").write_text("#!/bin/sh\necho crash\n")
    verdict = lint(tmp_path)
    assert (verdict.outcome, verdict.findings[0].path) == (Outcome.FAIL, "b.sh")


def test_a_linter_that_is_not_installed_costs_nothing(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (work / "a.sh").write_text(BAD)
    monkeypatch.setattr(programs.sysconfig, "get_path", lambda _: str(tmp_path))
    verdict = lint(tmp_path)
    assert verdict.outcome is Outcome.UNAVAILABLE
    assert "pip install" in verdict.hint
    for read_version in (shellcheck.read_version, yamllint.read_version):
        with pytest.raises(UnavailableError):
            read_version()


def test_rules_that_ruff_does_not_have_are_the_labs_trouble(work: Path, tmp_path: Path) -> None:
    (work / "a.py").write_text("print()\n")
    verdict = lint(tmp_path, "python.lint", files=["*.py"], select=["XYZ9"])
    assert verdict.outcome is Outcome.ERROR
    assert "Unknown rule selector `XYZ9`" in verdict.message


@pytest.mark.parametrize("select", [[], ["e501"], ["--fix"], ["E501,F"], [""]])
def test_what_can_be_no_rule_is_refused(select: list[str], work: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rule"):
        lint(tmp_path, "python.lint", select=select)


# What a script is made of, with a place for a comment in front of each part.
PARTS = st.sampled_from(
    [
        "echo $1",
        "f() {",
        "}",
        "if true; then",
        "fi",
        "cat <<'E'",
        "E",
        "case $1 in",
        "a) echo $2 ;;",
        "esac",
        "x=$(",
        ")",
        "'",
        '"',
        "cat <<'# shellcheck disable=SC2086'",
        "while read -r a; do",
        "done",
    ]
)
COMMENTS = st.sampled_from(
    [
        "# shellcheck disable=SC2086",
        "#shellcheck disable=all",
        "#\t shellcheck  disable=SC1000-SC9999",
        "# shellcheck source=/dev/null",
        "# shellcheck shell=dash",
        "# shellcheck enable=all",
        "# shellcheck external-sources=true",
    ]
)
SCRIPTS = st.lists(st.one_of(PARTS, COMMENTS), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@given(lines=SCRIPTS)
@settings(max_examples=25)
def test_a_comment_to_the_linter_is_a_comment(shared: Path, lines: list[str]) -> None:
    """What shellcheck finds is what it finds in the script that has other words there."""
    script = "#!/bin/bash\n" + "\n".join(lines) + "\n"
    other = script.replace("shellcheck", "hellbender")
    hidden = hide_marks({"a": script}, shellcheck._find_marks, "shellcheck").texts["a"]
    assert find_rules(shared, hidden) == find_rules(shared, other)


def find_rules(folder: Path, text: str) -> list[tuple[str, int]]:
    (folder / "a.sh").write_text(text)
    argv = (*shellcheck._make_argv(""), "a.sh")
    done = processes.run(argv, cwd=folder, timeout=60, cancel=CancelToken())
    return [(one.rule, one.line) for one in shellcheck._read(done.stdout)]


@given(st.text("#$[{ \t\n}shellcheck'q0", max_size=60), st.text("shellcheckq0 #\n", max_size=30))
def test_hidden_marks_leave_lines_lengths_and_what_is_the_same(one: str, other: str) -> None:
    hidden = hide_marks({"a": one, "b": other}, shellcheck._find_marks, "shellcheck")
    for path, before in (("a", one), ("b", other)):
        after = hidden.texts[path]
        assert len(after) == len(before)
        assert [len(line) for line in after.split("\n")] == [
            len(line) for line in before.split("\n")
        ]
        assert hidden.restore(after) == before
        assert not re.search(r"(?<!\$\{)#\s*shellcheck", re.sub(r"^#.*shell=.*", "", after))


def test_a_word_that_is_taken_is_not_used() -> None:
    taken = "".join(f"q{one}" for one in "0123456789abcdefghijklmnopqrstuvwxy")
    hidden = hide_marks({"a": f"#xx {taken}"}, find_by_pattern(re.compile("#(?P<mark>xx)")), "xx")
    assert hidden.word == "qz"


def parse(text: str) -> Any:
    argv = (find_shfmt(), "--to-json", "--language-dialect", "bash")
    done = processes.run(argv, stdin=text.encode(), timeout=60, cancel=CancelToken())
    return decode_tree(done.stdout) if done.ok else None


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    tree = parse(text.replace("\0", ""))
    if tree is not None:
        has_command(tree)
        assert all(script.line >= 1 for script in find_hidden_scripts(tree))


@pytest.mark.parametrize(
    "text",
    [
        "ssh host bash <<'E'\necho $1\nE\n",
        "bash deploy.sh <<'E'\necho $1\nE\n",
        "bash -o pipefail deploy.sh <<E\necho $1\nE\n",
        "cat <<'E' | ssh host\necho $1\nE\n",
        "python3 <<'E' | sh deploy.sh\nprint()\nE\n",
        'bash deploy.sh "$(cat <<E\necho $1\nE\n)"\n',
        'bash -c "echo $1"\n',
        'eval "$1"\n',
        ". ./common.sh <<E\nwords\nE\n",
        "docker run x sh -c 'echo $1'\n",
        "echo bash -c 'echo $1'\n",
    ],
)
def test_what_is_handed_to_no_shell_here_is_no_script(text: str) -> None:
    assert find_hidden_scripts(parse(text)) == ()
