"""A lab that ships a repository: how it is built, and what devlab's commands make of it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from scaffolder import workspace
from scaffolder.core.errors import DevlabError
from scaffolder.labs import catalog as real_catalog
from scaffolder.labs.generate import build_state, create_workspace
from scaffolder.proving.lint import lint_lab
from scaffolder.workspace import digest_repository, fingerprint_work, has_history_changed_since
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog, task
from tests.support.repositories import VARY, begin, do, write_lab

pytestmark = pytest.mark.git

TASKS = """\
  - id: merge
    title: The limit is on main
    points: 50
    hints: [a nudge, nearly the answer]
    checks:
      - id: merged
        kind: git.merged
        merges: [limit-done]
        files: {parcel/settings.py: {contains: ["RATE_LIMIT = 20", "WORKERS = 4"]}}
  - id: clean
    title: Nothing is left, and the token is gone
    points: 50
    hints: [a nudge, nearly the answer]
    checks:
      - {id: clean, kind: git.clean, branch: main}
      - {id: gone, kind: git.secret, texts: ["tok_{{ token }}"]}
"""
STEPS = r"""
merge: |
  git merge --quiet --no-edit rate-limit && exit 1
  git checkout --quiet --ours parcel/settings.py
  echo 'RATE_LIMIT = 20' >> parcel/settings.py
  git commit --quiet --all --no-edit
clean: |
  git filter-branch --tree-filter "sed -i '/$token/d' deploy.env || :" --tag-name-filter cat \
    -- --all > log 2>&1
  rm log
  git for-each-ref --format='%(refname)' refs/original | xargs -rn 1 git update-ref -d
"""
MISTAKES = """\
mistakes:
  - id: ours
    title: Only one side is taken
    fails: [merged]
    steps: {merge: git merge --quiet --strategy ours --no-edit rate-limit}
  - id: left-over
    title: A file is left
    fails: [clean]
    steps: {finally: "echo x > left.txt"}
  - id: backup
    title: The backup of filter-branch is left
    fails: [gone]
    steps: {finally: "git update-ref refs/original/refs/heads/main $commit_token"}
"""


def git(place: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=place, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def lab(catalog: Catalog) -> Path:
    """The examples' lab with tasks, a solution and mistakes."""
    folder = write_lab(catalog, TASKS)
    (folder / "solution" / ".steps.yaml").write_text(STEPS)
    (folder / "mistakes.yaml").write_text(MISTAKES)
    return folder


def test_the_same_values_make_the_same_commits_whoever_builds_them(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(tmp_path / "first")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Nobody\n\temail = nobody@example.org\n"
        "[core]\n\tautocrlf = true\n\thooksPath = /nowhere\n\teol = crlf\n"
        "[init]\n\tdefaultBranch = other\n\ttemplateDir = /nowhere\n[commit]\n\tgpgSign = true\n"
        "[i18n]\n\tcommitEncoding = latin1\n"
    )
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "TZ": "Asia/Tokyo",
    }.items():
        monkeypatch.setenv(name, value)
    second = begin(tmp_path / "second")
    for name in ("GIT_DIR", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    other = begin(tmp_path / "third", "ada@example.org")

    told = [git(one, "for-each-ref") for one in (first, second, other)]
    assert told[0] == told[1] != told[2]
    assert b"\r" not in (second / "parcel" / "settings.py").read_bytes()
    # On any machine: what it was when this was written.
    assert git(first, "rev-parse", "main").strip() == PINNED
    assert git(first, "log", "-1", "--format=%an <%ae> %ad %cd", "--date=iso", "main").strip() == (
        "Robin Doe <robin@example.org> 2026-02-12 10:00:00 +0100 2026-02-12 10:00:00 +0100"
    )


PINNED = "dc9f1845bab5e9bfb18ed037c82c6e4370b0515f"


def test_what_a_learner_reads_is_outside_of_the_history(lab: Path, tmp_path: Path) -> None:
    place = begin(tmp_path / "work")
    assert (place / "README.md").is_file()
    assert (place / workspace.MANIFEST).is_file()
    assert git(place, "status", "--porcelain") == ""
    tracked = git(place, "log", "--all", "--name-only", "--format=").split()
    assert "parcel/price.py" in tracked
    assert not {"README.md", ".devlab/manifest.json", ".devlab/start.json"} & set(tracked)
    # Nothing of it stops who goes back to the first commit, bisects or rewrites everything.
    do(place, "git switch --quiet --detach main~10; git switch --quiet main; git add --all")
    assert git(place, "status", "--porcelain") == ""
    assert workspace.find_workspace(place).manifest.lab.id == "tested"
    assert sorted(path.name for path in (place / ".git").iterdir() if "HEAD" in path.name) == [
        "HEAD"
    ]


def test_without_git_nothing_is_written(
    lab: Path, tmp_path: Path, devlab: Devlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = devlab("new", "tested", "work", "--no-input", cwd=tmp_path)
    assert said.code == 3
    assert "git is not installed" in said.err
    assert not list(tmp_path.glob("*work*"))


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("id: token", "idd: token", "idd:", "unknown key 'idd'; did you mean 'id'?"),
        ("{{ token }}", "{{ tokn }}", "deploy.env:", "unknown variable 'tokn'; did you mean"),
        ("branch: rate-limit", "branch: ../x", "../x", "Expected `str` matching regex"),
        ('"WORKERS = 2\\n"', '"WORKERS = 3\\n"', "change:\n      replace:\n        - {path: "
         "parcel/settings.py, old: \"WORKERS = 3", "stands 0 times, not once"),
        ("2026-02-11T09:00:00+01:00", "2026-02-11T09:00:00", "2026-02-11T09:00:00", "timezone"),
        ("2026-02-11T09:00:00+01:00", "2026-01-01T09:00:00+01:00", "2026-01-01", "is earlier"),
        ("2026-02-02T09:40:00", "2026-02-02T09:00:00", "2026-02-02T09:00:00+01:00\n    change",
         "of line 6 has the same author and date"),
        ("id: begun", "id: rate-limit", "id: rate-limit", "is a branch and an id"),
        ("id: begun", "id: last", "id: last\n    message: Tell", "duplicate commit id 'last'"),
        ("tags: [v1.0]", "tags: [v1.1]", "tags: [{name: v1.1", "duplicate tag id 'v1.1'"),
        ("write: {deploy.env:", "write: {README.md:", "change:\n      write: {README",
         "README.md is no part of the repository"),
        ("write: {deploy.env:", "write: {.git/config:", "change:\n      write: {.git",
         "'.git/config' can be no file"),
        ("write: {deploy.env:", "write: {deploy.env/x:", "change:\n      write: {deploy.env/x",
         "stands where another needs a folder"),
        ("branch: search", "branch: rate-limit/x", "commits:", "cannot have a branch 'rate-limit'"),
        ("branch: search", "branch: search\n    from: serch", "from: serch", "id 'serch'"),
        ("branch: main", "branch: main\n    from: begun", "from: begun", "has begun already"),
        ("tags: [v1.0]", "tags: [v1..0]", "tags: [v1..0]", "tags"),
        ("branch: main", "branch: main\n    merge: [begun]", "merge: [begun]", "already"),
        ("write: {deploy.env: \"REGION=north\\n\"}", "{}", "- message: Read", "changes nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_history_is_told_with_its_line(
    lab: Path, old: str, new: str, at: str, words: str
) -> None:
    path = lab / "history.yaml"
    text = path.read_text()
    assert old in text
    broken = text.replace(old, new, 1)
    path.write_text(broken)
    found = [one for one in lint_lab(lab) if one.path == "history.yaml"]
    assert words in found[0].message
    assert found[0].line == broken[: broken.index(at)].count("\n") + 1


MERGE = """\
commits:
  - {message: Begin, date: 2026-01-01T00:00:00Z, change: {write: {a.txt: "1\\n", b.txt: "1\\n"}}}
  - id: on-side
    message: Side
    branch: side
    date: 2026-01-02T00:00:00Z
    change: {write: {a.txt: "2\\n", c.txt: "new\\n"}}
  - {message: Main, branch: main, from: null, date: 2026-01-03T00:00:00Z, change: CHANGE}
  - id: merged
    message: Merge
    date: 2026-01-04T00:00:00Z
    merge: [side]
    change: THEN
"""


@pytest.mark.parametrize(
    ("change", "then", "files"),
    [
        ('{write: {b.txt: "3\\n"}}', "{}", {"a.txt": "2\n", "b.txt": "3\n", "c.txt": "new\n"}),
        ("{delete: [b.txt]}", "{}", {"a.txt": "2\n", "c.txt": "new\n"}),
        (
            '{write: {a.txt: "3\\n"}}',
            '{write: {a.txt: "23\\n"}}',
            {"a.txt": "23\n", "b.txt": "1\n", "c.txt": "new\n"},
        ),
        ('{write: {a.txt: "3\\n"}}', "{}", "both sides changed a.txt"),
        ("{delete: [a.txt]}", "{}", "both sides changed a.txt"),
        ('{write: {a.txt: "2\\n"}}', "{}", {"a.txt": "2\n", "b.txt": "1\n", "c.txt": "new\n"}),
    ],
)
def test_a_merge_takes_what_only_one_side_changed(
    catalog: Catalog, tmp_path: Path, change: str, then: str, files: dict[str, str] | str
) -> None:
    lab = write_lab(catalog)
    text = MERGE.replace("CHANGE", change).replace("THEN", then)
    (lab / "history.yaml").write_text(text)
    if isinstance(files, str):
        with pytest.raises(DevlabError, match=files) as caught:
            begin(tmp_path / "work")
        assert "history.yaml:12: " in caught.value.message
        return
    place = begin(tmp_path / "work")
    there = {path.name: path.read_text() for path in place.glob("?.txt")}
    assert there == files
    assert len(git(place, "log", "-1", "--format=%P").split()) == 2
    assert git(place, "status", "--porcelain") == ""


def test_states_of_a_lab_are_repositories_too(lab: Path, tmp_path: Path) -> None:
    found = real_catalog.load_lab("tested")
    for number, state in enumerate(("solution", "solution", "mistake:ours", "mistake:backup")):
        build_state(found, state, {}, tmp_path / str(number))
    prints = [fingerprint_work(tmp_path / str(number)) for number in range(4)]
    assert prints[0] == prints[1]
    assert len({json.dumps(one) for one in prints}) == 3
    assert "RATE_LIMIT" in (tmp_path / "0" / "parcel" / "settings.py").read_text()
    assert "RATE_LIMIT" not in (tmp_path / "2" / "parcel" / "settings.py").read_text()


def test_a_lab_with_a_history_is_proven(lab: Path, devlab: Devlab) -> None:
    (proof,) = json.loads(devlab("lab", "prove", "tested", "--format", "json").out)["labs"]
    told = {one["case"]["name"]: (one["fate"], one["problems"]) for one in proof["results"]}
    assert {"start", "solution", "mistake:ours", "mistake:backup", "mistake:left-over"} <= set(told)
    assert any(name.startswith("copied:") for name in told)
    assert set(map(str, told.values())) == {"('holds', [])"}
    # What is known of an answer is known by its history.
    again = json.loads(devlab("lab", "prove", "tested", "--format", "json").out)["labs"][0]
    mistakes = [one for one in again["results"] if one["case"]["stage"] == "mistake"]
    assert len(mistakes) == 3
    assert all(one["remembered"] for one in mistakes)


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        ("mistakes.yaml", "{merge: git", "{marge: git", "did you mean 'merge'?"),
        (
            "mistakes.yaml",
            'fails: [clean]\n    steps: {finally: "echo x > left.txt"}',
            "fails: [clean]\n    change: {}",
            "changes nothing in the solution",
        ),
    ],
)
def test_what_answers_say_of_a_history_is_looked_at(
    lab: Path, path: str, old: str, new: str, words: str
) -> None:
    text = (lab / path).read_text()
    assert old in text
    (lab / path).write_text(text.replace(old, new, 1))
    found = [one.message for one in lint_lab(lab) if one.path == path]
    assert any(words in one for one in found)


def test_a_check_of_a_commit_that_is_not_there_is_told(lab: Path) -> None:
    text = (lab / "lab.yaml").read_text()
    check = "      - {id: named, kind: git.names, file: a.txt, commit: rounding-bag}\n"
    (lab / "lab.yaml").write_text(text + check)
    (told,) = [one for one in lint_lab(lab) if "rounding-bag" in one.message]
    assert "did you mean 'rounding-bug'?" in told.message
    assert (told.path, told.line) == ("lab.yaml", text.count("\n") + 1)


def test_a_check_of_a_repository_needs_one(catalog: Catalog) -> None:
    lab = catalog.lab(TASKS, head=HEAD + VARY)
    with pytest.raises(DevlabError, match=r"without a history\.yaml") as caught:
        real_catalog.load_lab("tested")
    line = (lab / "lab.yaml").read_text().split("\n").index("        kind: git.merged") + 1
    assert f"lab.yaml:{line}: " in caught.value.message
    (lab / "solution" / ".steps.yaml").write_text("a: 'true'\n")
    (lab / "lab.yaml").write_text(f"{HEAD}tasks:\n{task('first')}")
    with pytest.raises(DevlabError, match=r"steps are for labs with a history\.yaml"):
        build_state(real_catalog.load_lab("tested"), "solution", {}, lab.parent / "out")


def test_a_step_that_fails_is_the_authors_to_mend(lab: Path, tmp_path: Path) -> None:
    (lab / "solution" / ".steps.yaml").write_text("merge: |\n  echo before\n  git merge nowhere\n")
    with pytest.raises(DevlabError, match=r"the step 'merge' exited with 1: .*nowhere"):
        build_state(real_catalog.load_lab("tested"), "solution", {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_steps_see_nothing_of_the_machine(lab: Path, tmp_path: Path) -> None:
    secret = Path.home() / ".gitconfig"
    (lab / "solution" / ".steps.yaml").write_text(
        f'merge: \'test ! -e {secret}; test "$HOME" != {Path.home()}; test -n "$commit_token"\'\n'
    )
    build_state(real_catalog.load_lab("tested"), "solution", {}, tmp_path / "out")


def test_an_update_leaves_the_history_alone(lab: Path, tmp_path: Path, devlab: Devlab) -> None:
    place = begin(tmp_path / "work")
    do(place, "git switch --quiet search; echo x > own.txt; git add own.txt; git commit -qm x")
    before = git(place, "for-each-ref")
    (lab / "instructions.md").write_text("# Do it better\n\n<!-- devlab:tasks -->\n")
    raise_version(lab)
    said = devlab("update", cwd=place)
    assert said.code == 0, said.err
    assert (place / "README.md").read_text().startswith("# Do it better")
    assert git(place, "for-each-ref") == before
    assert devlab("update", cwd=place).out.startswith("Nothing to do")

    text = (lab / "history.yaml").read_text()
    (lab / "history.yaml").write_text(text.replace("Tell the version", "Tell which version it is"))
    raise_version(lab)
    said = devlab("update", cwd=place)
    assert said.code == 2
    assert "begins with another repository than your work did" in said.err
    assert "devlab new tested" in said.err


def raise_version(lab: Path) -> None:
    text = (lab / "lab.yaml").read_text()
    number = int(text.split('version: "')[1].split('"')[0])
    (lab / "lab.yaml").write_text(text.replace(f'"{number}"', f'"{number + 1}"', 1))


def test_a_reset_brings_back_files_and_no_history(
    lab: Path, tmp_path: Path, devlab: Devlab
) -> None:
    place = begin(tmp_path / "work")
    do(place, "echo x >> deploy.sh; git commit --quiet --all --message x; echo y > README.md")
    before = git(place, "for-each-ref")
    assert devlab("reset", "--yes", cwd=place).code == 0
    assert git(place, "for-each-ref") == before
    assert git(place, "status", "--porcelain") == " M deploy.sh\n"
    assert (place / "README.md").read_text().startswith("# Do it")


def test_a_hint_does_not_speak_of_the_history_before(
    lab: Path, tmp_path: Path, devlab: Devlab
) -> None:
    place = begin(tmp_path / "work")
    assert "merge" in devlab("hint", cwd=place).out
    moment = time.time()
    assert not has_history_changed_since(place, moment + 60)
    do(place, STEPS_IN_SHELL, token="nobodys0token")
    assert has_history_changed_since(place, moment)
    assert "merge" not in devlab("hint", cwd=place).out


def test_the_solution_shows_its_steps(lab: Path, tmp_path: Path, devlab: Devlab) -> None:
    place = begin(tmp_path / "work")
    said = devlab("solution", "merge", "--give-up", cwd=place)
    assert "# merge: what the reference answer does in the shell" in said.err
    assert "git merge --quiet --no-edit rate-limit" in said.err
    assert "filter-branch" not in said.err
    told = json.loads(devlab("solution", "--give-up", "--format", "json", cwd=place).out)
    assert list(told["steps"]) == ["merge", "clean"]


def test_a_commit_makes_a_kept_verdict_stale(lab: Path, tmp_path: Path, devlab: Devlab) -> None:
    place = begin(tmp_path / "work")

    def check() -> tuple[list[str], bool]:
        told = json.loads(devlab("check", "--format", "json", cwd=place).out)
        checks = [one for each in told["tasks"] for one in each["checks"]]
        return [one["verdict"] for one in checks], all(one["cached"] for one in checks)

    assert check() == (["fail", "pass", "fail"], False)
    assert check() == (["fail", "pass", "fail"], True)
    # What git writes for itself when somebody only looks is no change.
    do(place, "touch parcel/price.py; git status > /dev/null; git log > /dev/null")
    assert check()[1]
    before = digest_repository(place)
    do(place, "git merge --quiet --strategy ours --no-edit rate-limit")
    assert digest_repository(place) != before
    # Not a file of the work is another one.
    assert check() == (["fail", "pass", "fail"], False)
    do(place, "git reset --quiet --hard HEAD~1")
    outcome = check()[0]
    assert outcome == ["fail", "pass", "fail"]
    do(place, STEPS_IN_SHELL, token="nobodys0token")
    assert check() == (["pass", "pass", "pass"], False)
    do(place, f"git tag again {git(place, 'rev-parse', 'main').strip()}")
    assert check() == (["pass", "pass", "pass"], False)


STEPS_IN_SHELL = r"""
! git merge --quiet --no-edit rate-limit
git checkout --quiet --ours parcel/settings.py
echo 'RATE_LIMIT = 20' >> parcel/settings.py
git commit --quiet --all --no-edit
git filter-branch --tree-filter "sed -i '/$token/d' deploy.env || :" --tag-name-filter cat \
  -- --all > /dev/null 2>&1
git for-each-ref --format='%(refname)' refs/original | xargs -n 1 git update-ref -d
"""


def test_a_pack_that_is_not_trusted_runs_no_steps(lab: Path, tmp_path: Path) -> None:
    import msgspec

    found = msgspec.structs.replace(real_catalog.load_lab("tested"), trusted=False)
    build_state(found, "start", {}, tmp_path / "start")
    assert (tmp_path / "start" / ".git").is_dir()
    with pytest.raises(DevlabError, match="do not run before the pack is trusted"):
        build_state(found, "solution", {}, tmp_path / "solution")
    (lab / "solution" / ".git").mkdir()
    (lab / "solution" / ".git" / "config").write_text("[core]\n\tfsmonitor = touch /tmp/x\n")
    with pytest.raises(DevlabError, match="must not touch a repository's own files"):
        build_state(found, "solution", {}, tmp_path / "solution")
    (lab / "start" / ".git").mkdir()
    with pytest.raises(DevlabError, match="which is a repository's"):
        create_workspace(found, {}, tmp_path / "work")
