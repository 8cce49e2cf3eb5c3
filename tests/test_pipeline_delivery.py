"""What a delivered file may be, and that any bytes are one or none."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.pipeline_delivery import _members

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
        return _members(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_good_package_tells_its_files(package: bytes) -> None:
    assert members(package) == list(CONTENT)


def test_a_package_that_breaks_off_is_not_readable() -> None:
    packed = tar("w:gz")
    assert members(packed[: len(packed) // 2]) is None


def test_a_wheel_with_a_name_that_is_no_text_is_not_readable() -> None:
    assert members(wheel().replace("\u00e9".encode(), b"\xff\xff")) is None


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
