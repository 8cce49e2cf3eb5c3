"""Check kinds that build an image and look into it: `image.*`."""

from __future__ import annotations

from scaffolder.checks.context import Context
from scaffolder.checks.docker.images import (
    Built,
    Contents,
    ImageKind,
    build_work_image,
    read_contents,
)
from scaffolder.checks.docker.lookalikes import SECRET, SECRET_PLACE
from scaffolder.checks.docker.rules import read_dockerfile
from scaffolder.core.errors import UnavailableError
from scaffolder.model import Evidence, Finding, Verdict, failed, passed

_MEGABYTE = 1_000_000
_SHOWN = 8


class Builds(ImageKind, frozen=True, kw_only=True):
    """The image builds.

    Runs `docker build` on a copy of the work, with BuildKit where this machine has it. Look-alikes
    of a .git, a .venv, caches and a .env lie in that copy, for the checks that look for them in
    the image; a build that only they disturb is done again without them.

    Parameters:
        dockerfile: the file to build from.

    Passes: the build comes to an image within the check's timeout.

    Fails: a step fails, the build does not end in time or prints without end. A base image that
    cannot be fetched, or a download that fails for want of a network, is no fail.

    Example:
        - id: image-builds
          kind: image.builds
          timeout: 300
    """

    def run(self, context: Context) -> Verdict:
        """Build the image, or join whoever does."""
        read_dockerfile(context.run, self.dockerfile)
        found = build_work_image(context, self.dockerfile)
        size = found.image.size / _MEGABYTE
        return passed(
            f"builds in {found.build.seconds:.1f} s to an image of {size:.0f} MB"
            f" in {len(found.image.diff_ids)} layers"
        )


class ImageContents(ImageKind, frozen=True, kw_only=True):
    """The image holds nothing that is not needed to run the service, and is small.

    Look-alikes of version control, a virtual environment, caches and a test file are planted in
    the build context. All layers above the base image are read from the saved image, so that what
    a later layer deletes is seen too; a look-alike is known by what is in it, under any name. The
    learner's own test files are looked for as well.

    The base is the image that the Dockerfile's stages start from and whose layers are the lowest
    of the image. Without one (FROM scratch) the smallest image that any stage starts from stands in
    for it, so that copying everything into an empty image gains nothing. Who builds on something
    smaller than Python's image must add Python: then what counts is the size of it all.

    Parameters:
        megabytes: what the layers above the base may hold, in millions of bytes.
        megabytes_in_all: an image that is no larger than this is small, whatever its base.
        dockerfile: the file to build from.

    Passes: nothing planted and no test of the learner's is in any layer, and the limit is kept.

    Fails: something is found; the image is larger; the build works only without what was planted.
    A larger image whose base cannot be looked at (the builder has it, the engine cannot fetch it)
    is no fail.

    Example:
        - id: image-holds-only-the-service
          kind: image.contents
          megabytes: 40
    """

    megabytes: float = 50
    megabytes_in_all: float = 140

    def run(self, context: Context) -> Verdict:
        """Look through the layers."""
        found = build_work_image(context, self.dockerfile)
        if found.refused is not None:
            return _disturbed(found)
        inside = read_contents(context, self.dockerfile)
        findings = tuple(
            Finding(f"{kind}: {place}")
            for kind, places in inside.hits.items()
            if kind != SECRET
            for place in places[:_SHOWN]
        )
        if findings:
            kinds = ", ".join(kind for kind in inside.hits if kind != SECRET)
            return failed(
                f"the image holds what the service does not need: {kinds}",
                *findings,
                evidence=_saved("only what runs in production", f"found: {kinds}"),
                hint="keep it out of the build with a .dockerignore; deleting it in a later"
                " layer leaves it in the earlier one",
            )
        return self._judge_size(inside, found.image.size)

    def _judge_size(self, inside: Contents, in_all: int) -> Verdict:
        over = inside.size if inside.base else max(0, in_all - inside.least_base)
        added = over / _MEGABYTE
        what = f"to its base {inside.base}" if inside.base else "to what it is made from"
        total = in_all / _MEGABYTE
        if added > self.megabytes and total > self.megabytes_in_all:
            if inside.unknown:
                raise _unknown_base(inside.unknown)
            return failed(
                f"the image adds {added:.0f} MB {what}; at most {self.megabytes:.0f} MB are needed",
                *(
                    Finding(f"{size / _MEGABYTE:.1f} MB: {path}", level="info")
                    for size, path in reversed(inside.largest)
                ),
                evidence=_saved(
                    f"at most {self.megabytes:.0f} MB, or {self.megabytes_in_all:.0f} MB in all",
                    f"{added:.1f} MB, {total:.0f} MB in all",
                ),
                hint="leave out what only tests and builds need, and caches of package managers",
            )
        return passed(
            f"nothing planted is in a layer; it adds {added:.1f} MB {what}, {total:.0f} MB in all"
        )


class Secrets(ImageKind, frozen=True, kw_only=True):
    """A secret that lies in the build context does not get into the image.

    An unguessable token is planted in `.env` of the build context. It is looked for in every file
    of every layer above the base (also in layers whose files a later one deletes, in compressed
    files and in base64), in the history, and in the configuration: environment, labels, command.

    Parameters:
        dockerfile: the file to build from.

    Passes: the token is nowhere.

    Fails: it is found; the build works only without a .env.

    Example:
        - id: no-secret-in-the-image
          kind: image.secrets
    """

    def run(self, context: Context) -> Verdict:
        found = build_work_image(context, self.dockerfile)
        if found.refused is not None:
            return _disturbed(found)
        inside = read_contents(context, self.dockerfile)
        places = inside.hits.get(SECRET, [])
        if places:
            return failed(
                f"the secret of {SECRET_PLACE} is in the image",
                *(Finding(f"found in {place}") for place in places[:_SHOWN]),
                evidence=_saved("the secret nowhere", f"it is in {places[0]}"),
                hint="list .env in .dockerignore; hand secrets to the container when it starts",
            )
        return passed(
            f"the secret planted in {SECRET_PLACE} is in none of {len(inside.layers)} layers,"
            " not in the history and not in the configuration"
        )


def _unknown_base(names: tuple[str, ...]) -> UnavailableError:
    return UnavailableError(
        f"{', '.join(names)} cannot be looked at here, so nobody can say what the image adds to it",
        hint=f"where there is a network: docker pull {names[0]}",
    )


def _saved(expected: str, actual: str) -> Evidence:
    return Evidence(ran="docker save IMAGE, every layer read", expected=expected, actual=actual)


def _disturbed(found: Built) -> Verdict:
    trouble = found.refused
    return failed(
        "the image builds only where no .git, .venv, cache or .env lies in the folder",
        evidence=Evidence(
            ran="docker build . with look-alikes of these in the folder",
            expected="that they make no difference",
            actual=trouble.reason if trouble else "",
            log=trouble.log if trouble else (),
        ),
        hint="list them in .dockerignore",
        # The first of two builds may have asked a package index that did not answer just then.
        lasting=False,
    )
