"""`devlab lab prove`: a sound lab is proven, and every way of breaking one is caught."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffolder.model import failed
from scaffolder.report.proof_documents import decode_proofs
from tests.support.command import Devlab
from tests.support.labs import HEAD, Catalog, Holds

TASKS = """\
  - id: first-line
    title: The answer begins well
    points: 60
    hints: [look at the first word, write begin]
    checks:
      - {id: holds-begin, kind: test.holds, path: answer.txt, text: begin}
      - {id: runs-as-app, kind: test.holds, path: Dockerfile, text: USER}
  - id: last-line
    title: The answer ends well
    points: 40
    needs: [first-line]
    hints: [look at the last word, write finish]
    checks:
      - {id: holds-end, kind: test.holds, path: answer.txt, text: finish}
"""
FINISH = "finish: {proved: It held., at_work: It matters.}\n"
MISTAKES = """\
mistakes:
  - id: no-beginning
    title: One may fall through the door
    fails: [holds-begin]
    change:
      replace: [{path: answer.txt, old: "begin\\n", new: ""}]
  - id: as-root
    title: Root can do everything
    fails: [runs-as-app]
    change:
      replace: [{path: Dockerfile, old: "USER 1000\\n", new: ""}]
  - id: no-end
    title: It is over when it is over
    fails: [holds-end]
    change:
      replace: [{path: answer.txt, old: "finish\\n", new: ""}]
equivalent:
  - mutants: [drop-cmd:Dockerfile, "shell-form:Dockerfile:CMD", "latest-base:Dockerfile:alpine",
              "unpin-base:Dockerfile:alpine", secret-env:Dockerfile, secret-arg:Dockerfile,
              root-at-end:Dockerfile]
    reason: nothing here is ever built
"""
ANSWER = "begin\ngo on\nfinish\n"
DOCKERFILE = 'FROM alpine:3.20\nUSER 1000\nCMD ["true"]\n'


@pytest.fixture
def sound(catalog: Catalog) -> Path:
    """A lab of which every promise holds."""
    folder = catalog.lab(TASKS + FINISH, head=HEAD)
    (folder / "instructions.md").write_text(
        "# Do it\n\n<!-- devlab:tasks -->\n\n**`first-line`.** Begin.\n\n**`last-line`.** End.\n"
    )
    (folder / "mistakes.yaml").write_text(MISTAKES)
    (folder / "start" / "answer.txt").write_text("nothing yet\n")
    (folder / "start" / "Dockerfile").write_text("FROM alpine\n")
    (folder / "solution" / "answer.txt").write_text(ANSWER)
    (folder / "solution" / "Dockerfile").write_text(DOCKERFILE)
    for number, words in enumerate(("well", "slowly", "in peace")):
        other = folder / "alternatives" / f"other-{number}"
        other.mkdir(parents=True)
        (other / "answer.txt").write_text(f"finish {words}\nbegin {words}\n")
        (other / "Dockerfile").write_text(f"FROM alpine:3.{number}\nUSER {number + 1}\n")
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new))


def test_a_sound_lab_is_proven(devlab: Devlab, sound: Path) -> None:
    said = devlab("lab", "prove", "tested")
    assert said.code == 0, said.out + said.err
    assert "every promise holds" in said.out
    assert "3/3" in said.out
    assert "mutant:drop-user:Dockerfile" in said.err


def test_the_proof_as_json_can_be_read_back(devlab: Devlab, sound: Path) -> None:
    said = devlab("lab", "prove", "tested", "--format", "json")
    document = json.loads(said.out)
    assert document["schema"] == "devlab.proof/1"
    assert document["labs"][0]["outcome"] == "pass"
    (proof,) = decode_proofs(said.out)
    assert "mistake:no-end" in proof.kills["holds-end"]
    assert "mutant:drop-user:Dockerfile" in proof.kills["runs-as-app"]
    assert proof.complete


def test_the_proof_as_markdown_counts_the_mutants(devlab: Devlab, sound: Path) -> None:
    said = devlab("lab", "prove", "tested", "--format", "markdown")
    assert "| `drop-user` | 1 | 1 | 0 | 0 |" in said.out
    assert "| `root-at-end` | 1 | 0 | 1 | 0 |" in said.out
    assert "nothing here is ever built" in said.out


def vacuous(lab: Path) -> None:
    edit(
        lab / "lab.yaml",
        "kind: test.holds, path: answer.txt, text: finish",
        "kind: test.ends, outcome: pass",
    )


def kills_nothing(lab: Path) -> None:
    edit(lab / "mistakes.yaml", 'old: "finish\\n", new: ""', 'old: "go on\\n", new: ""')


def flaky(lab: Path) -> None:
    edit(
        lab / "lab.yaml", "kind: test.holds, path: answer.txt, text: finish", "kind: test.flickers"
    )


def solution_in_the_start(lab: Path) -> None:
    shutil.copy(lab / "solution" / "answer.txt", lab / "start" / "notes.txt")


def wrong_file_name(lab: Path) -> None:
    (lab / "mistakes.yaml").rename(lab / "mistakes.yml")


def cyclic_needs(lab: Path) -> None:
    edit(lab / "lab.yaml", "    points: 60\n", "    points: 60\n    needs: [last-line]\n")


def hint_missing(lab: Path) -> None:
    edit(lab / "lab.yaml", "    hints: [look at the last word, write finish]\n", "")


def mistake_no_longer_applies(lab: Path) -> None:
    edit(lab / "solution" / "answer.txt", "finish", "finish it")


def duplicate_id(lab: Path) -> None:
    edit(lab / "lab.yaml", "id: holds-end", "id: holds-begin")


def crashes(lab: Path) -> None:
    edit(
        lab / "lab.yaml",
        "kind: test.holds, path: answer.txt, text: finish",
        "kind: test.ends, outcome: crash",
    )


def nothing_kills(lab: Path) -> None:
    edit(lab / "mistakes.yaml", "fails: [holds-end]", "fails: [holds-begin]")


def blames_too_much(lab: Path) -> None:
    edit(
        lab / "mistakes.yaml",
        "    change:\n      replace: [{path: Dockerfile",
        "    change:\n      delete: [answer.txt]\n      replace: [{path: Dockerfile",
    )


def right_answer_fails(lab: Path) -> None:
    edit(lab / "alternatives" / "other-1" / "answer.txt", "begin slowly", "start slowly")


def survivor(lab: Path) -> None:
    edit(lab / "mistakes.yaml", "drop-cmd:Dockerfile, ", "")


def stale_equivalent(lab: Path) -> None:
    edit(
        lab / "mistakes.yaml", "drop-cmd:Dockerfile,", "drop-cmd:Dockerfile, drop-user:Dockerfile,"
    )


def unknown_equivalent(lab: Path) -> None:
    edit(lab / "mistakes.yaml", "drop-cmd:Dockerfile,", "drop-cmd:Dockerfile, drop-cms:Dockerfile,")


def wordless(lab: Path) -> None:
    edit(
        lab / "lab.yaml",
        "kind: test.holds, path: answer.txt, text: finish",
        "kind: test.ends, outcome: fail, message: failed",
    )


def given_but_fails(lab: Path) -> None:
    edit(lab / "lab.yaml", "    points: 60\n", "    points: 60\n    given: true\n")


@pytest.mark.parametrize(
    ("spoil", "place", "words"),
    [
        (vacuous, "tested/lab.yaml:23", "fails none of the mistakes that name it"),
        (kills_nothing, "tested/mistakes.yaml:12", "no-end does not fail holds-end"),
        (flaky, "tested/lab.yaml:23", "is flaky"),
        (solution_in_the_start, "tested/start/notes.txt:1", "gives away what the solution adds"),
        (wrong_file_name, "tested/mistakes.yml", "did you mean 'mistakes.yaml'"),
        (cyclic_needs, "tested/lab.yaml:13", "needs run in a circle"),
        (hint_missing, "tested/lab.yaml:17", "hint"),
        (mistake_no_longer_applies, "tested/mistakes.yaml:15", "stands 0 times"),
        (duplicate_id, "tested/lab.yaml:23", "duplicate check id"),
        (crashes, "tested/lab.yaml:23", "ended in an error"),
        (nothing_kills, "tested/lab.yaml:23", "no mistake fails the check"),
        (blames_too_much, "tested/mistakes.yaml:7", "as-root fails holds-begin too"),
        (right_answer_fails, "tested/alternatives/other-1", "first-line ends with fail"),
        (survivor, "tested/solution/Dockerfile:3", "scores full marks"),
        (stale_equivalent, "tested/solution/Dockerfile:2", "accepted as equivalent"),
        (unknown_equivalent, "tested/mistakes.yaml:18", "did you mean 'drop-cmd:Dockerfile'"),
        (wordless, "tested/lab.yaml:23", "names no cause: 'failed'"),
        (given_but_fails, "tested/lab.yaml:10", "marked as given"),
    ],
)
def test_a_broken_lab_is_caught_with_file_and_line(
    devlab: Devlab, sound: Path, spoil: Callable[[Path], None], place: str, words: str
) -> None:
    spoil(sound)
    said = devlab("lab", "prove", "tested", "--jobs", "1")
    assert said.code == 1, said.out + said.err
    flat = " ".join(said.out.split())
    assert words in flat, said.out
    assert place in flat[: flat.index(words)], said.out
    assert "Traceback" not in said.err


def test_a_survivor_shows_its_diff(devlab: Devlab, sound: Path) -> None:
    survivor(sound)
    said = devlab("lab", "prove", "tested", "--only", "mutant:*")
    assert said.code == 1
    assert '-CMD ["true"]' in said.out
    assert "drop-cmd:Dockerfile" in said.out


def test_only_names_states(devlab: Devlab, sound: Path) -> None:
    said = devlab("lab", "prove", "tested", "--only", "mistake:no-*", "--only", "start")
    assert said.code == 0
    assert "of what was tried" in said.out
    assert len(said.err.splitlines()) == 3
    wrong = devlab("lab", "prove", "tested", "--only", "mistaek:*")
    assert wrong.code == 2
    assert "states: start, solution" in wrong.err


def test_what_was_graded_before_is_not_graded_again(devlab: Devlab, sound: Path) -> None:
    only = ("--only", "alternative:*", "--only", "mutant:drop-user*", "--only", "solution")
    first = devlab("lab", "prove", "tested", *only)
    again = devlab("lab", "prove", "tested", *only)
    assert "as before" not in first.err
    assert again.err.count("as before") == 4
    assert (again.code, again.out) == (first.code, first.out) == (0, first.out)
    assert "as before" not in devlab("lab", "prove", "tested", *only, "--no-cache").err


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("lab.yaml", "text: finish", "text: finisch"),
        ("lab.yaml", "needs: [first-line]", "needs: []"),
        ("alternatives/other-1/answer.txt", "finish", "finish it"),
        ("start/answer.txt", "nothing", "something"),
    ],
)
def test_what_decides_is_not_remembered_when_it_changes(
    devlab: Devlab, sound: Path, path: str, old: str, new: str
) -> None:
    devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    edit(sound / path, old, new)
    said = devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    assert "as before" not in said.err


def test_a_remembered_failure_is_told_again(devlab: Devlab, sound: Path) -> None:
    right_answer_fails(sound)
    first = devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    again = devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    assert (first.code, again.code) == (1, 1)
    assert "as before" in again.err
    assert "first-line ends with fail" in again.out


@pytest.mark.parametrize("state", ["mistake:no-*", "mutant:drop-cmd:*"])
def test_a_fail_in_which_the_machine_may_have_had_a_say_is_not_remembered(
    devlab: Devlab, sound: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Else a grader that lets a wrong answer live would be vouched for by one lucky fail."""
    only = ("lab", "prove", "tested", "--only", state)
    monkeypatch.setattr(Holds, "run", lambda *_: failed("an index did not answer", lasting=False))
    for _ in range(2):
        assert "as before" not in devlab(*only).err
    monkeypatch.setattr(Holds, "run", lambda *_: failed("the work is wrong"))
    assert "as before" not in devlab(*only).err
    assert "as before" in devlab(*only).err


def test_what_was_graded_afresh_is_remembered(devlab: Devlab, sound: Path) -> None:
    only = ("lab", "prove", "tested", "--only", "alternative:other-1")
    devlab(*only, "--no-cache")
    assert "as before" in devlab(*only).err


def test_what_was_remembered_and_is_damaged_is_graded_again(
    devlab: Devlab, sound: Path, tmp_path: Path
) -> None:
    devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    (kept,) = (tmp_path / "proofs").iterdir()
    kept.write_text("{")
    said = devlab("lab", "prove", "tested", "--only", "alternative:other-1")
    assert said.code == 0
    assert "as before" not in said.err


def test_what_is_missing_here_is_not_broken(devlab: Devlab, sound: Path) -> None:
    edit(
        sound / "lab.yaml",
        "kind: test.holds, path: answer.txt, text: finish",
        "kind: test.ends, outcome: unavailable",
    )
    said = devlab("lab", "prove", "tested", "--only", "solution")
    assert said.code == 3
    assert "could not be graded here" in said.out


def test_a_mutant_can_be_rendered(devlab: Devlab, sound: Path, tmp_path: Path) -> None:
    said = devlab(
        "lab", "render", "tested", tmp_path / "m", "--state", "mutant:drop-user:Dockerfile"
    )
    assert said.code == 0, said.err
    assert (tmp_path / "m" / "Dockerfile").read_text() == DOCKERFILE.replace("USER 1000\n", "")
    wrong = devlab(
        "lab", "render", "tested", tmp_path / "n", "--state", "mutant:drop-usr:Dockerfile"
    )
    assert wrong.code == 2
    assert "did you mean 'drop-user:Dockerfile'" in wrong.err
    assert not (tmp_path / "n").exists()


def test_two_labs_are_proven_side_by_side(devlab: Devlab, sound: Path, catalog: Catalog) -> None:
    shutil.copytree(sound, sound.parent / "second")
    edit(sound.parent / "second" / "lab.yaml", "text: finish", "text: absent")
    said = devlab("lab", "prove", "--all", "--only", "solution")
    assert said.code == 1
    assert "tested: every promise holds" in said.out
    assert "second: a promise is broken" in said.out


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@t")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_changed_proves_only_what_a_change_touches(
    devlab: Devlab, sound: Path, catalog: Catalog
) -> None:
    shutil.copytree(sound, sound.parent / "second")
    git(catalog.root, "init", "-b", "main")
    git(catalog.root, "add", ".")
    git(catalog.root, "commit", "-m", "begin")
    unchanged = devlab("lab", "prove", "--changed", "main", "--only", "start", cwd=catalog.root)
    assert (unchanged.code, "no lab differs from main" in unchanged.err) == (0, True)
    (sound.parent / "second" / "start" / "new.txt").write_text("not known to git\n")
    one = devlab("lab", "prove", "--changed", "HEAD", "--only", "start", cwd=catalog.root)
    assert "second" in one.out
    assert "tested" not in one.out
    (catalog.root / "templates" / "tiny" / "{{cookiecutter.name}}" / "app.py").write_text("X = 1\n")
    both = devlab("lab", "prove", "--changed", "HEAD", "--only", "start", cwd=catalog.root)
    assert "second" in both.out
    assert "tested" in both.out
    wrong = devlab("lab", "prove", "--changed", "no-such-branch", cwd=catalog.root)
    assert wrong.code == 2
    assert "no-such-branch" in wrong.err
