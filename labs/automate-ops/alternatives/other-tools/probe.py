"""Say how a service is, on a plain socket: probe.py URL [--tries N] [--timeout S] [--slow S]"""

import getopt
import re
import signal
import socket
import sys
import time


def quit_with(code, words):
    print(["OK", "WARNING", "CRITICAL", "UNKNOWN"][code], "-", words)
    sys.stdout.flush()
    raise SystemExit(code)


def on_signal(number, _frame):
    quit_with(3, f"got the signal {number}")


def talk(host, port, path, deadline):
    with socket.create_connection((host, port), deadline - time.monotonic()) as wire:
        wire.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("too slow")
            wire.settimeout(left)
            part = wire.recv(4096)
            answer = (answer + part)[:4096]
            if not part:
                return answer


def main():
    signal.signal(signal.SIGTERM, on_signal)
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "", ["tries=", "timeout=", "slow="])
        given = {"--tries": 3, "--timeout": 2, "--slow": 1, **dict(options)}
        tries, timeout, slow = (float(given[f"--{name}"]) for name in ("tries", "timeout", "slow"))
        host, port, path = re.fullmatch(r"http://([^/:]+)(?::(\d+))?(/.*)?", rest[0]).groups()
        if len(rest) != 1 or tries < 1 or timeout <= 0:
            raise ValueError(sys.argv[1:])
    except (getopt.GetoptError, IndexError, AttributeError, ValueError) as error:
        quit_with(3, f"cannot be asked so: {error}")
    failures = []
    while len(failures) < tries:
        began = time.monotonic()
        try:
            answer = talk(host, int(port or 80), path or "/", began + timeout)
        except OSError as error:
            failures.append(str(error))
            continue
        if re.match(rb"HTTP/1\.[01] 2\d\d ", answer):
            took = time.monotonic() - began
            quit_with(1 if failures or took > slow else 0, f"{took:.2f} s after {failures}")
        failures.append(answer.split(b"\r\n")[0].decode("latin-1"))
    quit_with(2, failures[-1])


main()
