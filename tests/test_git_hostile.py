"""A repository is its learner's: nothing of it runs, misleads or breaks whoever grades."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.git import objects
from scaffolder.checks.git.merges import Contains
from scaffolder.checks.git.objects import parse_repository
from scaffolder.checks.git.secrets import SecretGone
from scaffolder.core.errors import WorkFaultError
from scaffolder.model import CheckSpec, Outcome, Verdict
from scaffolder.workspace import copy_repository, digest_repository, repositories
from tests.support.labs import Catalog
from tests.support.repositories import begin, do, judge_work, write_lab

pytestmark = pytest.mark.git

HOLDS = Contains(branch="main", commits=("token", "last"))
TOKEN = "tok_nobodys0token"


@pytest.fixture
def place(catalog: Catalog, tmp_path: Path) -> Path:
    write_lab(catalog)
    return begin(tmp_path / "work")


def judge_one(place: Path, check: Contains | SecretGone = HOLDS) -> Verdict:
    number = len(list(place.parent.glob("run*")))
    spec = CheckSpec("one", "git", check, 60)
    (verdict,) = judge_work(place, [spec], place.parent / f"run{number}")
    return verdict


def git(place: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=place, capture_output=True, check=True, input=stdin
    )
    return done.stdout.decode()


def test_nothing_that_a_repository_names_is_run(place: Path) -> None:
    marker = place.parent / "ran"
    command = f"touch {marker}"
    (place / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n"
        f'\tfsmonitor = "{command}"\n\tsshCommand = "{command}"\n\tpager = "{command}"\n'
        f'\teditor = "{command}"\n\thooksPath = evil\n\talternateRefsCommand = "{command}"\n'
        f'[diff]\n\texternal = "{command}"\n[diff "x"]\n\ttextconv = "{command}"\n'
        f'[filter "x"]\n\tclean = "{command}"\n\tsmudge = "{command}"\n\tprocess = "{command}"\n'
        f'[credential]\n\thelper = "!{command}"\n[uploadpack]\n\tpackObjectsHook = "{command}"\n'
        f'[include]\n\tpath = /dev/zero\n[remote "origin"]\n\turl = "ext::{command}"\n'
        "\tpromisor = true\n[extensions]\n\tpartialClone = origin\n"
        '[url "ext::x"]\n\tinsteadOf = "file:"\n[gc]\n\tauto = 1\n'
    )
    (place / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    (place / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    for folder in (place / ".git" / "hooks", place / "evil"):
        folder.mkdir()
        for name in ("post-checkout", "reference-transaction", "pre-commit", "post-index-change"):
            (folder / name).write_text(f"#!/bin/sh\n{command}\n")
            (folder / name).chmod(0o755)
    spec = [
        CheckSpec("holds", "git.contains", HOLDS, 60),
        CheckSpec("clean", "git.clean", msgspec.convert({}, _load("clean:NothingLeft")), 60),
    ]
    said = judge_work(place, spec, place.parent / "run")
    assert said[0].outcome is Outcome.PASS
    assert "is not committed" in said[1].message
    assert not marker.exists()


def _load(place: str) -> type:
    import importlib

    module, _, name = place.partition(":")
    found: type = getattr(importlib.import_module(f"scaffolder.checks.git.{module}"), name)
    return found


def replace_git(place: Path, make: Callable[[Path, Path], None]) -> None:
    elsewhere = place.parent / "elsewhere.git"
    (place / ".git").rename(elsewhere)
    make(place / ".git", elsewhere)


BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "none": (lambda place: shutil.rmtree(place / ".git"), ".git is missing"),
    "a link": (
        lambda place: replace_git(place, lambda here, there: here.symlink_to(there)),
        "leads elsewhere, and devlab does not follow",
    ),
    "a file": (
        lambda place: replace_git(
            place, lambda here, there: here.write_text(f"gitdir: {there}\n") and None
        ),
        "leads elsewhere, and devlab does not follow",
    ),
    "a pipe": (lambda place: os.mkfifo(place / ".git" / "refs" / "heads" / "x"), "neither a file"),
    "HEAD is a pipe": (
        lambda place: ((place / ".git" / "HEAD").unlink(), os.mkfifo(place / ".git" / "HEAD")),
        "HEAD is neither a file",
    ),
    "refs are a link": (
        lambda place: (
            (place / ".git" / "refs" / "heads").rename(place / "heads"),
            (place / ".git" / "refs" / "heads").symlink_to(place / "heads"),
        ),
        "refs/heads is neither a file",
    ),
    "a ref is a link": (
        lambda place: (place / ".git" / "refs" / "heads" / "x").symlink_to("/etc/passwd"),
        "refs/heads/x is neither a file",
    ),
    "objects are a link": (
        lambda place: (
            (place / ".git" / "objects").rename(place / "o"),
            (place / ".git" / "objects").symlink_to(place / "o"),
        ),
        "objects is neither a file",
    ),
    "borrowed": (
        lambda place: (
            (place / ".git" / "objects" / "info").mkdir(exist_ok=True),
            (place / ".git" / "objects" / "info" / "alternates").write_text("/elsewhere\n"),
        ),
        "it borrows objects of another repository",
    ),
    "shallow": (
        lambda place: (place / ".git" / "shallow").write_text("0" * 40 + "\n"),
        "it is shallow",
    ),
    "part of another": (
        lambda place: (place / ".git" / "commondir").write_text("/elsewhere\n"),
        "it is part of another repository",
    ),
    "an object is gone": (
        lambda place: loose(place, git(place, "rev-parse", "main~3").strip()).unlink(),
        "git cannot read this repository",
    ),
    "an object is cut": (
        lambda place: loose(place, git(place, "rev-parse", "main^{tree}").strip()).write_bytes(
            b"x\x9c"
        ),
        "git cannot read this repository",
    ),
    "a ref points nowhere": (
        lambda place: (place / ".git" / "refs" / "heads" / "x").write_text("1" * 40 + "\n"),
        "git cannot read this repository",
    ),
}  # fmt: skip


def loose(place: Path, name: str) -> Path:
    """Return the file of an object, which may be written to."""
    path = place / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    return path


def unpack(place: Path) -> None:
    """Have each object in a file of its own, as git keeps few of them."""
    for pack in (place / ".git" / "objects" / "pack").glob("*.pack"):
        content = pack.read_bytes()
        for path in pack.parent.glob(f"{pack.stem}.*"):
            path.unlink()
        git(place, "unpack-objects", "-q", stdin=content)


@pytest.mark.parametrize("name", BREAKS)
def test_what_cannot_be_read_is_a_fail_in_words(name: str, place: Path) -> None:
    unpack(place)
    before = digest_repository(place)
    change, words = BREAKS[name]
    change(place)
    verdict = judge_one(place)
    assert verdict.outcome is Outcome.FAIL, verdict
    assert words in verdict.message
    assert str(place.parent) not in verdict.message
    assert digest_repository(place) != before
    # A run and a look at what is kept of it see the same.
    copy = copy_repository(place, place.parent / "copy")
    assert copy.digest == digest_repository(place)


def test_a_copy_has_the_digest_of_the_original(place: Path) -> None:
    copy = copy_repository(place, place.parent / "copy")
    assert (copy.trouble, copy.digest) == ("", digest_repository(place))
    do(place, "! git merge --quiet rate-limit")
    assert digest_repository(place) != copy.digest
    assert copy_repository(place, place.parent / "again").under_way == ("a merge",)


def test_an_object_under_a_false_name_hides_nothing(place: Path) -> None:
    """The commit with the token is given the content of another, as if it had never been."""
    unpack(place)
    commit = git(place, "rev-parse", f"main~{len(git(place, 'rev-list', 'main').split()) - 3}")
    other = git(place, "rev-parse", "main~10").strip()
    loose(place, commit.strip()).write_bytes(loose(place, other).read_bytes())
    verdict = judge_one(place, SecretGone(texts=(TOKEN,)))
    assert verdict.outcome is Outcome.FAIL
    assert "damaged" in verdict.message or "cannot read" in verdict.message


def test_what_only_whoever_looks_is_told_changes_nothing(place: Path) -> None:
    """Replaced objects, grafts and caches that lie about parents are for this machine alone."""
    root, token = (
        git(place, "rev-parse", f"main~{back}").strip()
        for back in (10, len(git(place, "rev-list", "main").split()) - 3)
    )
    git(place, "commit-graph", "write", "--reachable")
    (place / ".git" / "info" / "grafts").write_text(f"{git(place, 'rev-parse', 'main').strip()}\n")
    git(place, "replace", token, root)
    assert TOKEN not in git(place, "log", "-p", "main")
    verdict = judge_one(place, SecretGone(texts=(TOKEN,)))
    assert verdict.outcome is Outcome.FAIL
    assert "deploy.env" in verdict.message
    git(place, "replace", "-d", token)
    assert judge_one(place).outcome is Outcome.PASS


def test_a_file_that_unfolds_to_a_gigabyte_is_a_fail(place: Path) -> None:
    size = 400 * 2**20
    folded = zlib.compressobj(1)
    head = b"blob %d\0" % size
    name = sha1(head, usedforsecurity=False)
    parts = [folded.compress(head)]
    zeros = bytes(2**20)
    for _ in range(size // len(zeros)):
        name.update(zeros)
        parts.append(folded.compress(zeros))
    path = place / ".git" / "objects" / name.hexdigest()[:2] / name.hexdigest()[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join([*parts, folded.flush()]))
    tree = git(place, "mktree", stdin=f"100644 blob {name.hexdigest()}\tzeros\n".encode()).strip()
    do(place, f"git update-ref refs/heads/big $(git commit-tree -m big {tree})")
    verdict = judge_one(place)
    assert verdict.outcome is Outcome.FAIL
    assert "git cannot read this repository" in verdict.message


def test_a_tree_that_holds_itself_many_times_over_is_a_fail(place: Path) -> None:
    blob = git(place, "hash-object", "-w", "--stdin", stdin=b"x").strip()
    tree = git(place, "mktree", stdin=f"100644 blob {blob}\tx\n".encode()).strip()
    for _ in range(12):
        lines = "".join(f"040000 tree {tree}\t{name}\n" for name in "abcdefghij")
        tree = git(place, "mktree", stdin=lines.encode()).strip()
    do(place, f"git update-ref refs/heads/main $(git commit-tree -p main -m bomb {tree})")
    check = msgspec.convert({"branch": "main", "files": {"x": {"absent": True}}}, Contains)
    verdict = judge_one(place, check)
    assert (verdict.outcome, "more than" in verdict.message) == (Outcome.FAIL, True)
    # Who looks for a secret looks at each object once.
    assert judge_one(place, SecretGone(texts=("no such text",))).outcome is Outcome.PASS


def test_too_much_of_a_repository_is_a_fail(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "_COUNT_LIMIT", 20)
    verdict = judge_one(place)
    assert (verdict.outcome, "it holds more than" in verdict.message) == (Outcome.FAIL, True)


def test_thousands_of_refs_are_read(place: Path) -> None:
    name = git(place, "rev-parse", "main").strip()
    with (place / ".git" / "packed-refs").open("a") as file:
        file.writelines(f"{name} refs/tags/t{number}\n" for number in range(5000))
    assert judge_one(place).outcome is Outcome.PASS
    verdict = judge_one(place, SecretGone(texts=(TOKEN,)))
    assert "main (and 5004 more) reaches" in verdict.message


def test_names_that_are_no_text_are_shown_as_something_harmless(place: Path) -> None:
    blob = git(place, "hash-object", "-w", "--stdin", stdin=TOKEN.encode()).strip()
    lines = b"100644 blob %s\ta\x1b[31m\xff\n" % blob.encode()
    tree = git(place, "mktree", stdin=lines).strip()
    script = f"git update-ref refs/heads/odd $(git commit-tree -m $'\\e]0;x\\a\\xff' {tree})"
    do(place, f"git for-each-ref --format='%(refname)' | xargs -n 1 git update-ref -d; {script}")
    verdict = judge_one(place, SecretGone(texts=(TOKEN,)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message.isprintable()
    assert all(finding.path is None or finding.path.isprintable() for finding in verdict.findings)


def test_a_repository_with_other_hashes_is_read(place: Path) -> None:
    shutil.rmtree(place / ".git")
    do(place, "echo x > a.txt")
    git(place, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    subprocess.run(["git", "add", "a.txt"], cwd=place, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", TOKEN],
        cwd=place,
        check=True,
    )
    assert judge_one(place, Contains(branch="main")).outcome is Outcome.PASS
    verdict = judge_one(place, SecretGone(texts=(TOKEN,)))
    assert "it is in the message" in verdict.message


def test_an_empty_repository_is_a_fail(place: Path) -> None:
    shutil.rmtree(place / ".git")
    git(place, "init", "--quiet")
    verdict = judge_one(place)
    assert (verdict.outcome, verdict.message) == (
        Outcome.FAIL,
        "there is no branch 'main'; branches: none",
    )


def test_where_git_cannot_read_the_lab_s_own_either_it_is_the_machine(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scaffolder.checks.git import reading

    monkeypatch.setattr(reading, "_SCRIPT", "echo fatal: no room >&2; exit 1")
    verdict = judge_one(place)
    assert verdict.outcome is Outcome.UNAVAILABLE
    assert "the lab's own answer fails here too" in verdict.message


@given(st.binary(max_size=200))
def test_what_is_no_object_is_told_as_damage(content: bytes) -> None:
    """Any bytes in the place of a commit, a tree or a tag end in one error, or in a value."""
    for kind in ("commit", "tree", "tag"):
        found = objects.GitRepository(Path("none"), {}, "", "")
        try:
            objects._take(found, "1" * 40, kind, content)
        except WorkFaultError as error:
            assert "is damaged" in error.message


@given(st.lists(st.tuples(st.sampled_from("ab/é \n"), st.binary(max_size=30)), max_size=6))
def test_contents_are_told_apart_by_their_sizes(files: list[tuple[str, bytes]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "objects"
        named = {f"{number:040x}": content for number, (_, content) in enumerate(files)}
        dump.write_bytes(
            b"".join(
                b"%s blob %d\n%s\n" % (name.encode(), len(content), content)
                for name, content in named.items()
            )
        )
        found = parse_repository(dump, {}, "", "")
        assert {name: found.read(name) for name in found.blobs} == named
