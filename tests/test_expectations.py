"""What labs expect of a run: refused where it says nothing, and held against hostile texts."""

from __future__ import annotations

import io
import os
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.expectations.draws import Draw, draw_values, fill_values
from scaffolder.checks.expectations.files import FileExpectation
from scaffolder.checks.expectations.given import GivenFile, put_files
from scaffolder.checks.expectations.listings import (
    READ_LIMIT,
    list_archive,
    list_folder,
    select_paths,
)
from scaffolder.checks.expectations.patterns import SlowPatternError, is_found
from scaffolder.checks.expectations.texts import OutputExpectation, show_diff
from scaffolder.checks.json_values import JsonExpectation
from scaffolder.checks.registry import KINDS
from scaffolder.core.errors import DevlabError, UnusableFileError
from scaffolder.labs.lab_file import read_lab
from tests.support.checking import context_of
from tests.support.labs import HEAD, Catalog

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("command.runs", {"run": []}, "length >= 1"),
    ("command.runs", {"run": "ls"}, "shell: true"),
    ("command.runs", {"run": ["ls"], "shell": True}, "shell: true"),
    ("command.runs", {"run": "ls", "shell": True, "arguments": ["x"]}, "takes no `arguments`"),
    ("command.runs", {"run": ["ls"], "stdout": {}}, "say one of equals"),
    ("command.runs", {"run": ["ls"], "stdout": {"matches": ".*"}}, "matches every text"),
    ("command.runs", {"run": ["ls"], "stdout": {"matches": "("}}, "no regular expression"),
    ("command.runs", {"run": ["ls"], "stdout": {"contains": ""}}, "length >= 1"),
    ("command.runs", {"run": ["ls"], "stdout": {"lines": [3, 2]}}, "smaller to the larger"),
    ("command.runs", {"run": ["ls"], "stdout": {"lines": [0, None]}}, "every number"),
    ("command.runs", {"run": ["ls"], "stdout": {"lines": "two"}}, "is a number or the name"),
    ("command.runs", {"run": ["ls"], "stdout": {"json": {}}}, "everything holds"),
    ("command.runs", {"run": ["ls"], "exit": 256}, "from 0 to 255"),
    ("command.runs", {"run": ["ls"], "exit": []}, "from 0 to 255"),
    ("command.runs", {"run": ["ls"], "exit": {"not": []}}, "from 0 to 255"),
    ("command.runs", {"run": ["ls"], "exit": "zero"}, "is a number"),
    ("command.runs", {"run": ["ls"], "signal": {"send": "TERM"}, "exit": 0}, "say when"),
    ("command.runs", {"run": ["ls"], "signal": {"at": "x"}}, "which exit code"),
    ("command.runs", {"run": ["ls"], "cwd": "../x"}, "does not stay"),
    ("command.runs", {"run": ["ls"], "given": [{"path": "x"}]}, "say one of content"),
    ("command.runs", {"run": ["ls"], "given": [{"path": "/x", "content": ""}]}, "does not stay"),
    ("command.runs", {"run": ["ls"], "given": [{"path": ".git/x", "content": ""}]}, "not stay"),
    ("command.runs", {"run": ["ls"], "given": [{"path": "x", "content": "", "count": 2}]}, "${i}"),
    ("command.runs", {"run": ["ls"], "given": [{"path": "x", "file": "/etc/x"}]}, "fixtures"),
    (
        "command.runs",
        {"run": ["ls"], "given": [{"path": "x", "folder": True, "repeat": 2}]},
        "only",
    ),
    ("command.runs", {"run": ["ls"], "then": [{"path": "x", "exists": False}]}, "absent: true"),
    (
        "command.runs",
        {"run": ["ls"], "then": [{"path": "x", "absent": True, "mode": "600"}]},
        "else",
    ),
    ("command.runs", {"run": ["ls"], "then": [{"path": "x", "mode": "rw"}]}, "matching regex"),
    ("command.runs", {"run": ["ls"], "draw": {"n": {}}}, "say one of number"),
    ("command.runs", {"run": ["ls"], "draw": {"n": {"number": [3, 3]}}}, "from a smaller"),
    ("command.runs", {"run": ["ls"], "draw": {"n": {"text": 3}}}, "nothing names it"),
    ("command.runs", {"run": ["${m}"], "draw": {"n": {"text": 3}}}, "nothing is drawn for ${m}"),
    ("command.runs", {"run": ["${s}"], "draw": {"s": {"sum": ["x"]}}}, "no number drawn before"),
    ("command.runs", {"run": ["${i}"], "draw": {"i": {"text": 3}}}, "cannot be the name"),
    ("command.runs", {"run": ["ls"], "cases": [{}, {"name": "x"}]}, "`name` of its own"),
    ("command.runs", {"run": ["ls"], "cases": [{"name": "x"}, {"name": "x"}]}, "of its own"),
    (
        "command.runs",
        {"run": ["ls"], "cases": [{"idempotent": True}], "signal": {"at": "x"}, "exit": 0},
        "second one",
    ),
    ("container.runs", {"mounts": [{"path": "in/x", "content": ""}]}, "begins with a slash"),
    ("container.runs", {"mounts": [{"path": "/x", "content": ""}]}, "put it into a folder"),
    ("container.runs", {"mounts": [{"path": "/usr/x", "content": ""}]}, "image's own /usr"),
    ("container.runs", {"mounts": [{"path": "/proc/a/b", "content": ""}]}, "image's own /proc"),
    ("container.runs", {"then": [{"path": "/out/x"}]}, "looks into `writes`"),
    ("container.runs", {"writes": ["out"]}, "matching regex"),
    ("container.stops", {}, "a `request`, or a job"),
    ("container.stops", {"request": {}, "while": {}}, "a `request`, or a job"),
    ("container.user", {"while": {"at": "x*"}}, "matches every text"),
]


@pytest.mark.parametrize(("kind", "check", "words"), REFUSED)
def test_what_cannot_be_meant_is_refused(kind: str, check: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(check, KINDS[kind])
    assert words in str(caught.value)


TASKS = """\
  - id: one
    title: A task
    points: 100
    hints: [a, b]
    checks:
      - id: runs
        kind: command.runs
        run: [cat, in.txt]
        %s
"""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stdotu: {equals: x}", "lab.yaml:18: unknown key 'stdotu'; did you mean 'stdout'?"),
        ("stdout: {equal: x}", "lab.yaml:18: unknown key 'equal'; did you mean 'equals'?"),
        ("draw: {n: {numbr: [1, 2]}}", "lab.yaml:18: unknown key 'numbr'; did you mean 'number'?"),
        ("given: [{path: in.txt, file: fixtures/inn.txt}]", "did you mean 'fixtures/in.txt'?"),
        ("stdout: {equals: {file: fixtures/no}}", "unknown fixture 'fixtures/no'"),
        ("fault: none", "unknown fault 'none'"),
        ("cases: [{name: a, exti: 1}]", "lab.yaml:18: unknown key 'exti'; did you mean 'exit'?"),
    ],
)
def test_a_lab_is_told_where_it_is_wrong(catalog: Catalog, line: str, words: str) -> None:
    folder = catalog.lab(TASKS % line)
    (folder / "fixtures").mkdir()
    (folder / "fixtures" / "in.txt").write_text("")
    with pytest.raises(DevlabError) as caught:
        read_lab(folder)
    assert words in caught.value.message


def test_a_session_gives_what_its_check_runs(catalog: Catalog) -> None:
    folder = catalog.lab(
        TASKS.replace("run: [cat, in.txt]\n        %s", "session: both"),
        head=f"{HEAD}sessions:\n  both: {{run: [cat, x]}}\n",
    )
    (spec,) = read_lab(folder).tasks[0].checks
    assert spec.check.command == ("cat", "x")  # type: ignore[attr-defined]


def test_drawn_values_are_the_same_for_a_seed_and_others_for_another_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVLAB_SEED", "abc")
    (tmp_path / "work").mkdir()
    run = context_of(tmp_path / "work", tmp_path / "run").run
    draws = {
        "a": Draw(number=(1, 10**6)),
        "b": Draw(text=12),
        "c": Draw(choice=("x", 5)),
        "d": Draw(sum=("a", 4)),
    }
    values = draw_values(run, draws, "one")
    assert values == draw_values(run, draws, "one")
    assert values != draw_values(run, draws, "two")
    assert values["d"] == int(values["a"]) + 4
    assert str(values["b"]).isalnum()
    assert str(values["b"])[0].isalpha()
    with pytest.raises(KeyError):
        draw_values(run, {"v": Draw(variable="no_such")}, "one")


def test_values_fill_texts_and_json_keeps_its_types() -> None:
    said = OutputExpectation(
        equals="${n} of $${n}",
        contains=("${w}",),
        json=JsonExpectation(has={"n": "${n}", "t": "is ${n}"}, where={"a == `${n}`": True}),
    )
    filled = fill_values(said, {"n": 7, "w": "word"})
    assert filled.equals == "7 of ${n}"
    assert filled.contains == ("word",)
    assert filled.json.has == {"n": 7, "t": "is 7"}
    assert list(filled.json.where) == ["a == `7`"]


@given(st.text(max_size=40), st.integers())
def test_a_text_without_references_stays_as_it_is(text: str, number: int) -> None:
    if "${" not in text:
        assert fill_values(text, {"n": number}) == text
    assert fill_values({"k": ["${n}" + "x"]}, {"n": number}) == {"k": [f"{number}x"]}


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_diff_is_short_and_there_where_texts_differ(one: str, other: str) -> None:
    lines = show_diff(one, other)
    assert len(lines) <= 16
    assert bool(lines) or one.split("\n") == other.split("\n") or len(one) > 119 or len(other) > 119


@given(st.binary(max_size=200))
def test_any_bytes_are_held_against_an_expectation(content: bytes) -> None:
    said = OutputExpectation(
        equals="x", contains="y", lacks="z", matches="w", lines=5, json=JsonExpectation(has={})
    )
    assert list(said.find_misses(content, lambda _: b""))


def test_json_that_is_deep_or_no_json_is_a_miss() -> None:
    said = OutputExpectation(json=JsonExpectation(has={}))
    for text in (b"[" * 100_000, b"NaN", b"1" * 10_000, b'{"a": 1} {"b": 2}', b"", b"\xff"):
        assert list(said.find_misses(text, lambda _: b""))


def test_a_text_cannot_hold_up_a_pattern() -> None:
    began = time.monotonic()
    with pytest.raises(SlowPatternError):
        is_found(r"(a+)+$", "a" * 5000 + "b")
    assert time.monotonic() - began < 60


@given(st.binary(max_size=300))
def test_bytes_that_are_no_archive_are_refused_and_no_crash(content: bytes) -> None:
    for head in (b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\x00"):
        try:
            for item in list_archive(head + content, "x").values():
                item.read()
        except UnusableFileError:
            continue


def test_an_archive_is_bounded_whatever_it_claims(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("huge")
        member.size = 0
        archive.addfile(member)
    claimed = bytearray(packed.getvalue())
    # The size stands in octal digits at 124; the checksum is mended as a forger would.
    claimed[124:136] = b"%011o\0" % (READ_LIMIT * 100)
    claimed[148:156] = b" " * 8
    claimed[148:156] = b"%06o\0 " % sum(claimed[:512])
    with pytest.raises(UnusableFileError):
        list_archive(bytes(claimed), "x")["huge"].read()
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as file:
        for number in range(20_010):
            file.writestr(str(number), b"")
    with pytest.raises(UnusableFileError, match=r"20,000 files|more than"):
        list_archive(many.getvalue(), "x")


PATHS = st.lists(st.sampled_from(["a", "b.txt", "c d", ".e"]), min_size=1, max_size=4).map("/".join)


@given(PATHS)
def test_patterns_name_paths_as_people_read_them(path: str) -> None:
    listing = {path: None}
    folder, _, name = path.rpartition("/")
    assert select_paths(listing, path)
    assert select_paths(listing, "**")
    assert select_paths(listing, f"**/{name}")
    assert bool(select_paths(listing, "*")) == ("/" not in path)
    assert not select_paths(listing, f"{path}/**")
    if folder:
        assert select_paths(listing, f"{folder}/*")
        assert select_paths(listing, f"{folder.split('/')[0]}/**")


def test_given_files_go_over_whatever_stands_there(tmp_path: Path) -> None:
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.mkdir()
    (outside / "kept").write_text("mine")
    (work / "data").symlink_to(outside)
    (work / "file").symlink_to(outside / "kept")
    (work / "folder").mkdir()
    (work / "folder" / "old").write_text("")
    put_files(
        [
            GivenFile(path="data/new", content="x"),
            GivenFile(path="file", content="y", mode="600", age="3d"),
            GivenFile(path="folder", content="z"),
            GivenFile(path="n/${i}", content="${i}", count=3, age="${i}h"),
        ],
        tmp_path,
        work,
    )
    assert (outside / "kept").read_text() == "mine"
    assert [one.name for one in outside.iterdir()] == ["kept"]
    assert (work / "folder").read_text() == "z"
    told = (work / "file").stat()
    assert told.st_mode & 0o777 == 0o600
    assert abs(time.time() - 3 * 86400 - told.st_mtime) < 600
    assert (work / "n" / "1").stat().st_mtime > (work / "n" / "3").stat().st_mtime


def test_a_folder_is_looked_at_without_following_what_leads_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    work = tmp_path / "work"
    work.mkdir()
    (work / "out").symlink_to(tmp_path / "secret")
    (work / "loop").symlink_to("loop")
    os.mkfifo(work / "pipe")
    (work / os.fsdecode(b"\xff")).write_text("odd")
    listing = list_folder(work)
    assert listing["out"].broken
    assert listing["loop"].broken
    for name in ("out", "loop", "pipe"):
        with pytest.raises(UnusableFileError):
            listing[name].read()
    assert listing["\\xff"].read() == b"odd"
    (misses,) = FileExpectation(path="out", contains="s").find_file_misses(listing, lambda _: b"")
    assert "outside" in misses.miss.words
