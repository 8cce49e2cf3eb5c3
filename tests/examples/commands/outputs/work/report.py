"""Reads orders as CSV and prints what they come to, as JSON with --json."""

import csv
import json
import sys

rows = list(csv.DictReader(sys.stdin))
if not rows:
    print("no orders", file=sys.stderr)
    sys.exit(2)
total = sum(int(row["amount"]) for row in rows)
if "--json" in sys.argv:
    print(json.dumps({"orders": len(rows), "total": total, "names": [r["name"] for r in rows]}))
else:
    print(f"{len(rows)} orders")
    print(f"total {total}")
