"""Look whether a release may be deployed: python3 preflight.py release.json

Exit codes: 0 it may, 1 it may not, 2 nobody can tell, as the file cannot be read.
"""

import json
import sys

NEEDED = ("version", "commit", "tests", "approved_by")


def find_problems(release):
    """Return what speaks against a deployment, one sentence each."""
    problems = [f"{key} is missing" for key in NEEDED if not release.get(key)]
    if release.get("tests") not in (None, "passed"):
        problems.append(f"the tests have {release['tests']}")
    return problems


def read_release(path):
    """Return the release that a file describes; raises OSError or ValueError where none does."""
    with open(path, encoding="utf-8") as file:
        release = json.load(file)
    if not isinstance(release, dict):
        raise ValueError(f"{path} describes no release")
    return release


def main(arguments):
    if len(arguments) != 1:
        print("usage: python3 preflight.py release.json", file=sys.stderr)
        return 2
    try:
        release = read_release(arguments[0])
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    problems = find_problems(release)
    for problem in problems:
        print(f"problem: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"{release['version']} may be deployed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
