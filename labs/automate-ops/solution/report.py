"""Answer questions about an access log: python3 report.py access.log

Prints JSON. Exit codes: 0 there it is, 1 the log cannot be read, 2 wrong usage.
"""

import json
import re
import sys
from collections import Counter

LINE = re.compile(
    r'(?P<client>\S+) \S+ \S+ \[[^\]]+\] '
    r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[0-9.]+" '
    r"(?P<status>[1-5][0-9]{2}) (?P<size>[0-9]+|-)(?: |$)"
)


def make_report(lines):
    """Return what the lines of a log say; one that is no line of a log is counted."""
    unread = size = 0
    statuses, paths, clients = Counter(), Counter(), set()
    for line in lines:
        found = LINE.match(line)
        if not found:
            unread += 1
            continue
        statuses[f"{found['status'][0]}xx"] += 1
        size += 0 if found["size"] == "-" else int(found["size"])
        paths[found["target"].partition("?")[0]] += 1
        clients.add(found["client"])
    return {
        "requests": statuses.total(),
        "unread": unread,
        "statuses": statuses,
        "bytes": size,
        "clients": len(clients),
        "busiest": max(paths, key=lambda path: (paths[path], path), default=None),
    }


def main(arguments):
    if len(arguments) != 1:
        print("usage: python3 report.py access.log", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8", errors="replace") as log:
            print(json.dumps(make_report(log)))
    except OSError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
