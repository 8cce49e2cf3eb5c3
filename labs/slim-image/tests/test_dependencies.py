"""What is installed is what requirements.txt pins, and nothing else."""

import re

from conftest import BUILDERS, OF_THE_BASE

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


def test_only_pinned_dependencies_are_installed(inside, variables, fail):
    """The service itself may be installed, and what a base brings may stay."""
    service = re.sub(r"[-_.]+", "-", variables["service_name"])
    for one in inside.distributions:
        if one.name in OF_THE_BASE | BUILDERS | {service}:
            continue
        if one.name not in PINNED:
            fail(
                f"{one.name} {one.version} is installed, but requirements.txt does not name it",
                hint="install what production needs: the other file is for development",
                expected=", ".join(sorted(PINNED)),
                actual=one.folder,
            )
        if one.version != PINNED[one.name]:
            fail(
                f"{one.name} {one.version} is installed, but requirements.txt pins "
                f"{PINNED[one.name]}",
                expected=PINNED[one.name],
                actual=one.folder,
            )


def test_all_pinned_dependencies_are_installed(inside, fail):
    """By their RECORD: an empty dist-info folder is no package."""
    there = {one.name for one in inside.distributions if one.intact}
    for name in sorted(PINNED.keys() - there):
        fail(
            f"{name} is not installed, though requirements.txt pins it",
            hint="install requirements.txt, and keep the dist-info folders: scanners read them",
            expected=f"{name}-{PINNED[name]}.dist-info, whose RECORD lists the files that are there",
            actual=", ".join(one.folder for one in inside.distributions if one.name == name),
        )


def test_nothing_is_installed_without_a_record(inside, fail):
    """To delete a dist-info folder uninstalls nothing."""
    if inside.unowned:
        fail(
            f"{inside.unowned[0]} is installed, and belongs to no distribution in the image",
            hint="install requirements.txt alone; deleting a dist-info folder only hides a package",
            expected="packages that a RECORD lists",
            actual=", ".join(inside.unowned[:6]),
        )
