"""Tell monitoring how a service is: python3 probe.py URL [--tries N] [--timeout S] [--slow S]

The first line says what is, the exit code says it once more, as monitoring plugins do:
0 OK, 1 WARNING (slow, or not at the first try), 2 CRITICAL, 3 UNKNOWN (nobody can tell).
"""

import argparse
import http.client
import signal
import sys
import time
import urllib.error
import urllib.request

OK, WARNING, CRITICAL, UNKNOWN = range(4)
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
PAUSE = 0.2


def say(state, words):
    """Print the one line, and end with its exit code."""
    print(f"{NAMES[state]} - {words}", flush=True)
    sys.exit(state)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        say(UNKNOWN, message)


def ask(url, timeout):
    """Return why there is no good answer within so many seconds; nothing where there is one."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310
            end = time.monotonic() + timeout
            while answer.read1(65536):
                if time.monotonic() > end:
                    return "the answer does not end"
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return ""


def main():
    parser = Parser(description="Tell monitoring how a service is.")
    parser.add_argument("url")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=2.0)
    parser.add_argument("--slow", type=float, default=1.0)
    asked = parser.parse_args()
    if not asked.url.startswith(("http://", "https://")):
        parser.error(f"{asked.url} is no address of a service")
    if asked.tries < 1 or asked.timeout <= 0:
        parser.error("--tries and --timeout are more than nothing")

    why = ""
    for number in range(1, asked.tries + 1):
        began = time.monotonic()
        why = ask(asked.url, asked.timeout)
        took = time.monotonic() - began
        if not why and number > 1:
            say(WARNING, f"answers at the try number {number}")
        if not why and took > asked.slow:
            say(WARNING, f"answers after {took:.1f} s")
        if not why:
            say(OK, f"answers after {took:.1f} s")
        if number < asked.tries:
            time.sleep(PAUSE)
    say(CRITICAL, f"{why} ({asked.tries} tries)")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: say(UNKNOWN, "stopped before it knew"))
    main()
