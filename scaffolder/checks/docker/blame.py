"""Whose fault it is that an image was not built or a container not started: found by looking.

The words of a builder or an engine, let alone a step's, only tell where to look: whether a base is
here, whether its registry answers, whether the Dockerfile asks for what this builder does not know,
and whether the lab's own answer can be built and started on this machine, now.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from scaffolder.checks.context import Context, Run
from scaffolder.checks.docker.building import build_reference_image, require_engine
from scaffolder.checks.docker.distributions import normalize_distribution
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import NotShownError, UnavailableError
from scaffolder.model import Evidence, Finding
from scaffolder.tools import engine
from scaffolder.tools.dockerfile import list_bases, parse_instructions
from scaffolder.tools.dockerfile_asks import (
    find_newer_features,
    is_private,
    list_programs,
    read_registry,
)
from scaffolder.tools.engine import STANDIN_LABEL, BuildFailedError, FailureCause
from scaffolder.tools.engine.mending import install_buildx

# Programs that load something from a network.
_INSTALLERS = frozenset(("pip", "pip3", "uv", "pipx", "poetry", "pdm", "pipenv", "hatch"))
_DOWNLOADERS = _INSTALLERS | {
    *("uvx", "conda", "mamba", "apt", "apt-get", "aptitude", "apk", "dnf", "yum", "microdnf"),
    *("npm", "npx", "pnpm", "yarn", "curl", "wget", "git", "go", "cargo", "gem"),
}
_NAME = re.compile(r"[A-Za-z0-9][\w./:@-]*")
_SOME_IMAGE = "hello-world"


def assign_blame(
    context: Context, error: BuildFailedError, folder: Path, dockerfile: str
) -> CheckFailedError | UnavailableError:
    """Return what to raise for a build of the learner's that came to no image."""
    # The names that we gave to caches are nobody's business.
    error.reason = re.sub(rf",id={context.run.id}-\w+", "", error.reason)
    failed = _did_not_build(error, dockerfile)
    if error.stopped:
        return failed
    text = _text(folder / dockerfile)
    if error.diagnosis.cause in (FailureCause.IMAGE_UNREACHABLE, FailureCause.UNKNOWN_IMAGE):
        return _about_bases(context, error, text, dockerfile) or failed
    if feature := _beyond_builder(error, text):
        return _too_old(error, feature)
    if error.suspected:
        trouble = context.run.control(
            ("build", dockerfile), lambda: build_reference_image(context, dockerfile, cached=False)
        )
        if trouble:
            # In the words of the control: those of the work could be anybody's.
            return UnavailableError(trouble.message, trouble.hint)
    return _without_network(context, error) or _not_in_stand_in(context, error) or failed


def _did_not_build(error: BuildFailedError, dockerfile: str) -> CheckFailedError:
    return CheckFailedError(
        error.reason,
        *([Finding("the build ends here", path=dockerfile, line=error.line)] if error.line else []),
        evidence=Evidence(
            ran=f"docker build --file {dockerfile} .",
            expected="an image",
            actual=error.reason,
            log=error.log,
        ),
        hint="run the same command in your folder; the last lines above name the step",
        # The step may have asked a package index that does not answer now.
        lasting=False,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _about_bases(
    context: Context, error: BuildFailedError, text: str, dockerfile: str
) -> CheckFailedError | UnavailableError | None:
    """Return what to raise where an image that the work names is not here."""
    run = context.run
    connected = require_engine(run)
    missing = [name for name in list_bases(text) if engine.inspect_image(connected, name) is None]
    subject = error.diagnosis.subject
    # A name that a build argument decides about is the builder's to tell.
    for name in missing or ([subject] if _NAME.fullmatch(subject) else []):
        try:
            refusal = engine.why_not_offered(connected, name)
        except UnavailableError as silent:
            return _unreachable(run, name, silent, dockerfile)
        if refusal:
            return CheckFailedError(
                f"the registry has no image {name}, or does not show it to you",
                evidence=Evidence(
                    ran=f"docker pull {name}", expected="an image", actual=refusal, log=error.log
                ),
                hint="look at the name and the tag: which are there?",
                lasting=False,
            )
    trouble = run.control(
        ("build", dockerfile), lambda: build_reference_image(context, dockerfile, cached=False)
    )
    return trouble and UnavailableError(trouble.message, trouble.hint)


def _unreachable(
    run: Run, name: str, silent: UnavailableError, dockerfile: str
) -> CheckFailedError | UnavailableError:
    """Return what an image deserves that is not here, and whose registry does not answer."""
    if is_private(read_registry(name)):
        return CheckFailedError(
            f"{name} is not on this machine, and at {read_registry(name)}, which only this machine"
            " knows, no registry answers",
            evidence=Evidence(
                ran=f"docker pull {name}", expected="an image", actual=silent.message
            ),
            hint="begin with an image that others can fetch too",
            lasting=False,
        )
    what = f"{name} is not on this machine and no registry answers"
    if name in list_bases(_text(run.reference() / dockerfile)):
        return UnavailableError(what, hint=f"where there is a network: docker pull {name}")
    return NotShownError(
        f"{what}, so nobody can say here whether there is such an image",
        hint=f"where there is a network: docker pull {name}; this lab can do without it",
    )


def _beyond_builder(error: BuildFailedError, text: str) -> str:
    """Return what the Dockerfile asks for at the line where the builder stopped to read it."""
    asked = find_newer_features(text)
    if error.diagnosis.cause in (FailureCause.NEEDS_BUILDKIT, FailureCause.BUILDER_TOO_OLD):
        return next(iter(one.what for one in asked), "")
    for one in parse_instructions(text):
        inside = error.line is not None and one.line < error.line <= one.last_line
        if one.here_document and inside:
            return "here-documents (<<)"
    if error.builder == "classic":
        # It stops at a platform that nobody told it, before it carries out any step.
        platforms = [one for one in asked if one.what.startswith("FROM ")]
        return next((one.what for one in platforms if error.line in (None, one.line)), "")
    return ""


def _too_old(error: BuildFailedError, feature: str) -> NotShownError:
    if error.builder == "classic":
        return NotShownError(
            f"the Dockerfile uses {feature}, a feature of BuildKit, and no docker command here has"
            " it; the lab can be solved without",
            hint=f"install the buildx plugin: {'; '.join(install_buildx())}"
            "   (or see https://docs.docker.com/go/buildx/)",
        )
    return NotShownError(
        f"the Dockerfile uses {feature}, for which the builder of this machine's engine is too"
        " old; the lab can be solved without",
        hint="update Docker: https://docs.docker.com/engine/install/",
    )


def _without_network(context: Context, error: BuildFailedError) -> NotShownError | None:
    """Return what to raise where a step downloads something, and the engine reaches no network."""
    if (
        error.diagnosis.cause is not FailureCause.NETWORK
        or not list_programs(error.step) & _DOWNLOADERS
    ):
        return None
    try:
        engine.why_not_offered(require_engine(context.run), _SOME_IMAGE)
    except UnavailableError:
        return NotShownError(
            "a step of the build needs a network, and the engine reaches none:"
            f" {error.diagnosis.subject}",
            hint="connect this machine (or set Docker's proxy), then check again; the lab's own"
            " answer builds here without",
        )
    return None


def _not_in_stand_in(context: Context, error: BuildFailedError) -> NotShownError | None:
    """Return what to raise where a distribution is missing only because the base is a stand-in."""
    if not error.missing_distribution or not list_programs(error.step) & _INSTALLERS:
        return None
    wanted = re.split(r"[\[=<>!~]", error.missing_distribution)[0]
    known = _required(context.run.start())
    meant = difflib.get_close_matches(
        normalize_distribution(wanted), known - {normalize_distribution(wanted)}, 1, 0.7
    )
    question = f"; did you mean {meant[0]}?" if meant else ""
    connected = require_engine(context.run)
    for base_name in error.bases:
        base = engine.inspect_image(connected, base_name)
        name = base_name.removeprefix("docker.io/").removeprefix("library/")
        labels = (base.config.get("Labels") if base else None) or {}
        if labels.get(STANDIN_LABEL):
            return NotShownError(
                f"{wanted} is not among the few packages that lie in {name}, a stand-in without a"
                f" package index, so nobody can say here whether there is such a one{question}",
                hint=f"look at the name, or, where there is a network: docker pull {name}",
            )
    return None


def _required(folder: Path) -> set[str]:
    """Return the normalized names of what the requirements files in `folder` list."""
    lines = (
        line for path in folder.glob("requirements*.txt") for line in path.read_text().splitlines()
    )
    return {
        normalize_distribution(name[0])
        for line in lines
        if (name := re.match(r"[A-Za-z0-9][\w.-]*", line))
    }
