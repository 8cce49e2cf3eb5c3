"""Look whether a release may be deployed: python3 preflight.py release.json"""

import json
import sys
import traceback

NEEDED = ("version", "commit", "tests", "approved_by")


class Refused(Exception):
    """What speaks against a deployment; its argument is the exit code."""


def check(path):
    try:
        release = dict(json.load(open(path)).items())
    except (OSError, ValueError, AttributeError, RecursionError):
        reason = traceback.format_exc().splitlines()[-1]
        raise Refused(2, reason) from None
    problems = [f"{key} is missing" for key in NEEDED if not release.get(key)]
    if release.get("tests", "passed") not in ("passed", None, ""):
        problems.append(f"the tests have {release['tests']}")
    if problems:
        raise Refused(1, *problems)
    return release["version"]


try:
    if len(sys.argv) == 1:
        raise Refused(2, "usage: python3 preflight.py release.json")
    print(check(sys.argv[1]), "may be deployed")
except Refused as refused:
    code, *reasons = refused.args
    print(*reasons, sep="\n", file=sys.stderr)
    sys.exit(code)
