"""Broken archives in an image: what can be read of them is looked into, and nothing is raised."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffolder.checks.docker.canaries import Canaries, Unpacked
from scaffolder.checks.docker.lookalikes import SECRET
from scaffolder.core.errors import WorkFaultError

CANARIES = Canaries()
TEXT = CANARIES.token(SECRET).encode()
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def zipped(packing: int, *contents: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", packing) as file:
        for number, content in enumerate(contents):
            file.writestr(f"{number}-é.txt", content)
    return archive.getvalue()


ARCHIVES = [
    *(zipped(packing, b"settings\n" * 20, TEXT) for packing in PACKINGS),
    *(pack(b"settings\n" * 20 + TEXT) for pack in (gzip.compress, bz2.compress, lzma.compress)),
]


def flipped(data: bytes, position: int, bits: int) -> bytes:
    changed = bytearray(data)
    changed[position % len(data)] ^= bits
    return bytes(changed)


@given(
    archive=st.sampled_from(ARCHIVES),
    flips=st.lists(st.tuples(st.integers(4, 10_000), st.integers(1, 255)), min_size=1, max_size=3),
    cut=st.integers(0, 10_000),
)
def test_a_broken_archive_raises_nothing(
    archive: bytes, flips: list[tuple[int, int]], cut: int
) -> None:
    for position, bits in flips:
        archive = flipped(archive, position, bits)
    for data in (archive, archive[: cut % len(archive)]):
        assert CANARIES.in_file(iter([data])) <= {SECRET}


def test_no_archive_with_one_byte_changed_raises_anything() -> None:
    chosen = random.Random(1)
    for _ in range(1_500):
        archive = chosen.choice(ARCHIVES)
        broken = flipped(archive, chosen.randrange(4, len(archive)), chosen.randrange(1, 256))
        assert CANARIES.in_file(iter([broken])) <= {SECRET}


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_broken_member_hides_no_other(packing: int) -> None:
    archive = bytearray(zipped(packing, b"first" * 20, TEXT))
    # The name in the first local header: the directory names another one.
    archive[30] ^= 1
    assert CANARIES.in_file(iter([bytes(archive)])) == {SECRET}


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, gzip.compress])
def test_what_is_packed_small_and_unfolds_large_is_bounded(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(31 * 2**20))
    left = Unpacked(70 * 2**20)
    assert [CANARIES.in_file(iter([bomb]), left) for _ in range(2)] == [set(), set()]
    with pytest.raises(WorkFaultError, match="unfolds"):
        CANARIES.in_file(iter([bomb]), left)


def test_a_thousand_small_archives_are_looked_through() -> None:
    unpacked = Unpacked()
    for _ in range(1_000):
        assert (
            CANARIES.in_file(iter([gzip.compress(b"a page of a manual" * 100)]), unpacked) == set()
        )


def test_a_whole_archive_gives_its_secret_away() -> None:
    assert [CANARIES.in_file(iter([one])) for one in ARCHIVES] == [{SECRET}] * len(ARCHIVES)
