"""Look whether a release may be deployed: python3 preflight.py release.json"""

import json
import os
import sys

NEEDED = ("version", "commit", "tests", "approved_by")


def complain(text):
    os.write(2, f"{text}\n".encode())


if len(sys.argv) < 2:
    complain("which release?")
    raise SystemExit(2)

try:
    text = open(sys.argv[1], "rb").read()
    release = json.loads(text)
    release.keys()
except Exception as error:
    complain(f"cannot read {sys.argv[1]}: {error!r}")
    raise SystemExit(2)

wrong = 0
for key in NEEDED:
    if not release.get(key):
        complain(f"{key} is missing")
        wrong = 1
if release.get("tests") and release["tests"] != "passed":
    complain("the tests have " + str(release["tests"]))
    wrong = 1
if not wrong:
    sys.stdout.write(f"{release['version']} may be deployed\n")
raise SystemExit(wrong)
