"""Get ahead of time what labs need, so that they can be done without a network."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from scaffolder.checks.families import list_tools
from scaffolder.core.errors import InterruptedRunError, UnavailableError
from scaffolder.core.log import write_log
from scaffolder.doctor.needs import LabNeeds, collect_demand
from scaffolder.model.readiness import FetchEnded, FetchEvent, FetchSaid, FetchStarted
from scaffolder.model.tool import Download
from scaffolder.tools.processes import CancelToken

# How long, after Ctrl-C, what is under way may take to tidy up.
_TIDYING_SECONDS = 5.0
_WORKERS = 4

Listen = Callable[[FetchEvent], object]


def fetch_needs(
    labs: Sequence[LabNeeds], listen: Listen, *, replace_standins: bool = False
) -> bool:
    """Fetch what the labs need and what is not here; tell whether nothing went wrong.

    What is there already stays as it is; so do stand-ins for images, unless `replace_standins`.
    Each thing is put in its place in one move when it is whole: whatever interrupts it, nothing is
    left half. Raises InterruptedRunError, or KeyboardInterrupt, when everything has stopped.
    """
    cancel = CancelToken()
    todo: queue.SimpleQueue[Download] = queue.SimpleQueue()
    failed = threading.Event()
    for item in _list_downloads(labs, replace_standins=replace_standins):
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


def _fetched(item: Download, listen: Listen, cancel: CancelToken) -> bool:
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


def _said(item: Download, text: str, listen: Listen) -> None:
    listen(FetchSaid(item.key, item.label, text))


def _list_downloads(labs: Sequence[LabNeeds], *, replace_standins: bool) -> Iterator[Download]:
    for tool in list_tools():
        demand = collect_demand(labs, tool, replace_standins=replace_standins)
        if demand.parts:
            yield from tool.list_downloads(demand)
