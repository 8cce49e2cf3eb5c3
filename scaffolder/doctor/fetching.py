"""Get ahead of time what labs need, so that they can be done without a network."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffolder.checks.terraform import terraform_fetch, terraform_provider
from scaffolder.core.errors import InterruptedRunError, UnavailableError
from scaffolder.core.log import write_log
from scaffolder.doctor.needs import LabNeeds
from scaffolder.model.readiness import FetchEnded, FetchEvent, FetchSaid, FetchStarted, Requirement
from scaffolder.tools import engine, uv_cache, wheelhouse
from scaffolder.tools.engine import Engine
from scaffolder.tools.processes import CancelToken

# How long, after Ctrl-C, what is under way may take to tidy up.
_TIDYING_SECONDS = 5.0
_WORKERS = 4

Listen = Callable[[FetchEvent], object]
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Item:
    """Something to fetch; `get` returns what came of it, in words."""

    key: str
    label: str
    get: Callable[[Say, CancelToken], str]


def fetch(labs: Sequence[LabNeeds], listen: Listen, *, replace_standins: bool = False) -> bool:
    """Fetch what the labs need and what is not here; tell whether nothing went wrong.

    What is there already stays as it is; so do stand-ins for images, unless `replace_standins`.
    Each thing is put in its place in one move when it is whole: whatever interrupts it, nothing is
    left half. Raises InterruptedRunError, or KeyboardInterrupt, when everything has stopped.
    """
    cancel = CancelToken()
    todo: queue.SimpleQueue[_Item] = queue.SimpleQueue()
    failed = threading.Event()
    for item in _items(labs, replace_standins=replace_standins):
        todo.put(item)

    def work(over: threading.Event) -> None:
        try:
            while not cancel.cancelled:
                if not _fetched(todo.get_nowait(), listen, cancel):
                    failed.set()
        except queue.Empty:
            return
        finally:
            over.set()

    # Daemons, for a registry that does not answer must not keep Ctrl-C from ending the program.
    # Not joined: a join that Ctrl-C interrupts takes the thread for over (Python 3.11).
    ends = [threading.Event() for _ in range(_WORKERS)]
    for over in ends:
        threading.Thread(target=work, args=(over,), daemon=True).start()
    try:
        for over in ends:
            over.wait()
    except BaseException:
        cancel.cancel()
        deadline = time.monotonic() + _TIDYING_SECONDS
        for over in ends:
            over.wait(max(0.0, deadline - time.monotonic()))
        raise
    return not failed.is_set()


def _fetched(item: _Item, listen: Listen, cancel: CancelToken) -> bool:
    started = time.monotonic()
    listen(FetchStarted(item.key, item.label))

    def ended(came: str = "", trouble: str = "", hint: str = "") -> bool:
        seconds = time.monotonic() - started
        listen(FetchEnded(item.key, item.label, seconds, came, trouble, hint))
        return not trouble

    try:
        return ended(item.get(lambda text: _said(item, text, listen), cancel))
    except InterruptedRunError:
        return False
    except UnavailableError as error:
        return ended(trouble=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001 -- one thing that fails stops no other
        log = write_log(f"fetching {item.label}", error)
        return ended(
            trouble=f"{type(error).__name__}: {error}", hint=f"please report it with {log}"
        )


def _said(item: _Item, text: str, listen: Listen) -> None:
    listen(FetchSaid(item.key, item.label, text))


def _items(labs: Sequence[LabNeeds], *, replace_standins: bool) -> Iterator[_Item]:
    images = sorted(frozenset[str]().union(*(one.images for one in labs)))
    if images:
        yield from _images(images, replace_standins=replace_standins)
    wanted = {one.wheels: one.lab.id for one in labs if Requirement.WHEELS in one.requirements}
    for wheels, lab_id in wanted.items():
        yield _Item(f"wheels:{lab_id}", f"wheels for {lab_id}", _wheels(wheels))
    if any(Requirement.AWS_PROVIDER in one.requirements for one in labs):
        yield _Item(Requirement.AWS_PROVIDER, "Terraform's AWS provider", _provider)


def _images(names: Sequence[str], *, replace_standins: bool) -> Iterator[_Item]:
    try:
        connected = engine.connect()
    except UnavailableError as error:
        yield _Item("images", "base images", _refusing(error))
        return
    for name in names:
        yield _Item(f"image:{name}", name, _image(connected, name, replace_standins))


def _refusing(error: UnavailableError) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:  # noqa: ARG001
        raise error

    return get


def _image(
    connected: Engine, name: str, replace_standins: bool
) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:
        standin = engine.is_standin(connected, name)
        if standin and not replace_standins:
            return "a stand-in is here, and stays"
        if standin is False:
            return "here already"
        engine.pull(connected, name, say, cancel)
        return "pulled"

    return get


def _wheels(wanted: tuple[str, ...]) -> Callable[[Say, CancelToken], str]:
    def get(say: Say, cancel: CancelToken) -> str:
        pythons = wheelhouse.pythons(cancel)
        made: dict[int, Path] = {}
        troubles: list[UnavailableError] = []
        there = [minor for minor in pythons if wheelhouse.has(wanted, minor)]
        for number, minor in enumerate(pythons, start=1):
            say(f"Python 3.{minor}, {number} of {len(pythons)}")
            try:
                made[minor] = wheelhouse.prepare(wanted, minor, cancel)
            except UnavailableError as error:
                # A package may have no wheel for a Python as new, or as old, as this one.
                troubles.append(error)
        if not made:
            raise troubles[0]
        say("unpacking them")
        uv_cache.prepare(made, {minor: pythons[minor] for minor in made}, cancel)
        named = ", ".join(f"3.{minor}" for minor in made)
        return f"{'here already' if there == list(made) else 'fetched'} for Python {named}"

    return get


def _provider(say: Say, cancel: CancelToken) -> str:
    try:
        return f"{terraform_provider.version()} is here already"
    except UnavailableError:
        say("terraform init")
    return f"fetched {terraform_fetch.fetch(cancel).parent.name}"
