"""Answer questions about an access log: python3 report.py access.log"""

import json
import re
import sys

text = open(sys.argv[1]).read()
lines = re.findall(r'"(\w+) (.+) HTTP.+" (\d+) (\d+)', text)

report = {"requests": len(lines), "errors": 0, "bytes": 0}
for method, path, status, size in lines:
    if status == "500":
        report["errors"] += 1
    report["bytes"] += int(size)
print(json.dumps(report))
