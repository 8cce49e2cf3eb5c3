"""What is planted in a build context to look like what a learner's folder really holds.

A step of a build sees it. So nothing of it is called or made otherwise than the real thing: what
tells a look-alike is a word in it that is drawn for each run and that could be anybody's name.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import random
import secrets
import string
import zlib
from collections.abc import Mapping
from pathlib import Path

SECRET = "secret"  # noqa: S105
SECRET_PLACE = ".env"  # noqa: S105
KINDS = ("version control", "virtual environment", "cache", "tests", SECRET)
_DRAW = random.SystemRandom()
_EMPTY_TREE = b"tree 0\0"
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
_SETTINGS = ("API_TOKEN", "SECRET_KEY", "SESSION_SECRET", "DATABASE_PASSWORD", "SIGNING_KEY")
_TEST_DATA = ("cases", "data", "expected", "fixture", "notes", "sample")
_MOST_MODULES = 3


def draw_tokens() -> dict[str, str]:
    """Return a word for each kind of look-alike: a user's name, and for the secret a password."""
    tokens = {
        kind: "".join(_DRAW.choices(string.ascii_lowercase, k=_DRAW.randint(12, 15)))
        for kind in KINDS
    }
    return {**tokens, SECRET: secrets.token_urlsafe(_DRAW.randint(24, 36)).strip("-_")}


def make_lookalikes(folder: Path, tokens: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files to write in `folder`, by their paths; `.env` is what to add to one."""
    name = _DRAW.choice(_SETTINGS)
    return {
        **_repository(tokens["version control"]),
        **_environment(tokens["virtual environment"]),
        **_caches(folder, tokens["cache"]),
        **_test_data(folder, tokens["tests"]),
        SECRET_PLACE: f"{name}={tokens[SECRET]}\n".encode(),
    }


def _repository(user: str) -> dict[str, bytes]:
    """Return a repository with one commit, by this user."""
    mail = f"{user}@users.noreply.github.com"
    when = 1_700_000_000 + _DRAW.randrange(60_000_000)
    tree = hashlib.sha1(_EMPTY_TREE).hexdigest()  # noqa: S324 -- git's own
    body = "".join(
        [
            f"tree {tree}\n",
            *(f"{role} {user} <{mail}> {when} +0000\n" for role in ("author", "committer")),
            "\nBegin\n",
        ]
    ).encode()
    commit = b"commit %d\0%b" % (len(body), body)
    number = hashlib.sha1(commit).hexdigest()  # noqa: S324
    log = f"{'0' * 40} {number} {user} <{mail}> {when} +0000\tcommit (initial): Begin\n"
    settings = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
    texts = {
        "HEAD": "ref: refs/heads/main\n",
        "config": f"{settings}[user]\n\tname = {user}\n\temail = {mail}\n",
        "description": f"Unnamed repository of {user}; edit this file to name it.\n",
        "COMMIT_EDITMSG": "Begin\n",
        "info/exclude": "# git ls-files --others --exclude-from=.git/info/exclude\n",
        "logs/HEAD": log,
        "logs/refs/heads/main": log,
        "refs/heads/main": f"{number}\n",
    }
    return {
        **{f".git/{path}": text.encode() for path, text in texts.items()},
        f".git/objects/{number[:2]}/{number[2:]}": zlib.compress(commit),
        f".git/objects/{tree[:2]}/{tree[2:]}": zlib.compress(_EMPTY_TREE),
    }


def _environment(user: str) -> dict[str, bytes]:
    home = f"/home/{user}/src"
    settings = (
        "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.13.5\n"
        f"executable = /usr/bin/python3.13\ncommand = /usr/bin/python3 -m venv {home}/.venv\n"
    )
    activate = f"deactivate nondestructive\nVIRTUAL_ENV={home}/.venv\nexport VIRTUAL_ENV\n"
    return {
        ".venv/pyvenv.cfg": settings.encode(),
        ".venv/bin/activate": activate.encode(),
        ".venv/lib/python3.13/site-packages/_src.pth": f"{home}\n".encode(),
    }


def _caches(folder: Path, user: str) -> dict[str, bytes]:
    home = f"/home/{user}/src"
    modules = sorted(path.stem for path in (folder / "app").glob("*.py"))
    chosen = _DRAW.sample(modules, min(_MOST_MODULES, len(modules))) or ["__init__"]
    compiled = {f"app/__pycache__/{name}": f"{home}/app/{name}.py" for name in chosen}
    compiled["__pycache__/gunicorn.conf"] = f"{home}/gunicorn.conf.py"
    failed = json.dumps({f"{home}/tests/test_items.py::test_create": True})
    tag = f"{_SIGNATURE}\n# This file is a cache directory tag.\n".encode()
    linted = _DRAW.randrange(10**18, 10**19)
    return {
        **{f"{path}.cpython-313.pyc": _bytecode(source) for path, source in compiled.items()},
        ".pytest_cache/CACHEDIR.TAG": tag,
        ".pytest_cache/v/cache/lastfailed": failed.encode(),
        ".ruff_cache/CACHEDIR.TAG": tag,
        f".ruff_cache/0.14.2/{linted}": b"\0\0%b\0\0" % home.encode(),
    }


def _bytecode(source: str) -> bytes:
    """Return what Python 3.13 writes for a module, as another version of the module's source."""
    head = b"\xf3\x0d\x0d\x0a" + bytes(4) + secrets.token_bytes(4) + (900).to_bytes(4, "little")
    return head + marshal.dumps(compile("", source, "exec"))


def _test_data(folder: Path, user: str) -> dict[str, bytes]:
    ending = _DRAW.choice(("csv", "json", "txt"))
    names = [f"tests/{word}.{ending}" for word in _TEST_DATA]
    free = [name for name in names if not (folder / name).exists()] or [f"tests/{user}.{ending}"]
    return {_DRAW.choice(free): f'["{user}", 3]\n'.encode()}
