"""The check kind that builds again after a change of the application: `image.caches`."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client

from scaffolder.checks.context import Context
from scaffolder.checks.docker.containers import ContainerKind, run_service, wait_until_answers
from scaffolder.checks.docker.images import (
    Built,
    Contents,
    build_work_image,
    draw_change_token,
    list_holding_layers,
    read_contents,
    rebuild_with_fault,
)
from scaffolder.checks.docker.stages import find_reinstalled
from scaffolder.checks.http import Request
from scaffolder.checks.kind import CheckFailedError
from scaffolder.model import Evidence, Verdict, failed, passed
from scaffolder.tools.engine import Layer


class Caches(ContainerKind, frozen=True, kw_only=True):
    """A change of the application alone does not install the dependencies again.

    Builds the image, changes the application with one of the lab's faults, and builds again. The
    layers in which the dependencies are (read from the saved image: where their dist-info folders
    lie, whose RECORD must list files that are there, with just these contents) must be the same in
    both images, by the digest of their content. The same is asked of every earlier stage in which
    the second build carried out a RUN; there a wheel or an archive of a dependency counts as well.

    Parameters:
        fault: the fault of the lab that changes only the application's code.
        distributions: Python distributions that the service cannot do without.
        shows: a request that the changed service answers as only the change makes it; it is asked
            of a container of the second image. `{token}` in it and in the fault's files stands for
            a word of this run.
        port_variable: the environment variable that names the port.
        start_within: seconds that it may take to answer for the first time.
        dockerfile: the file to build from.

    Passes: every layer that holds each distribution is found in the second image too, while
    the second image differs from the first, and no stage of the second build installed any of them.

    Fails: such a layer is made anew, be it that of a later step that writes the files once more; a
    distribution is in no layer; the change of the application does not reach the image.

    Example:
        - id: dependencies-are-cached
          kind: image.caches
          fault: health-broken
          distributions: [flask, gunicorn]
    """

    fault: str
    distributions: tuple[str, ...]
    shows: Request | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """The fault that serves as the change."""
        return (self.fault,)

    def run(self, context: Context) -> Verdict:
        """Build twice and compare the layers."""
        first = build_work_image(context, self.dockerfile)
        second = rebuild_with_fault(context, self.dockerfile, self.fault)
        if first.image.diff_ids == second.image.diff_ids:
            return failed(
                "a change of the application does not change the image",
                evidence=self._evidence("another image", "the same layers"),
                hint="copy the application's code into the image",
            )
        # To read layers takes seconds, in which the changed service can start.
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            shown = pool.submit(self._require_shown, context, second)
            inside = read_contents(context, self.dockerfile)
            shown.result()
        for distribution in self.distributions:
            lowest, *others = self._layers(inside, distribution)
            if lowest.diff_id not in second.image.diff_ids:
                return self._layer_anew(context, first, second, distribution, lowest)
            for layer in others:
                if layer.diff_id not in second.image.diff_ids:
                    return self._written_again(distribution, layer)
        again = find_reinstalled(context, self.dockerfile, first, second, self.distributions)
        if again:
            return self._anew(again)
        return passed(
            f"after a change of the application the layer with {', '.join(self.distributions)}"
            f" is the same; the second build took {second.build.seconds:.1f} s"
        )

    def _require_shown(self, context: Context, second: Built) -> None:
        """Raise CheckFailedError where the changed image answers `shows` as if it were not changed.

        One that does not answer at all is the matter of other checks.
        """
        if self.shows is None:
            return
        request = self.shows.filled({"token": draw_change_token(context.run)})
        with contextlib.ExitStack() as stack:
            try:
                service = stack.enter_context(run_service(context, self, image=second))
                context.say("asking the service that was built again")
                wait_until_answers(context, self, service)
                trouble = service.ask(request).differs(request)
            except (CheckFailedError, OSError, http.client.HTTPException):
                return
            log = service.container.logs(8)
        if trouble:
            raise CheckFailedError(
                "after a change of the application the image still does what it did before",
                evidence=Evidence(
                    ran="docker build . && (change the application) && docker build ., then asked",
                    expected="that the change is seen in what the service answers",
                    actual=trouble,
                    log=log,
                ),
                hint="the image must run the code that lies in this folder",
                lasting=False,
            )

    def _layer_anew(
        self, context: Context, first: Built, second: Built, distribution: str, layer: Layer
    ) -> Verdict:
        """Say why the layer is another one: installed again, or copied again with something new."""
        made_by = layer.made_by
        again = find_reinstalled(context, self.dockerfile, first, second, self.distributions)
        if again or not made_by.startswith(("COPY", "ADD")):
            return self._anew(again or distribution)
        return failed(
            f"a change of the application alone makes the layer with {distribution} anew: it is"
            f" copied with something of the application in it ({made_by})",
            evidence=self._evidence(
                f"the layer with {distribution} comes from the cache",
                f"no stage installed {distribution} again, and what {made_by} takes is another",
            ),
            hint="install the application itself into another folder than its dependencies, or"
            " copy its code in a COPY of its own, behind that of the dependencies",
            lasting=False,
        )

    def _written_again(self, distribution: str, layer: Layer) -> Verdict:
        return failed(
            "after a change of the application alone a later step writes the files of"
            f" {distribution} into another layer again ({layer.made_by})",
            evidence=self._evidence(
                f"every layer with {distribution} comes from the cache", "this one was made anew"
            ),
            hint="change owners and modes in the RUN that installs, or with COPY --chown; what"
            " stands behind the COPY of the code should touch nothing but the code",
            lasting=False,
        )

    def _layers(self, inside: Contents, distribution: str) -> list[Layer]:
        layers = list(list_holding_layers(inside, distribution))
        if not layers:
            raise CheckFailedError(
                f"{distribution} is not installed in the image",
                evidence=self._evidence(
                    f"a {distribution}-*.dist-info whose RECORD lists files that are there",
                    "none in the layers above the base",
                ),
                hint="install what requirements.txt lists",
            )
        return layers

    def _anew(self, distribution: str) -> Verdict:
        return failed(
            f"a change of the application alone installs {distribution} again",
            evidence=self._evidence(
                f"the layer with {distribution} comes from the cache", "it was made anew"
            ),
            hint="copy requirements.txt and install from it before you copy the application",
            lasting=False,
        )

    def _evidence(self, expected: str, actual: str) -> Evidence:
        return Evidence(
            ran="docker build . && (change the application) && docker build .",
            expected=expected,
            actual=actual,
        )
