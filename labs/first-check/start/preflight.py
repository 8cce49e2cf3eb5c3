"""Look whether a release may be deployed: python3 preflight.py release.json"""

import json
import sys

NEEDED = ("version", "commit", "tests", "approved_by")


def find_problems(release):
    """Return what speaks against a deployment, one sentence each."""
    problems = [f"{key} is missing" for key in NEEDED if not release.get(key)]
    if release.get("tests") not in (None, "passed"):
        problems.append(f"the tests have {release['tests']}")
    return problems


def main():
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            release = json.load(file)
        problems = find_problems(release)
        for problem in problems:
            print(f"problem: {problem}")
        if not problems:
            print(f"{release['version']} may be deployed")
    except Exception as error:
        print(f"error: {error}")


main()
