"""Look whether a release may be deployed."""

import argparse
import json
import sys
from pathlib import Path

NEEDED = ("version", "commit", "tests", "approved_by")


class NotARelease(Exception):
    """A file says nothing about a release."""


def load(path: Path) -> dict:
    try:
        release = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotARelease(error) from error
    if not isinstance(release, dict):
        raise NotARelease("it is not an object")
    return release


def find_problems(release: dict) -> list[str]:
    found = [f"{key} is missing" for key in NEEDED if not release.get(key)]
    tests = release.get("tests")
    if tests and tests != "passed":
        found.append(f"the tests have {tests}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path)
    asked = parser.parse_args()  # ends with 2 where the argument is missing
    try:
        release = load(asked.release)
    except NotARelease as error:
        parser.exit(2, f"{asked.release}: {error}\n")
    if found := find_problems(release):
        sys.exit("\n".join(found))  # a text goes to stderr, and the code is 1
    print(release["version"], "may be deployed")


main()
