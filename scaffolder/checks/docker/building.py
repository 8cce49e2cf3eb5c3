"""Build with the run's engine: the learner's image, and the lab's own answer as the control."""

from __future__ import annotations

import shutil
from pathlib import Path

from scaffolder.checks.context import Context, Run
from scaffolder.checks.session import Session, find_session
from scaffolder.core.errors import NotShownError, UnavailableError
from scaffolder.core.lines import split_lines
from scaffolder.model import CheckParameters
from scaffolder.tools import engine
from scaffolder.tools.dockerfile import parse_instructions
from scaffolder.tools.dockerfile_asks import UnclearMountError, use_own_caches
from scaffolder.tools.engine import Build, BuildFailedError, Engine

_CONTROL_SECONDS = 300.0


def require_engine(run: Run) -> Engine:
    """Return the engine; when the run ends, all that the run made in it is removed."""

    def close(made: Engine) -> None:
        engine.remove_run(run.id, made)

    return run.shared.get("docker engine", engine.connect, close)


class ImageSession(Session[str]):
    """What the checks of a run make of one Dockerfile, `key` its path: images, and what is in them.

    Images are removed with all else that the run made in the engine.
    """

    def is_shared_by(self, kind: CheckParameters) -> bool:
        """Whoever builds from this Dockerfile waits for the same images."""
        return self.key in kind.builds

    def build(self, context: Context, folder: Path) -> Build:
        """Build a copy of the learner's work, within the longest timeout of those that share it.

        No step finds what another run left in a cache of the builder's. Raises BuildFailedError
        where it comes to no image.
        """
        run = self.run
        caches = _keep_caches_apart(folder / self.key, run.id)
        with engine.forget_caches(require_engine(run), caches):
            return engine.build(
                require_engine(run),
                folder,
                run_id=run.id,
                timeout=self.find_timeout(context),
                cancel=run.cancel,
                dockerfile=self.key,
            )


def find_image(context: Context, dockerfile: str) -> ImageSession:
    """Return the run's session for a Dockerfile."""
    return find_session(context.run, ImageSession, dockerfile)


def _keep_caches_apart(path: Path, run_id: str) -> frozenset[str]:
    """Give the caches that the RUNs of a Dockerfile mount names that no other run uses.

    Returns where they are mounted.
    """
    try:
        text = path.read_text("utf-8")
        own, places = use_own_caches(text, run_id)
    except (OSError, UnicodeDecodeError):
        # The builder says it better.
        return frozenset()
    except UnclearMountError as error:
        raise NotShownError(
            f"line {error.ask.line}: {error.ask.what} asks for a cache that outlives the build, in"
            " a way of writing in which devlab cannot give it a name of this run's own",
            hint="write the whole option in one piece and without quotes:"
            " --mount=type=cache,target=/path",
        ) from error
    if own != text:
        path.write_text(own, "utf-8")
    return frozenset(places)


def build_reference_image(context: Context, dockerfile: str, *, cached: bool = True) -> str:
    """Return the id of an image of the lab's own answer, built now; at most once each way.

    Without `cached` each of its RUNs is carried out. Raises UnavailableError where it does not
    build either: then it is this machine.
    """
    run = context.run

    def make() -> str:
        context.say("building the lab's own answer, to see whose fault it is")
        folder = run.reference()
        used = dockerfile if cached else _carried_out_anew(run, folder, dockerfile)
        try:
            return engine.build(
                require_engine(run),
                folder,
                run_id=run.id,
                timeout=max(_CONTROL_SECONDS, context.timeout),
                cancel=run.cancel,
                dockerfile=used,
            ).image_id
        except BuildFailedError as error:
            raise error.suspected or UnavailableError(
                f"the lab's own image does not build here either: {error.reason}",
                hint="look at the engine with: devlab doctor",
            ) from error

    return find_image(context, dockerfile).run_step(
        context, "the build of the lab's own answer", make, about=cached
    )


def _carried_out_anew(run: Run, folder: Path, dockerfile: str) -> str:
    """Return the path of a Dockerfile that does the same, and whose RUNs no cache knows.

    Their environment is another one. (An old BuildKit may fall over `--no-cache` while the same
    steps are built elsewhere: "panic: failed to get edge".)
    """
    text = (folder / dockerfile).read_text("utf-8")
    lines = split_lines(text)
    for one in reversed(parse_instructions(text)):
        if one.keyword == "FROM":
            lines.insert(one.last_line, f"ENV CONTROL={run.id}")
    place = run.folder("control") / "Dockerfile"
    place.write_text("\n".join(lines) + "\n", "utf-8")
    own_ignore = folder / f"{dockerfile}.dockerignore"
    if own_ignore.is_file():
        shutil.copy(own_ignore, f"{place}.dockerignore")
    return str(place)
