"""What is installed is what requirements.txt pins, and nothing else."""

import csv
import hashlib
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
# What the RECORDs of these releases list, whoever installs them: see modules_of. Change both when
# a version changes; the lab's own answer fails with the wrong ones.
MODULES = {
    "blinker": "f8548a6a8a6b0907",
    "click": "ae5b778fa6dc44f8",
    "flask": "f9b5ba9aae19c8f2",
    "gunicorn": "cfaa0f1e7561cde5",
    "itsdangerous": "14df94d383506caa",
    "jinja2": "6208335aaeac228a",
    "markupsafe": "14466c6dea20fd17",
    "werkzeug": "ab71337da66c228d",
}


def modules_of(record):
    """A digest of the modules that a RECORD lists, and of what it says is in them."""
    rows = csv.reader(record.decode("utf-8", "replace").replace("\0", "").splitlines())
    told = sorted(f"{row[0]},{row[1]}" for row in rows if len(row) > 1 and is_module(*row[:2]))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def is_module(path, digest):
    return path.endswith(".py") and digest.startswith("sha256=") and not path.startswith("..")


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


def test_what_is_installed_is_the_release(image, inside, fail):
    """A folder that is called flask, with a RECORD of its own, is not Flask."""
    ours = [one for one in inside.distributions if one.intact and one.name in MODULES]
    records = image.read_all([f"{one.folder}/RECORD" for one in ours])
    for one in ours:
        if modules_of(records.get(f"{one.folder}/RECORD", b"")) != MODULES[one.name]:
            fail(
                f"what is installed as {one.name} {one.version} is not that release",
                hint="install it from the package index, as requirements.txt pins it",
                expected=f"the modules of {one.name} {PINNED[one.name]}",
                actual=f"{one.folder}/RECORD lists others",
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
