"""What comes back from a rehearsal: over a socket, from processes that the kernel names.

Steps can write to any folder that they can see, so nothing that lies in one is evidence. A planted
test says here that it ran, and answers a question that only its own code answers; the Python that
it ran on is what the kernel says the process runs. A stand-in hands over what is uploaded, and says
what it cannot play. All of it is bounded: a rehearsal that says more than any pipeline has to say
is stopped listening to, and the check says so.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import random
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from scaffolder.tools.peers import Peer, peer_of

MESSAGES = 5000
LINES_AT_ONCE = 64
HEADER_LIMIT = 2 * 1024 * 1024
FILES = 10_000
BYTES = 256 * 1024 * 1024
SECONDS = 60.0
# The name of a socket must fit into sockaddr_un, on macOS into 104 bytes.
_ADDRESS_LIMIT = 100


@dataclass(frozen=True)
class Quiz:
    """What the code of a planted test works out, and nothing else in the copy does."""

    factor: int
    addend: int
    modulus: int

    def answer(self, number: int) -> int:
        """Return what the planted test answers."""
        return (number * self.factor + self.addend) % self.modulus


@dataclass(frozen=True)
class Ran:
    """A planted test that ran: in a process of the kernel's naming, or None where it names none.

    `told` is what the test itself says, of its Python and its job.
    """

    peer: Peer | None
    version: tuple[int, int] | None
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Delivered:
    """One file of an artifact: its name below the artifact's root, and where it is kept."""

    name: str
    kept: Path


@dataclass(frozen=True)
class Artifact:
    """What a pipeline uploaded under a name."""

    name: str
    job: str
    files: tuple[Delivered, ...]


class Line:
    """Listens to one rehearsal while the `with` block lasts.

    `address` is where it listens, in or beside `folder`; what is uploaded is kept in `store`, where
    no step can reach it. `version_of` tells which Python a process runs, None for no Python that is
    known.
    """

    def __init__(
        self,
        folder: Path,
        store: Path,
        quiz: Quiz,
        version_of: Callable[[Peer], tuple[int, int] | None],
    ) -> None:
        self._own = len(str(folder / "line")) > _ADDRESS_LIMIT
        self.folder = Path(tempfile.mkdtemp(dir="/tmp")) if self._own else folder
        self.address = self.folder / "line"
        self._store = store
        self._quiz = quiz
        self._version_of = version_of
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(LINES_AT_ONCE)
        self._messages = 0
        self._bytes = 0
        self._open = True
        self.ran: list[Ran] = []
        self.artifacts: dict[str, Artifact] = {}
        self.lacking: set[tuple[str, str, str]] = set()
        self.unreachable: set[tuple[str, str]] = set()
        self.requested: dict[str, int] = {}
        self.too_much = ""

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.address))
        self._listener.listen(LINES_AT_ONCE)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        # Whoever is still being listened to is heard to the end.
        for _ in range(LINES_AT_ONCE):
            self._slots.acquire(timeout=5)
        self.address.unlink(missing_ok=True)
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        while self._open:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._messages += 1
            if self._messages > MESSAGES:
                self.too_much = f"more than {MESSAGES:,} messages"
                connection.close()
                continue
            self._slots.acquire()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                connection.settimeout(SECONDS)
                peer = peer_of(connection)
                with connection.makefile("rb") as file:
                    message = _read(file)
                    _Answer(self, connection, file, peer).give(message)
        except RecursionError:
            return
        finally:
            self._slots.release()

    def take_test(self, peer: Peer | None, told: Mapping[str, Any]) -> None:
        """Note that a planted test ran."""
        version = self._version_of(peer) if peer else None
        with self._lock:
            self.ran.append(Ran(peer, version, told))

    def ask(self) -> tuple[int, int]:
        """Return a question, and what a planted test answers to it."""
        number = random.SystemRandom().randrange(1 << 30)
        return number, self._quiz.answer(number)

    def room_for(self, count: int, size: int) -> bool:
        """Take so many files and bytes of what is left; False where there is no such room."""
        with self._lock:
            self._bytes += size
            kept = sum(len(artifact.files) for artifact in self.artifacts.values())
            return kept + count <= FILES and self._bytes <= BYTES

    def new_file(self) -> Path:
        """Return a new empty file of ours."""
        handle, name = tempfile.mkstemp(dir=self._store)
        with open(handle, "wb"):  # noqa: PTH123 -- only to close it
            return Path(name)

    def keep(self, artifact: Artifact, overwrite: bool) -> bool:
        """Keep an artifact under its name; False where the name is taken."""
        with self._lock:
            if artifact.name in self.artifacts and not overwrite:
                return False
            self.artifacts[artifact.name] = artifact
            return True


class _Answer:
    """One conversation."""

    def __init__(
        self, line: Line, connection: socket.socket, file: IO[bytes], peer: Peer | None
    ) -> None:
        self._line = line
        self._connection = connection
        self._file = file
        self._peer = peer

    def give(self, message: Mapping[str, Any]) -> None:
        does = {
            "test": self._test,
            "lacking": self._lacking,
            "unreachable": self._unreachable,
            "python": self._python,
            "upload": self._upload,
            "download": self._download,
        }
        does[str(message["what"])](message)

    def _say(self, answer: Mapping[str, Any]) -> None:
        self._connection.sendall(json.dumps(answer).encode() + b"\n")

    def _test(self, message: Mapping[str, Any]) -> None:
        number, expected = self._line.ask()
        self._connection.sendall(b"%d\n" % number)
        if int(self._file.readline(64)) == expected:
            self._line.take_test(self._peer, message)
        self._connection.sendall(b"\n")

    def _lacking(self, message: Mapping[str, Any]) -> None:
        place = (str(message["job"]), str(message["step"]))
        self._line.lacking.add((*place, str(message["name"])[:200]))
        self._say({})

    def _unreachable(self, message: Mapping[str, Any]) -> None:
        self._line.unreachable.add((str(message["job"]), str(message["step"])))
        self._say({})

    def _python(self, message: Mapping[str, Any]) -> None:
        self._line.requested[str(message["place"])] = int(message["minor"])
        self._say({})

    def _upload(self, message: Mapping[str, Any]) -> None:
        files = [(str(each["path"]), int(each["size"])) for each in message["files"]]
        name = str(message["name"])
        if name in self._line.artifacts and not message["overwrite"]:
            self._say({"refused": "taken"})
            return
        if any(size < 0 for _, size in files) or not self._line.room_for(
            len(files), sum(size for _, size in files)
        ):
            self._say({"refused": "large"})
            return
        self._say({"refused": ""})
        kept = tuple(Delivered(path, self._receive(size)) for path, size in files)
        taken = self._line.keep(
            Artifact(name, str(message["job"]), kept), bool(message["overwrite"])
        )
        self._say({"refused": "" if taken else "taken", "id": len(self._line.artifacts)})

    def _receive(self, size: int) -> Path:
        path = self._line.new_file()
        with path.open("wb") as target:
            left = size
            while left > 0:
                piece = self._file.read(min(left, 1 << 20))
                if not piece:
                    raise OSError("the line broke off")
                target.write(piece)
                left -= len(piece)
        return path

    def _download(self, message: Mapping[str, Any]) -> None:
        pattern = str(message["pattern"])
        chosen = [
            artifact
            for name, artifact in sorted(self._line.artifacts.items())
            if (name == pattern if message["exact"] else fnmatch.fnmatch(name, pattern))
        ]
        sizes = [
            {
                "name": artifact.name,
                "files": [
                    {"path": each.name, "size": each.kept.stat().st_size} for each in artifact.files
                ],
            }
            for artifact in chosen
        ]
        self._say({"artifacts": sizes})
        for artifact in chosen:
            for each in artifact.files:
                with each.kept.open("rb") as file:
                    self._connection.sendfile(file)


def _read(file: IO[bytes]) -> dict[str, Any]:
    line = file.readline(HEADER_LIMIT)
    message = json.loads(line)
    if not isinstance(message, dict) or not line.endswith(b"\n"):
        raise ValueError("no message")
    return message
