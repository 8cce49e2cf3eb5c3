"""Sums amounts of files, or of standard input; `work` goes on until it is told to stop."""

import json
import os
import signal
import sys
import time


def stop(*_: object) -> None:
    print("stopped", flush=True)
    sys.exit(0)


def main(names: list[str]) -> None:
    if names == ["work"]:
        signal.signal(signal.SIGTERM, stop)
        print("working", flush=True)
        while True:
            time.sleep(0.05)
    if names == ["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("working", flush=True)
        time.sleep(600)
    if names == ["endless"]:
        while True:
            print("again" * 1000)
    if names == ["scratch"]:
        open("/srv/scratch", "w").write("x")
    try:
        lines = [line for name in names for line in open(name)] if names else list(sys.stdin)
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    told = {
        "total": sum(map(int, lines)),
        "user": os.getuid(),
        "net": sorted(os.listdir("/sys/class/net")),
    }
    print(json.dumps(told))
    if os.path.isdir("/out"):
        with open("/out/report.json", "w") as file:
            json.dump(told, file)


main(sys.argv[1:])
