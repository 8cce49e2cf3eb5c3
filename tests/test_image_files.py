"""What is in an image is read from its layers: laid over each other, and held to RECORDs."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import time
from pathlib import Path

import pytest

from scaffolder.checks.docker.distributions import list_distributions
from scaffolder.core.errors import WorkFaultError
from scaffolder.tools.engine.filesystem import FileSystem
from scaffolder.tools.engine.images import Layer
from scaffolder.tools.processes import CancelToken

SITE = "usr/lib/python3/site-packages"


def layer(place: Path, *entries: tuple[str, bytes | str | None]) -> Layer:
    """Return a layer of files (bytes), links (str) and folders (None)."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for path, content in entries:
            member = tarfile.TarInfo(path)
            member.mode = 0o755
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                member.type = tarfile.LNKTYPE if content.startswith("hard:") else tarfile.SYMTYPE
                member.linkname = content.removeprefix("hard:")
            else:
                member.size = len(content)
            data = content if isinstance(content, bytes) else b""
            archive.addfile(member, io.BytesIO(data))
    number = len(list(place.iterdir()))
    path = place / f"{number}.tar"
    with tarfile.open(path, mode="w") as outer:
        member = tarfile.TarInfo("layer.tar")
        member.size = len(inner.getvalue())
        outer.addfile(member, io.BytesIO(inner.getvalue()))
    return Layer(f"sha256:{number}", path, "layer.tar")


def files(*layers: Layer) -> FileSystem:
    return FileSystem.of(layers, CancelToken())


def test_later_layers_replace_remove_and_empty(tmp_path: Path) -> None:
    system = files(
        layer(
            tmp_path,
            ("a/", None),
            ("a/x", b"1"),
            ("a/y", b"1"),
            ("b/z", b"1"),
            ("c", None),
            ("c/w", b"1"),
        ),
        layer(tmp_path, ("a/x", b"22"), ("a/.wh.y", b""), ("b/.wh..wh..opq", b""), ("b/n", b"3")),
        layer(tmp_path, ("c", b"a file now"), ("d", "hard:a/x"), ("e", "a/x")),
    )
    assert sorted(path for path, file in system.files.items() if file.kind == "file") == [
        *("/a/x", "/b/n", "/c", "/d"),
    ]
    assert system.read(["/a/x", "/a/y", "/b/n", "/nowhere", "/e"], 10) == {
        "/a/x": b"22",
        "/b/n": b"3",
    }
    assert system.files["/e"].link == "a/x"


def test_many_files_are_removed_in_bounded_time(tmp_path: Path) -> None:
    """As a later layer does that removes each file of a folder, and not the folder."""
    names = [f"deep/{number % 7}/{number}" for number in range(30_000)]
    gone = [f"deep/{number % 7}/.wh.{number}" for number in range(1, 30_000)]
    lower = layer(tmp_path, *((name, b"") for name in names))
    upper = layer(tmp_path, *((name, b"") for name in gone))
    before = time.process_time()
    system = files(lower, upper)
    assert [path for path, file in system.files.items() if file.kind == "file"] == ["/deep/0/0"]
    assert time.process_time() - before < 30


def test_a_folder_that_is_removed_and_made_again_holds_what_is_new(tmp_path: Path) -> None:
    system = files(
        layer(tmp_path, ("a/b/c/d", b"1"), ("a/e", b"1")),
        layer(tmp_path, ("a/.wh.b", b"")),
        layer(tmp_path, ("a/b/n", b"2"), (".wh.a", b""), ("a/b/c/m", b"3")),
        layer(tmp_path, ("a/b/.wh.c", b"")),
    )
    assert sorted(system.files) == ["/a/b/n"]


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    system = files(layer(tmp_path, ("caf\udce9", b"x")))
    assert system.read(list(system.files), 5) == {"/caf\\xe9": b"x"}


def test_a_layer_of_too_many_files_is_the_fault_of_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaffolder.tools.engine.images.MOST_FILES", 2)
    assert len(list(layer(tmp_path, ("a", b""), ("b", b"")).entries())) == 2
    with pytest.raises(WorkFaultError, match="more than 2 files"):
        next(layer(tmp_path, ("a", b""), ("b", b""), ("c", b"")).entries())


def record(*rows: tuple[str, bytes]) -> bytes:
    lines = []
    for path, content in rows:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*lines, "flask/__pycache__/a.pyc,,", "Flask-3.1.dist-info/RECORD,,"]).encode()


CODE = b"print('flask')\n"
INFO = f"{SITE}/Flask-3.1.dist-info"
METADATA = (f"{INFO}/METADATA", b"Metadata-Version: 2.4\nName: Flask\nVersion: 3.1\n\nText\n")
MODULE = (f"{SITE}/flask/app.py", CODE)
RECORD = (f"{INFO}/RECORD", record(("flask/app.py", CODE)))


@pytest.mark.parametrize(
    ("layers", "intact"),
    [
        ([[METADATA, MODULE, RECORD]], True),
        ([[METADATA, RECORD], [MODULE]], True),
        ([[METADATA, MODULE]], False),
        ([[METADATA, RECORD]], False),
        ([[METADATA, RECORD, (MODULE[0], b"another")]], False),
        ([[METADATA, RECORD, MODULE], [(MODULE[0], b"another")]], False),
        ([[METADATA, RECORD, MODULE], [(f"{SITE}/.wh.flask", b"")]], False),
        ([[METADATA, MODULE, (f"{INFO}/RECORD", b"")]], False),
        ([[METADATA, MODULE, (f"{INFO}/RECORD", b'"\0\xff,,,\n\n"')]], False),
        ([[METADATA, MODULE, (f"{INFO}/RECORD", b"flask/app.py,,\n")]], False),
    ],
)
def test_installed_is_what_a_record_proves(
    tmp_path: Path, layers: list[list[tuple[str, bytes]]], intact: bool
) -> None:
    [found] = list_distributions(files(*(layer(tmp_path, *entries) for entries in layers)))
    assert (found.name, found.version, found.intact) == ("flask", "3.1", intact)


def test_a_folder_that_is_only_called_so_is_none(tmp_path: Path) -> None:
    assert (
        list_distributions(files(layer(tmp_path, (INFO, None), (f"{INFO}/INSTALLER", b"pip"))))
        == []
    )
