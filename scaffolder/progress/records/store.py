"""The file of the records: open for one transaction, brought up to date, set aside if damaged.

SQLite with a rollback journal and immediate transactions: unlike a write-ahead log it also works
in a home folder on a network, and can be read where nothing can be written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from scaffolder.core import paths
from scaffolder.core.errors import DevlabError
from scaffolder.progress.records import schema, telling

# How long one process waits for another to end its transaction, which takes milliseconds.
_PATIENCE_SECONDS = 5.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_Answer = TypeVar("_Answer")
_Work = Callable[[sqlite3.Connection], _Answer]


class _DamagedError(Exception):
    """The file is no database, or not all of one."""


_part: ContextVar[str] = ContextVar("part", default="")


@contextlib.contextmanager
def keep_apart(part: str) -> Iterator[None]:
    """Keep and read what the block keeps and reads in a file of its own, in the folder `part`."""
    token = _part.set(part)
    try:
        yield
    finally:
        _part.reset(token)


def find_file() -> Path:
    """Return the path of the file, which need not exist."""
    return paths.find_data_folder() / _part.get() / "progress.db"


def read(query: _Work[_Answer], nothing: _Answer) -> _Answer:
    """Return what `query` finds, or `nothing` where nothing was ever kept.

    Raises DevlabError where the file cannot be read.
    """
    return _mended(lambda: _reading(query, nothing))


def write(change: _Work[_Answer]) -> _Answer:
    """Make a change in one transaction, all or nothing; return what it returns.

    Raises DevlabError where nothing can be written, or a newer devlab wrote the file.
    """
    return _mended(lambda: _writing(change))


def _mended(work: Callable[[], _Answer]) -> _Answer:
    """Do some work; where the file turns out to be damaged, set it aside and do it once more."""
    try:
        try:
            return work()
        except _DamagedError:
            _set_aside()
            return work()
    except (OSError, sqlite3.Error, _DamagedError) as error:
        raise DevlabError(
            f"your progress in {find_file()} cannot be used now: {_words(error)}",
            hint="labs and checks work without it",
        ) from error


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _reading(query: _Work[_Answer], nothing: _Answer) -> _Answer:
    if not find_file().exists():
        return nothing
    with _shared(), _open(create=False) as database:
        if _version(database) < len(schema.MIGRATIONS):
            # Where nothing can be written it stays as it is, and is read as far as that goes.
            with contextlib.suppress(sqlite3.OperationalError), _transaction(database):
                _bring_up_to_date(database)
        version = _version(database)
        if version == len(schema.MIGRATIONS):
            _require_whole(database)
            return query(database)
        if version > len(schema.MIGRATIONS):
            telling.say(
                f"your progress in {find_file()} was written by a newer devlab: "
                "this one shows what it "
                "understands of it, and adds nothing"
            )
        try:
            return query(database)
        except sqlite3.OperationalError:
            return nothing


def _writing(change: _Work[_Answer]) -> _Answer:
    find_file().parent.mkdir(parents=True, exist_ok=True)
    with _shared(), _open(create=True) as database, _transaction(database):
        _bring_up_to_date(database)
        return change(database)


@contextlib.contextmanager
def _shared() -> Iterator[None]:
    """Keep the file in its place while the block lasts: `_set_aside` waits for it to end.

    Otherwise what is written goes with the file that somebody else sets aside meanwhile. Where no
    lock can be made nothing can be renamed either.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            lock = os.open(_lock(), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            held.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _lock() -> Path:
    return find_file().with_suffix(".lock")


@contextlib.contextmanager
def _open(*, create: bool) -> Iterator[sqlite3.Connection]:
    """Yield a connection; what SQLite says about damage becomes _DamagedError."""
    if create:
        # What somebody does is nobody else's business; SQLite itself would ask the umask only.
        os.close(os.open(find_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if not find_file().is_file():
        raise FileNotFoundError(0, "it is no file")
    try:
        # mode=rw falls back to reading where the file cannot be written to.
        database = sqlite3.connect(
            f"{find_file().absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
        )
        with contextlib.closing(database):
            # Half the time of FULL. What a power failure may cost is the last entry, or, on an old
            # file system, a file that is set aside; both are less than waiting after each check.
            database.execute("PRAGMA synchronous = NORMAL")
            yield database
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            raise _DamagedError(str(error)) from error
        raise


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    # Immediate: whoever reads and then writes must not meet somebody else in between.
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Take the steps that the file has not taken yet, within the caller's transaction."""
    version = _version(database)
    if version > len(schema.MIGRATIONS):
        raise DevlabError(
            f"your progress in {find_file()} was written by a newer devlab: "
            "nothing was added to it",
            hint="upgrade devlab",
        )
    for step in schema.MIGRATIONS[version:]:
        for statement in step:
            database.execute(statement)
    if version < len(schema.MIGRATIONS):
        database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
    _require_whole(database)


def _require_whole(database: sqlite3.Connection) -> None:
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if not found >= schema.TABLES:
        raise _DamagedError(f"tables are missing: {', '.join(sorted(schema.TABLES - found))}")


def _set_aside() -> None:
    """Rename a damaged file, unless another process did so in the meantime, and tell the user.

    Its journal goes with it: with both, somebody may still rescue what is in it.
    """
    lock = os.open(_lock(), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _still_damaged():
            return
        aside = _free_name()
        find_file().rename(aside)
        journal = Path(f"{find_file()}-journal")
        if journal.exists():
            journal.rename(f"{aside}-journal")
    finally:
        os.close(lock)
    telling.say(f"your progress could not be read and was begun afresh; the old file is {aside}")


def _still_damaged() -> bool:
    try:
        with _open(create=False) as database:
            told = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            # One of version 0 is being begun by another process right now.
            if _version(database) == len(schema.MIGRATIONS):
                _require_whole(database)
            return bool(told != "ok")
    except FileNotFoundError:
        return False
    except _DamagedError:
        return True


def _free_name() -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    wanted = [f".damaged-{stamp}", *(f".damaged-{stamp}-{number}" for number in range(2, 1000))]
    return next(
        path
        for path in (find_file().with_name(f"progress{middle}.db") for middle in wanted)
        if not path.exists()
    )
