"""Answer questions about an access log."""

import argparse
import collections
import json
import re
import sys

FIELDS = re.compile(r'^(\S+) [^"]*"([^" ]+) ([^" ]+) HTTP/[^"]+" (\d{3}) (\d+|-)')


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=argparse.FileType("r", encoding="latin-1"))
    try:
        log = parser.parse_args().log
        lines = [(line, FIELDS.search(line)) for line in log]
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    good = [found.groups() for _, found in lines if found]
    by_path = collections.Counter(target.split("?")[0] for _, _, target, _, _ in good)
    print(
        json.dumps(
            {
                "requests": len(good),
                "unread": len(lines) - len(good),
                "statuses": collections.Counter(status[0] + "xx" for *_, status, _ in good),
                "bytes": sum(int(size) for *_, size in good if size != "-"),
                "clients": len({client for client, *_ in good}),
                "busiest": by_path.most_common(1)[0][0] if by_path else None,
            }
        )
    )
    return 0


sys.exit(main())
