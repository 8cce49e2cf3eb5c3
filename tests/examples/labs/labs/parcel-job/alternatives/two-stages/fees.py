import json
import os
import signal
import sys


class Stopped(Exception):
    pass


def stop(*_: object) -> None:
    raise Stopped


def read(name):
    file = sys.stdin if name == "-" else open(name)
    columns = next(file).strip().split(",")
    return [dict(zip(columns, line.strip().split(","))) for line in file if line.strip()]


signal.signal(signal.SIGTERM, stop)
try:
    print("reading", file=sys.stderr)
    parcels = read(sys.argv[1])
    total = 0
    for number, parcel in enumerate(parcels, 1):
        if not parcel["fee"].lstrip("-").isdigit():
            print("parcel", number, "has the fee", parcel["fee"], file=sys.stderr)
            sys.exit(1)
        total += int(parcel["fee"])
    print(json.dumps(dict(total=total, parcels=len(parcels))))
except OSError as error:
    print(error.strerror, error.filename, file=sys.stderr)
    sys.exit(os.EX_OK + 2)
except Stopped:
    sys.exit(128 + signal.SIGTERM)
