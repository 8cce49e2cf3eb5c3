"""What a Dockerfile may not ask of the builder here, refused by name before anything is built.

A build is the engine's doing: what it fetches, it fetches from the engine's own network, with the
rights of the engine, and what it keeps, it keeps for whoever builds next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scaffolder.checks.context import Context, Run
from scaffolder.checks.docker.building import require_engine
from scaffolder.checks.kind import CheckFailedError
from scaffolder.core.errors import NotShownError, UnavailableError, UnusableFileError
from scaffolder.model import Evidence, Finding
from scaffolder.tools import engine
from scaffolder.tools.dockerfile import list_bases
from scaffolder.tools.dockerfile_asks import (
    Ask,
    find_frontend,
    find_privileges,
    find_remote_sources,
    is_private,
    read_host,
    read_registry,
)
from scaffolder.tools.engine import STANDIN_LABEL
from scaffolder.workspace import read_text

_MOST_BASES = 40


def read_dockerfile(run: Run, path: str) -> str:
    """Return the learner's Dockerfile; raises UnusableFileError that says why it cannot be."""
    for skipped in run.skipped:
        if skipped.path == path:
            raise UnusableFileError(f"is {skipped.reason}", path)
    return read_text(run.snapshot, path)


def refuse_what_is_not_built(context: Context, dockerfile: str) -> None:
    """Raise where the Dockerfile asks for something that no build of a check may do.

    CheckFailedError for what nobody else could build either, NotShownError for the rest.
    """
    text = read_dockerfile(context.run, dockerfile)
    if asked := find_frontend(text):
        raise NotShownError(
            f"line {asked.line}: # syntax={asked.what} names another builder of images than"
            " Docker's own, and that is not run here",
            hint="leave the line out, or name docker/dockerfile:1",
        )
    for asked in find_remote_sources(text):
        raise _not_fetched(asked, dockerfile)
    for asked in find_privileges(text):
        raise NotShownError(
            f"line {asked.line}: {asked.what} asks for what the machine that builds has, and no"
            " build is given that here",
            hint="leave the option out; the lab can be solved without",
        )
    named = list_bases(text)
    if len(named) > _MOST_BASES:
        raise CheckFailedError(
            f"{dockerfile} builds on {len(named)} images; no more than {_MOST_BASES} are looked at"
        )
    for name in named:
        _require_known(context.run, name, dockerfile)


def refuse_unknown_bases(context: Context, used: Iterable[str], dockerfile: str) -> None:
    """Raise where a build used an image that nobody else has; `used` is what the builder tells.

    What a Dockerfile names can be written so that only a builder reads it.
    """
    read = {_plain(name) for name in list_bases(read_dockerfile(context.run, dockerfile))}
    for name in used:
        if _plain(name) not in read:
            _require_known(context.run, name, dockerfile)


def _not_fetched(asked: Ask, dockerfile: str) -> CheckFailedError | NotShownError:
    host = read_host(asked.what)
    if host and is_private(host):
        return CheckFailedError(
            f"ADD {asked.what} fetches from {host}, an address that only the machine knows that"
            " happens to build",
            Finding("not fetched", path=dockerfile, line=asked.line),
            evidence=Evidence(
                ran="the Dockerfile, read before it is built",
                expected="an image that others can build too",
                actual=f"ADD {asked.what}",
            ),
            hint="put the file into the folder, and COPY it",
        )
    return NotShownError(
        f"line {asked.line}: ADD {asked.what} would be fetched by the engine itself, and what it"
        " fetches is not run here",
        hint="put the file into the folder and COPY it, or fetch it in a RUN",
    )


def _require_known(run: Run, name: str, dockerfile: str) -> None:
    """Raise where an image is on this machine and nowhere else: nobody could build on it again."""
    connected = require_engine(run)
    image = engine.inspect_image(connected, name)
    labels = (image.config.get("Labels") or {}) if image else {}
    if image is None or _is_standin_for(name, labels) or _is_of_lab(run, name):
        return
    private = is_private(read_registry(name))
    if image.digests and not private:
        return
    if private:
        raise CheckFailedError(
            f"{name} comes from {read_registry(name)}, which only this machine knows: nobody else "
            "can build this image",
            Finding("known to this machine alone", path=dockerfile),
            hint="begin with an image that others can fetch too",
            lasting=False,
        )
    try:
        refusal = engine.why_not_offered(connected, name)
    except UnavailableError as silent:
        raise NotShownError(
            f"{name} was made on this machine, and no registry answers that could know it:"
            f" {silent.message}",
            hint="begin with an image that others can fetch too",
        ) from silent
    if refusal:
        raise CheckFailedError(
            f"{name} was made on this machine, and no registry knows it: nobody else can build"
            " this image",
            Finding("known to this machine alone", path=dockerfile),
            evidence=Evidence(ran=f"docker pull {name}", expected="an image", actual=refusal),
            hint="begin with an image that others can fetch too",
            lasting=False,
        )


def _is_standin_for(name: str, labels: Mapping[str, str]) -> bool:
    """Whether an image stands in for the one of this name; what is built on it inherits labels."""
    meant = labels.get(f"{STANDIN_LABEL}.for", "") if labels.get(STANDIN_LABEL) else ""
    return bool(meant) and _repository(meant) == _repository(name)


def _is_of_lab(run: Run, name: str) -> bool:
    """Whether the lab itself builds on such an image, of whichever version."""
    known = run.shared.get("the lab's bases", lambda: _lab_bases(run))
    return _repository(name) in known


def _lab_bases(run: Run) -> frozenset[str]:
    folders = (run.start(), run.reference())
    texts = [
        path.read_text("utf-8", "replace")
        for folder in folders
        for path in folder.rglob("*Dockerfile*")
        if path.is_file() and not path.is_symlink()
    ]
    return frozenset(_repository(name) for text in texts for name in list_bases(text))


def _repository(name: str) -> str:
    """Return an image's name without its version."""
    plain = _plain(name).partition("@")[0]
    front, slash, last = plain.rpartition("/")
    return f"{front}{slash}{last.partition(':')[0]}"


def _plain(name: str) -> str:
    return name.removeprefix("docker.io/").removeprefix("library/")
