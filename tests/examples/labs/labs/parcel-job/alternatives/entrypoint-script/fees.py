"""Adds up the fees of parcels: reads CSV (id,fee) from a file, or from standard input as `-`."""

import csv
import json
import signal
import sys


def stop(*_: object) -> None:
    print("stopped", file=sys.stderr)
    sys.exit(143)


def main(name: str) -> int:
    signal.signal(signal.SIGTERM, stop)
    print(f"reading {name}", file=sys.stderr)
    count = total = 0
    try:
        with sys.stdin if name == "-" else open(name, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                count, total = count + 1, total + int(row["fee"])
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyError, ValueError) as error:
        print(f"{name}: parcel {count + 1} has no fee that is a number: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"parcels": count, "total": total}))
    return 0


sys.exit(main(sys.argv[1]))
