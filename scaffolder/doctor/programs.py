"""Programs and packages that checks use: is each there, does it run, which version is it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scaffolder import sandbox
from scaffolder.checks.docker import hadolint
from scaffolder.checks.github import act, zizmor
from scaffolder.checks.terraform import moto, terraform_program, terraform_provider
from scaffolder.core.errors import UnavailableError
from scaffolder.model.readiness import Observation, Requirement, Status
from scaffolder.tools import git, system


@dataclass(frozen=True)
class Program:
    """Something with a version; `version` raises UnavailableError where it cannot be used."""

    title: str
    version: Callable[[], str]


PROGRAMS: Mapping[Requirement, Program] = {
    Requirement.TERRAFORM: Program("Terraform", terraform_program.version),
    Requirement.AWS_PROVIDER: Program("Terraform's AWS provider", terraform_provider.version),
    Requirement.CLOUD: Program("the local cloud (moto)", moto.version),
    Requirement.ACT: Program("act", act.version),
    Requirement.HADOLINT: Program("hadolint", hadolint.version),
    Requirement.ZIZMOR: Program("zizmor", zizmor.version),
    Requirement.GIT: Program("git", git.version),
}


def look_at_program(requirement: Requirement) -> tuple[Observation, ...]:
    """Return what became of asking a program for its version."""
    program = PROGRAMS[requirement]
    try:
        version = program.version()
    except UnavailableError as error:
        return (missing(requirement, program.title, error),)
    return (
        Observation(
            id=requirement, title=program.title, status=Status.OK, message="runs", version=version
        ),
    )


def missing(what: str, title: str, error: UnavailableError) -> Observation:
    """Return what is told of a thing that cannot be used."""
    return Observation(
        id=what,
        title=title,
        status=Status.MISSING,
        message=error.message,
        fix=error.fix,
        advice="" if error.fix else error.hint,
    )


def look_at_sandbox() -> tuple[Observation, ...]:
    """Look whether bubblewrap works; without it, checks do with a copy and limits."""
    here = system.here()
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
        id=Requirement.SANDBOX,
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
    here = system.here()
    if "not installed" in why:
        managers: tuple[system.Manager, ...] = ("apt-get", "dnf", "pacman", "apk")
        return here.install(dict.fromkeys(managers, "bubblewrap")), ""
    for name, closed, opened in _GATES:
        if system.setting(name) == closed:
            return (here.as_root(f"sysctl -w {name}={opened}"),), ""
    return (), "a container that runs devlab needs the right to make name spaces of its own"
