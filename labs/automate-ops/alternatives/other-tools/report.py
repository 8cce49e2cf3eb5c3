"""Answer questions about an access log, with a database in memory."""

import json
import re
import sqlite3
import sys

SHAPE = re.compile(rb'(\S+) \S+ \S+ \[.*?\] "\S+ (\S+) HTTP/\S+" (\d)\d\d (\S+)')


def rows(path, unread):
    with open(path, "rb") as file:
        for line in file:
            match = SHAPE.match(line)
            if match is None or not (match[4] == b"-" or match[4].isdigit()):
                unread.append(1)
            else:
                size = 0 if match[4] == b"-" else int(match[4])
                target = match[2].split(b"?")[0].decode("latin-1")
                yield match[1], target, match[3].decode() + "xx", size


def main(path):
    unread = []
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE log (client, path, status, size)")
    base.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows(path, unread))
    (requests, size, clients), = base.execute(
        "SELECT count(*), coalesce(sum(size), 0), count(DISTINCT client) FROM log"
    )
    statuses = dict(base.execute("SELECT status, count(*) FROM log GROUP BY status"))
    busiest = base.execute(
        "SELECT path FROM log GROUP BY path ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    json.dump(
        {
            "requests": requests,
            "unread": len(unread),
            "statuses": statuses,
            "bytes": size,
            "clients": clients,
            "busiest": busiest and busiest[0],
        },
        sys.stdout,
    )


if len(sys.argv) != 2:
    print("usage: report.py LOG", file=sys.stderr)
    sys.exit(2)
try:
    main(sys.argv[1])
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error.strerror}")
