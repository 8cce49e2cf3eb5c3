"""The tester's end of the socket, and the two ways in which the grader refuses a request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any


class WorkFailedError(AssertionError):
    """The learner's work is at fault. `details` are fields of the record of the failed test.

    An AssertionError, so that pytest and an author's `except` treat it as one.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class CannotJudgeError(Exception):
    """The grader could not do what it was asked, and that is not the learner's fault.

    `raised` is the number under which the grader remembers why.
    """

    def __init__(self, message: str, raised: int) -> None:
        super().__init__(message)
        self.raised = raised


class Channel:
    """Requests to the grader, one at a time whoever asks, and records that need no answer."""

    def __init__(self, address: str, password: str) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.connect(address)
        self._connection: Connection[Any, Any] = Connection(connected.detach())
        self._lock = threading.Lock()
        self.tell("hello", password=password)

    def tell(self, record: str, **fields: Any) -> None:
        with self._lock:
            self._send(record, fields)

    def call(self, what: str, **parameters: Any) -> Any:
        """Ask the grader to do something and return its answer.

        Raises WorkFailedError where the learner's work does not let it, CannotJudgeError where the
        grader itself cannot.
        """
        with self._lock:
            self._send("call", {"what": what, "parameters": parameters})
            answer = json.loads(self._connection.recv_bytes())
        if "raised" not in answer:
            return answer["value"]
        if answer["work"]:
            raise WorkFailedError(answer["message"], raised=answer["raised"])
        raise CannotJudgeError(answer["message"], answer["raised"])

    def _send(self, kind: str, fields: Mapping[str, Any]) -> None:
        # Lone surrogates, as in the names of files that are no UTF-8, must not break a record.
        message = json.dumps({"type": kind, **_printable(fields)}, ensure_ascii=False)
        self._connection.send_bytes(message.encode("utf-8"))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_printable(key): _printable(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_printable(part) for part in value]
    return value
