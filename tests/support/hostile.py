"""Workspaces as nobody should hand them in: edits, drawn by hypothesis, of a real one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from scaffolder.workspace import FILE_LIMIT, MANIFEST

# What a name can be on Linux: any bytes but a slash and a zero.
_ODD_NAMES = (
    b"\xff\xfe",
    b"new\nline",
    b"\x1b[31mred",
    b"-rf",
    b"--",
    b"~",
    b"$(id)",
    b"a b",
    b"{{ name }}",
    b"#x.tf",
    b"*",
    b"[",
    "Größe.tf".encode(),
    "\u202egnp.py".encode(),
    b"x" * 255,
    b"CON",
    b"README.MD",
    b"dockerfile",
    b".Git",
)
_ODD_TEXTS = (
    b"",
    b"\0",
    b"\xff\xfe\x00a",
    b"\xef\xbb\xbf",
    b"\r\n" * 9,
    b"\t",
    b"---\n---\n",
    b"- &a [*a]\n",
    b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    b"{" * 3000,
    b"[" * 3000,
    b"x: " + b"9" * 5000,
    b"!!python/object:os.system x\n",
    b"x: 2020-13-45\n",
    b"on: {push: {branches: [1, null, {}, []]}}\njobs: []\n",
    b"on: 3\njobs: {a: 1}\n",
    b"jobs: {a: {steps: [[], null, {run: 3, uses: []}], needs: {b: 1}, strategy: 7}}\non: push\n",
    b"on: push\njobs: {a: {runs-on: [], steps: {}, if: ${{ }}, env: [1], permissions: 3}}\n",
    b"FROM\n",
    b"FROM scratch\nCOPY\nRUN [\nHEALTHCHECK\nUSER\n",
    b"ARG X=${X:-${Y:-}}\nFROM ${X}\n",
    b"FROM a AS a\nFROM a AS A\n",
    b"# syntax=x\n# escape=`\nFROM x`\n",
    b"RUN <<EOF\n",
    b'variable "x" { type = ',
    b'resource "a" "b" { for_each = { for k, v in {} : k => v } }\n',
    b'x = "${"${"${1}"}"}"\n',
    b"x = <<EOT\n",
    'größe = "ß"\n'.encode(),
    b"* filter=evil ident eol=crlf working-tree-encoding=UTF-16\n",
    b"*\n!/\n",
    b"gitdir: /nowhere\n",
    b"[core]\n\tfsmonitor = touch evil\n",
)
_PLACES = (
    ".git",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".dockerignore",
    ".hadolint.yaml",
    ".github/zizmor.yml",
    ".github/actions/x/action.yml",
    ".github/workflows/other.yml",
    ".devlab",
    ".devlab/start.json",
    ".devlab/conflicts.json",
    ".actrc",
    "infra/terraform.tfvars",
    "infra/main.tf.json",
    "infra/.terraform.lock.hcl",
    "requirements.txt",
    "pyproject.toml",
    "app",
    "tests",
    "ruff.toml",
)
_VALUES = ("", " ", "../..", "99999", "-1", "1e3", "x" * 5000, "a\nb", "\0", "{{ 1 }}", "Ä", "٣٣٣٣")

Edit = Callable[[Path], None]


@dataclass(frozen=True)
class Hostile:
    """An edit with words for it, so that an example that failed can be read."""

    said: str
    edit: Edit

    def __repr__(self) -> str:
        return self.said


def _clear(path: Path) -> None:
    """Make way for something at `path`, whatever is there or on the way."""
    for above in reversed(path.parents):
        if above.is_symlink() or above.is_file():
            above.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(f"was-{path.name[:200]}"))
    else:
        path.unlink(missing_ok=True)


def _write(place: str, content: bytes) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        (root / place).write_bytes(content)

    return edit


def _splice(place: str, at: int, cut: int, text: bytes) -> Edit:
    def edit(root: Path) -> None:
        whole = (root / place).read_bytes() if (root / place).is_file() else b""
        begin = at % (len(whole) + 1)
        _write(place, whole[:begin] + text + whole[begin + cut :])(root)

    return edit


def _repeat(place: str, times: int) -> Edit:
    def edit(root: Path) -> None:
        whole = (root / place).read_bytes() if (root / place).is_file() else b"x"
        _write(place, (whole * times)[: 1024 * 1024])(root)

    return edit


def _link(place: str, target: str) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        (root / place).symlink_to(target)

    return edit


def _folder(place: str) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        (root / place).mkdir()

    return edit


def _pipe(place: str) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        os.mkfifo(root / place)

    return edit


def _socket(place: str) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        before = Path.cwd()
        os.chdir((root / place).parent)
        try:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(Path(place).name)
        finally:
            os.chdir(before)

    return edit


def _gone(place: str) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)

    return edit


def _mode(place: str, mode: int) -> Edit:
    def edit(root: Path) -> None:
        if not (root / place).is_symlink() and (root / place).exists():
            (root / place).chmod(mode)

    return edit


def _named(folder: str, name: bytes, content: bytes) -> Edit:
    def edit(root: Path) -> None:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / os.fsdecode(name)).write_bytes(content)

    return edit


def _deep(place: str, depth: int) -> Edit:
    def edit(root: Path) -> None:
        before = Path.cwd()
        os.chdir(root)
        try:
            for _ in range(depth):
                with contextlib.suppress(FileExistsError):
                    Path(place).mkdir()
                os.chdir(place)
        finally:
            os.chdir(before)

    return edit


def _many(folder: str, count: int) -> Edit:
    def edit(root: Path) -> None:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / folder / f"f{number}.py").touch()

    return edit


def _large(place: str, size: int) -> Edit:
    def edit(root: Path) -> None:
        _clear(root / place)
        with (root / place).open("wb") as file:
            file.truncate(size)

    return edit


def _manifest(keys: tuple[str, ...], value: object) -> Edit:
    def edit(root: Path) -> None:
        # A pipe that an edit before put there would wait for a writer.
        whole = json.loads((root / MANIFEST).read_bytes()) if (root / MANIFEST).is_file() else {}
        inside = whole
        for key in keys[:-1]:
            inside = inside[key]
        inside[keys[-1]] = value
        (root / MANIFEST).write_text(json.dumps(whole))

    return edit


def edits(files: tuple[str, ...]) -> st.SearchStrategy[Hostile]:
    """Return edits of a workspace that has these files, those that its checks read first."""
    places = st.sampled_from((*files, *_PLACES))
    theirs = st.sampled_from(files)
    folders = st.sampled_from(("", "app", "tests", ".github/workflows", "infra", "infra/modules"))
    odd = st.sampled_from(_ODD_NAMES)
    texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.binary(max_size=200))
    bits = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(max_size=12).map(_encoded))
    targets = st.sampled_from(
        (".", "..", "/etc/passwd", "/dev/zero", "/proc/self/fd/0", "loop", "nowhere", *files)
    )
    keys = st.sampled_from(
        (
            ("schema",),
            ("lab", "id"),
            ("lab", "version"),
            ("learner",),
            ("context",),
            ("context", "service_name"),
            ("context", "port"),
            ("context", "python_version"),
            ("context", "author"),
            ("context", "odd"),
        )
    )
    values = st.one_of(st.sampled_from(_VALUES), st.text(max_size=30), st.none(), st.integers())
    made: tuple[st.SearchStrategy[Hostile], ...] = (
        st.builds(_said(_splice), theirs, st.integers(0, 9999), st.integers(0, 400), bits),
        st.builds(_said(_write), places, texts),
        st.builds(_said(_repeat), theirs, st.integers(2, 3000)),
        st.builds(_said(_link), places, targets),
        st.builds(_said(_folder), places),
        st.builds(_said(_pipe), places),
        st.builds(_said(_socket), places),
        st.builds(_said(_gone), theirs),
        st.builds(_said(_mode), theirs, st.sampled_from((0, 0o111, 0o4755, 0o777))),
        st.builds(_said(_named), folders, odd, texts),
        st.builds(
            _said(_deep), st.sampled_from(("a", "x" * 200)), st.sampled_from((90, 120, 1500))
        ),
        st.builds(_said(_many), folders, st.sampled_from((50, 500))),
        st.builds(_said(_large), places, st.sampled_from((1024 * 1024 + 1, FILE_LIMIT + 1))),
        st.builds(_said(_manifest), keys, values),
    )
    return st.one_of(*made)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _said(make: Callable[..., Edit]) -> Callable[..., Hostile]:
    def made(*arguments: object) -> Hostile:
        shown = ", ".join(repr(one)[:80] for one in arguments)
        return Hostile(f"{make.__name__.strip('_')}({shown})", make(*arguments))

    return made
