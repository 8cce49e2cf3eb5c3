"""What is in the image: the distributions and programs in it, and bytecode that knows the time."""

import json

import pytest

# Runs in the container, with its Python: walks through all files that its user can see.
LOOK = r"""
import json, os, re, sys

names = set(json.loads(sys.argv[1]))
distributions, programs, sites, stale = [], [], set(), []
outside = ("/proc", "/sys", "/dev")

def started():
    with open("/proc/1/stat") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/stat") as stat:
        boot = int(re.search(r"^btime (\d+)", stat.read(), re.M).group(1))
    return boot + ticks / os.sysconf("SC_CLK_TCK")

since = started() - 2
for folder, folders, files in os.walk("/"):
    parent, own = os.path.split(folder)
    vendored = own in ("_vendor", "vendor") and os.path.exists(os.path.join(parent, "__init__.py"))
    if folder in outside or vendored or own.endswith(".dist-info"):
        folders[:] = []
        continue
    for name in folders:
        match = re.match(r"(.+)-([^-]+)\.dist-info$", name)
        if match and os.path.isfile(os.path.join(folder, name, "METADATA")):
            project = re.sub(r"[-_.]+", "-", match.group(1)).lower()
            distributions.append([project, match.group(2), os.path.join(folder, name)])
            if project not in ("pip", "setuptools", "wheel"):
                sites.add(folder)
    if "wsgi.py" in files and os.path.basename(folder) == "app":
        sites.add(folder)
    programs += [os.path.join(folder, name) for name in files
                 if name in names and os.access(os.path.join(folder, name), os.X_OK)]

base = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
for site in sites:
    for folder, folders, files in os.walk(site):
        if folder == site:
            folders[:] = [name for name in folders if name not in base]
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(".pyc"):
                # What the running service wrote itself is not in the image.
                if os.access(folder, os.W_OK) and os.stat(path).st_mtime >= since:
                    continue
                with open(path, "rb") as file:
                    if not file.read(8)[4] & 1:
                        stale.append(path)
print(json.dumps([sorted(distributions), sorted(programs), sorted(set(stale))]))
"""

PYTHONS = ("python3", "python", "/usr/local/bin/python3", "/usr/bin/python3", "/proc/1/exe")
BUILDERS = {
    "build", "cython", "flit", "flit-core", "hatch", "hatchling", "maturin", "meson", "ninja",
    "pdm", "pip-tools", "poetry", "poetry-core", "scikit-build-core", "uv", "virtualenv",
    "pathspec", "trove-classifiers",  # what hatchling brings along
}  # fmt: skip
PROGRAMS = {
    "c++", "cargo", "cc", "clang", "cmake", "g++", "gcc", "git", "go", "hatch", "ld", "make",
    "npm", "pdm", "poetry", "pyproject-build", "rustc", "uv",
}  # fmt: skip


@pytest.fixture
def inside(container, fail):
    """What the walk through the running container found."""
    for python in PYTHONS:
        done = container.exec([python, "-c", LOOK, json.dumps(sorted(PROGRAMS))])
        if done.code == 0:
            distributions, programs, stale = json.loads(done.out)
            return {"distributions": distributions, "programs": programs, "stale": stale}
    return fail(
        "no Python was found in the image that could look around in it",
        hint=f"one of these has to start in the container: {', '.join(PYTHONS)}",
        actual=done.err[-500:],
    )
