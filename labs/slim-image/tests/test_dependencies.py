"""What is installed is what requirements.txt pins, and nothing else."""

import re

from conftest import BUILDERS

PINNED = {
    "blinker": "1.9.0",
    "click": "8.5.1",
    "flask": "3.1.3",
    "gunicorn": "27.0.1",
    "itsdangerous": "2.2.0",
    "jinja2": "3.1.6",
    "markupsafe": "3.0.4",
    "werkzeug": "3.1.9",
}
OF_THE_BASE = {"pip", "setuptools", "wheel"}


def test_only_pinned_dependencies_are_installed(inside, variables, fail):
    """The service itself may be installed, and what a base brings may stay."""
    service = re.sub(r"[-_.]+", "-", variables["service_name"])
    for name, version, path in inside["distributions"]:
        if name in OF_THE_BASE | BUILDERS | {service}:
            continue
        if name not in PINNED:
            fail(
                f"{name} {version} is installed, but requirements.txt does not name it",
                hint="install what production needs: the other file is for development",
                expected=", ".join(sorted(PINNED)),
                actual=path,
            )
        if version != PINNED[name]:
            fail(
                f"{name} {version} is installed, but requirements.txt pins {PINNED[name]}",
                expected=PINNED[name],
                actual=path,
            )
