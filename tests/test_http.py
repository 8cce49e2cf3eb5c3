"""How long an answer may take, and what is an answer at all."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from scaffolder.checks.http import Request, send_request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@contextlib.contextmanager
def answering(first: bytes, *, drops: bytes = b"") -> Iterator[int]:
    """Serve one connection: say `first`, then, while somebody listens, `drops` again and again."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            while drops and not over.wait(0.05):
                connection.sendall(drops)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("first", "drops"),
    [
        pytest.param(HEAD + b"\r\n", b"data\n", id="a-stream-of-events"),
        pytest.param(HEAD + b"Content-Length: 100000\r\n\r\n", b".", id="a-slow-body"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n", id="chunks"),
        pytest.param(HEAD, b"X-More: 1\r\n", id="headers"),
        pytest.param(b"HTTP/1.1 200 ", b"O", id="a-status"),
    ],
)
def test_an_answer_in_drops_is_none(first: bytes, drops: bytes) -> None:
    with answering(first, drops=drops) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="no whole answer in time"):
            send_request("127.0.0.1", port, Request(), timeout=0.5)
        # Without an end of its own it would take minutes, or for ever.
        assert time.monotonic() - began < 10


def test_a_whole_answer_leaves_nothing_running() -> None:
    with answering(HEAD + b"Content-Length: 5\r\n\r\nhello") as port:
        before = threading.active_count()
        answer = send_request("127.0.0.1", port, Request(), timeout=60)
        assert threading.active_count() <= before
    assert (answer.status, answer.body) == (200, b"hello")


def test_an_answer_that_ends_early_is_no_time_out() -> None:
    with answering(b"") as port, pytest.raises(OSError, match="closed connection"):
        send_request("127.0.0.1", port, Request(), timeout=60)
