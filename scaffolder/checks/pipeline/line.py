"""What comes back from a rehearsal: over a socket, from processes that the kernel names.

Steps can write to any folder that they can see, so nothing that lies in one is evidence. A planted
test says here that it ran, and answers a question that only its own code answers; the Python that
it ran on is what the kernel says the process runs. A stand-in hands over what is uploaded, and says
what it cannot play. All of it is bounded: a rehearsal that says more than any pipeline has to say
is stopped listening to, and the check says so.
"""

from __future__ import annotations

import fnmatch
import json
import random
import socket
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scaffolder.checks.pipeline import line_messages as messages
from scaffolder.checks.pipeline import peers
from scaffolder.checks.pipeline.peers import Peer, identify_peer
from scaffolder.checks.pipeline.pythons import Version
from scaffolder.checks.pipeline.runner import Artifact, Delivered
from scaffolder.checks.planting.listening import Listener
from scaffolder.checks.planting.quiz import Quiz

FILES = 10_000
BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Ran:
    """A planted test that ran: the Python that ran it, None where that is none that is known.

    `environment` is some of what the process was started with, of the kernel's knowledge; where
    the kernel names no process, it and the version are what the test itself says.
    """

    version: Version | None
    environment: Mapping[str, str]


class Line(Listener):
    """Listens to one rehearsal while the `with` block lasts.

    `address` is where it listens, in or beside `folder`; what is uploaded is kept in `store`, where
    no step can reach it. `version_of` tells which Python a process runs, None for no Python that is
    known. `job_variable` names the variable that tells a process its job, and `variables` are more
    of its environment to be noted. `has_python` tells whether a Python that was asked for, at a
    place and of a minor version, is one that the CI system has.
    """

    def __init__(
        self,
        folder: Path,
        store: Path,
        quiz: Quiz,
        version_of: Callable[[Peer], Version | None],
        *,
        job_variable: str,
        variables: Collection[str] = (),
        has_python: Callable[[str, int], bool] = lambda _place, _minor: False,
    ) -> None:
        super().__init__(folder)
        self._store = store
        self._quiz = quiz
        self._version_of = version_of
        self._job_variable = job_variable
        self._variables = frozenset({job_variable, *variables})
        self.has_python = has_python
        self._bytes = 0
        self.ran: list[Ran] = []
        self.artifacts: dict[str, Artifact] = {}
        self.lacking: set[tuple[str, str, str]] = set()
        self.unreachable: set[tuple[str, str]] = set()
        self.requested: dict[str, int] = {}

    def answer(self, connection: socket.socket) -> None:
        """Answer one message; of a process that the kernel does not name there is none."""
        peer = identify_peer(connection, self._variables)
        if peer is None and peers.NAMED:
            return
        with connection.makefile("rb") as file:
            _Answer(self, connection, file, peer).give(messages.read(file, self.take))

    def take_test(self, peer: Peer | None, told: messages.Test) -> None:
        """Note that a planted test ran."""
        if peer is None:
            ran = Ran(told.python, {self._job_variable: told.job})
        else:
            ran = Ran(self._version_of(peer), peer.environment)
        with self._lock:
            self.ran.append(ran)

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

    def give(self, message: messages.Message) -> None:
        """Answer a message; but for planted tests, only devlab's own programs are believed."""
        if isinstance(message, messages.Test):
            self._test(message)
        elif self._peer is not None and not self._peer.runs_our_python:
            return
        elif isinstance(message, messages.Upload):
            self._upload(message)
        elif isinstance(message, messages.FetchedFile):
            self._download(message)
        else:
            self._note(message)

    def _say(self, answer: Mapping[str, Any]) -> None:
        self._connection.sendall(json.dumps(answer).encode() + b"\n")

    def _test(self, message: messages.Test) -> None:
        number, expected = self._line.ask()
        self._connection.sendall(b"%d\n" % number)
        if int(self._file.readline(64)) == expected:
            self._line.take_test(self._peer, message)
        self._connection.sendall(b"\n")

    def _note(self, message: messages.Lacking | messages.Unreachable | messages.Python) -> None:
        if isinstance(message, messages.Lacking):
            self._line.lacking.add((message.job, message.step, message.name[:200]))
        elif isinstance(message, messages.Unreachable):
            self._line.unreachable.add((message.job, message.step))
        elif self._line.has_python(message.place, message.minor):
            self._line.requested[message.place] = message.minor
        self._say({})

    def _upload(self, message: messages.Upload) -> None:
        if message.name in self._line.artifacts and not message.overwrite:
            self._say({"refused": "taken"})
            return
        if not self._line.room_for(len(message.files), sum(each.size for each in message.files)):
            self._say({"refused": "large"})
            return
        self._say({"refused": ""})
        kept = tuple(Delivered(each.path, self._receive(each.size)) for each in message.files)
        taken = self._line.keep(Artifact(message.name, message.job, kept), message.overwrite)
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

    def _download(self, message: messages.FetchedFile) -> None:
        pattern = message.pattern
        chosen = [
            artifact
            for name, artifact in sorted(self._line.artifacts.items())
            if (name == pattern if message.exact else fnmatch.fnmatch(name, pattern))
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
