"""What a delivered file may be, and that any bytes are one or none."""

from __future__ import annotations

import bz2
import io
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.pipeline.members import digest_source, list_members, read_members
from scaffolder.checks.pipeline.sources import digest_sources, find_difference
from scaffolder.tools.processes import CancelToken

CONTENT = {"app/__init__.py": b"ANSWER = 42\n" * 40, "app/caf\u00e9.py": b"x"}
DIGESTS = {name: digest_source(content) for name, content in CONTENT.items()}


def wheel() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in CONTENT.items():
            archive.writestr(name, content)
    return file.getvalue()


def tar(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in CONTENT.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


PACKAGES = (wheel(), *(tar(f"w:{packed}") for packed in ("", "gz", "bz2", "xz")))


def members(data: bytes) -> dict[str, str] | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package"
        path.write_bytes(data)
        return read_members(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_good_package_tells_its_files(package: bytes) -> None:
    assert members(package) == DIGESTS


def test_a_package_that_breaks_off_is_not_readable() -> None:
    packed = tar("w:gz")
    assert members(packed[: len(packed) // 2]) is None


def test_a_wheel_with_a_name_that_is_no_text_is_not_readable() -> None:
    assert members(wheel().replace("\u00e9".encode(), b"\xff\xff")) is None


def test_what_unfolds_to_a_terabyte_is_not_readable(tmp_path: Path) -> None:
    head = tarfile.TarInfo("app/__init__.py")
    head.size = 1 << 40
    bomb = tmp_path / "bomb"
    zeros = bz2.compress(bytes(1 << 24), 9)
    bomb.write_bytes(bz2.compress(head.tobuf(tarfile.GNU_FORMAT)) + zeros * 4096)
    begun = time.monotonic()

    assert list_members(bomb, CancelToken()) is None
    assert time.monotonic() - begun < 15


def test_a_bounded_process_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "package").write_bytes(wheel())

    assert list_members(tmp_path / "package", CancelToken()) == DIGESTS


@given(
    package=st.sampled_from(PACKAGES),
    flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 255)), max_size=8),
    end=st.integers(0, 12_000),
)
def test_any_bytes_are_a_package_or_none(
    package: bytes, flips: list[tuple[int, int]], end: int
) -> None:
    data = bytearray(package)
    for at, mask in flips:
        data[at % len(data)] ^= mask
    found = members(bytes(data[:end]))
    assert found is None or isinstance(found, dict)


APP = {"app/__init__.py": "", "app/items.py": "ITEMS = []\n", "app/version.py": "V = '1'\n"}
INFO = {f"items-1.dist-info/{name}": "" for name in ("METADATA", "WHEEL", "RECORD")}


def digests(files: dict[str, str]) -> dict[str, str]:
    return {name: digest_source(text.encode()) for name, text in files.items()}


def changed(**texts: str | None) -> dict[str, str]:
    """The wheel of APP with other texts of files in app/, or without them."""
    named = {f"app/{name}.py": text for name, text in texts.items()}
    return {name: text for name, text in {**APP, **INFO, **named}.items() if text is not None}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (changed(), ""),
        (changed(extra="X = 1\n"), ""),
        (changed(version="V = '1.7'\n"), ""),
        (changed(items=None), "does not contain app/items.py"),
        (changed(items=""), "contains another app/items.py"),
        (changed(items="ITEMS = [1]\n"), "contains another app/items.py"),
        (APP, "is no wheel: it has no METADATA, WHEEL, RECORD"),
        ({**INFO, "app/__init__.py": ""}, "does not contain app/items.py"),
        ({**INFO, "README.md": ""}, "does not contain app/__init__.py"),
        ({**INFO, **{f"src/{name}": text for name, text in APP.items()}}, ""),
    ],
)
@pytest.mark.parametrize("layout", ["", "src/"])
def test_a_wheel_holds_what_the_commit_does(
    tmp_path: Path, files: dict[str, str], said: str, layout: str
) -> None:
    tests = {
        "tests/test_x.py": "",
        f"{layout}app/tests/test_x.py": "",
        f"{layout}app/test_y.py": "",
    }
    for name, text in {**{f"{layout}{name}": text for name, text in APP.items()}, **tests}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sources = digest_sources(tmp_path)

    found = find_difference(digests(files), sources, "app/__init__.py", wheel=True)

    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_an_archive_of_another_kind_needs_no_more_than_the_sources() -> None:
    packed = digests({f"items-1/{name}": text for name, text in APP.items()})

    assert not find_difference(packed, digests(APP), "app/__init__.py", wheel=False)
    assert find_difference(
        packed, digests({**APP, "app/more.py": ""}), "app/__init__.py", wheel=False
    )
