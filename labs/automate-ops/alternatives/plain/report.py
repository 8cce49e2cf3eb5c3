"""python3 report.py access.log"""

import json
import sys

report = {"requests": 0, "unread": 0, "statuses": {}, "bytes": 0}
paths = {}
clients = set()


def read(line):
    client, rest = line.split(" ", 1)
    _, request, answer = rest.split('"')[:3]
    method, target, version = request.split(" ")
    status, size = answer.split()[:2]
    if not version.startswith("HTTP/") or not 100 <= int(status) <= 599:
        raise ValueError(line)
    return client, target.split("?")[0], status[0] + "xx", int(size.replace("-", "0"))


if len(sys.argv) != 2:
    sys.exit(2)
try:
    log = open(sys.argv[1], "rb")
except OSError as error:
    sys.exit(str(error))
with log:
    for raw in log:
        try:
            client, path, status, size = read(raw.decode("latin-1"))
        except ValueError:
            report["unread"] += 1
            continue
        report["requests"] += 1
        report["statuses"][status] = report["statuses"].get(status, 0) + 1
        report["bytes"] += size
        paths[path] = paths.get(path, 0) + 1
        clients.add(client)
report["clients"] = len(clients)
report["busiest"] = sorted(paths, key=paths.get)[-1] if paths else None
json.dump(report, sys.stdout, indent=2)
