"""Probe a service over HTTP, with the exit codes of monitoring plugins."""

import argparse
import enum
import multiprocessing
import queue
import signal
import time
import urllib.request


class State(enum.IntEnum):
    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    def report(self, detail):
        print(self.name, detail)
        raise SystemExit(self.value)


def fetch(url, answers):
    try:
        with urllib.request.urlopen(url) as answer:
            answer.read()
            answers.put("")
    except Exception as error:
        answers.put(repr(error))


def attempt(url, seconds):
    answers = multiprocessing.Queue()
    process = multiprocessing.Process(target=fetch, args=(url, answers))
    process.start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return "time is over"
    finally:
        process.kill()
        process.join()


def positive(text):
    if float(text) <= 0:
        raise ValueError(text)
    return float(text)


def main():
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("--tries", type=positive, default=3)
    parser.add_argument("--timeout", type=positive, default=2)
    parser.add_argument("--slow", type=positive, default=1)
    parser.error = State.UNKNOWN.report
    try:
        wanted = parser.parse_args()
    except argparse.ArgumentError as error:
        State.UNKNOWN.report(error)
    if not wanted.url.startswith("http"):
        State.UNKNOWN.report("not a URL: " + wanted.url)

    def stopped(*_):
        for child in multiprocessing.active_children():
            child.kill()
        State.UNKNOWN.report("stopped by a signal")

    signal.signal(signal.SIGTERM, stopped)
    tries = int(wanted.tries)
    trouble = "nothing tried"
    for number in range(tries):
        start = time.monotonic()
        trouble = attempt(wanted.url, wanted.timeout)
        if trouble:
            continue
        late = time.monotonic() - start > wanted.slow
        state = State.WARNING if late or number else State.OK
        state.report(f"try {number + 1} of {tries}")
    State.CRITICAL.report(trouble)


if __name__ == "__main__":
    main()
