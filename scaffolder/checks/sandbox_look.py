"""The sandbox as the doctor sees it: does bubblewrap work?"""

from __future__ import annotations

from scaffolder import sandbox
from scaffolder.model.readiness import Observation, Status
from scaffolder.model.tool import Demand
from scaffolder.tools import system


def look_at_sandbox(_: Demand) -> tuple[Observation, ...]:
    """Look whether bubblewrap works; without it, checks do with a copy and limits."""
    here = system.detect_system()
    title = "bubblewrap"
    if here.kind != "Linux":
        message = "it is for Linux alone; here, what your work runs is kept in by a copy and limits"
        return (_sandbox(title, Status.UNNEEDED, message),)
    why = sandbox.why_not_isolated()
    if not why:
        return (_sandbox(title, Status.OK, "keeps in what your work runs"),)
    fix, advice = _mended(why)
    without = "what your work runs is kept in by a copy and limits, and can reach the network"
    return (_sandbox(title, Status.WARNING, f"{why}; {without}", fix, advice),)


def _sandbox(
    title: str, status: Status, message: str, fix: tuple[str, ...] = (), advice: str = ""
) -> Observation:
    return Observation(
        id="sandbox",
        title=title,
        status=status,
        message=message,
        fix=fix,
        advice=advice,
    )


# Settings of the kernel that keep users from name spaces, with the value that lets them.
_GATES = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user.max_user_namespaces", "0", "15000"),
)


def _mended(why: str) -> tuple[tuple[str, ...], str]:
    """Return the commands, or the words, that would make bubblewrap work."""
    here = system.detect_system()
    if "not installed" in why:
        managers: tuple[system.Manager, ...] = ("apt-get", "dnf", "pacman", "apk")
        return here.install(dict.fromkeys(managers, "bubblewrap")), ""
    for name, closed, opened in _GATES:
        if system.read_setting(name) == closed:
            return (here.as_root(f"sysctl -w {name}={opened}"),), ""
    return (), "a container that runs devlab needs the right to make name spaces of its own"
