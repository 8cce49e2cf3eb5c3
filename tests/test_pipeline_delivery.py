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

from scaffolder.tools.members import list_members, read_members
from scaffolder.tools.processes import CancelToken

CONTENT = {"app/__init__.py": b"ANSWER = 42\n" * 40, "app/caf\u00e9.py": b"x"}


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


def members(data: bytes) -> list[str] | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package"
        path.write_bytes(data)
        return read_members(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_good_package_tells_its_files(package: bytes) -> None:
    assert members(package) == list(CONTENT)


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

    assert list_members(tmp_path / "package", CancelToken()) == list(CONTENT)


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
    assert found is None or isinstance(found, list)
