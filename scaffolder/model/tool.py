"""A tool: something outside devlab that check kinds rely on, declared once by who owns it.

What devlab tells of a tool, fetches of it ahead of time and makes part of a verdict's key follows
from its declaration, which loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scaffolder.core.errors import UnavailableError
from scaffolder.core.loading import load_place
from scaffolder.model.readiness import Observation, Status

Say = Callable[[str], None]


class Demand(msgspec.Struct, frozen=True):
    """What labs ask of a tool.

    `parts` names, for the id of each lab that needs the tool, the parts of it that the lab needs:
    images of an engine, packages. With `offline` nobody on any network may be asked. Only to fetch:
    `replace_standins` asks for the real thing where something else stands in for it.
    """

    parts: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    offline: bool = False
    replace_standins: bool = False

    @property
    def all_parts(self) -> tuple[str, ...]:
        """The parts that any lab needs, each once, sorted."""
        return tuple(sorted({one for parts in self.parts.values() for one in parts}))


class Download(msgspec.Struct, frozen=True):
    """Something to fetch ahead of time.

    `key` is its id, `label` what it is called. `get`, called with who hears how far it is and with
    a CancelToken, returns what came of it, in words; it raises UnavailableError where it cannot be
    had, InterruptedRunError when it is cancelled.
    """

    key: str
    label: str
    get: Callable[[Say, Any], str]


class Fingerprint(msgspec.Struct, frozen=True):
    """What of a tool can change a verdict.

    `programs` are looked up beside devlab and on the PATH; `settings` are files in the user's home
    folder; `variables` are names in the environment, with `*` for any characters. `files` names a
    function that returns other files. Of all of these the content counts. `facts` names a function
    that returns lines with whatever else decides.

    Commands of an author's test that names the tool see the programs and the other files, and so
    does what they run of the learner's: nothing among them may be a secret.
    """

    programs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: str = ""
    facts: str = ""

    def list_files(self) -> Iterable[Path]:
        """Return the other files whose content counts."""
        return load_place(self.files)() if self.files else ()

    def list_facts(self) -> Iterable[str]:
        """Return lines with whatever else decides."""
        return load_place(self.facts)() if self.facts else ()


# Compared by identity: a tool is declared once.
class Tool(msgspec.Struct, frozen=True, eq=False):
    """Something that check kinds need of the machine; `id` is its id in `devlab.doctor/1`.

    What is named as `package.module:function` loads when it is asked for. `version()` returns the
    tool's version, and raises UnavailableError, with what would mend it, where it cannot be used.
    `look(Demand)` returns observations, where the doctor has more to tell than a version; it may
    raise the same. `fetch(Demand)` returns the downloads that can be had ahead of time.
    `list_parts(states, dockerfiles)` returns the ids of the parts that a check needs, given folders
    with states of its lab by name (`start`, `solution`, and `work` if there is any) and the paths
    of the Dockerfiles that the check builds. One that is `quiet` is not mentioned where nothing
    needs it.
    """

    id: str
    title: str
    version: str = ""
    look: str = ""
    fetch: str = ""
    list_parts: str = ""
    fingerprint: Fingerprint = Fingerprint()
    quiet: bool = False

    def read_version(self) -> str:
        """Return its version, "" where it has none; raises UnavailableError as `version`."""
        version: str = load_place(self.version)() if self.version else ""
        return version

    def observe(self, demand: Demand) -> tuple[Observation, ...]:
        """Look for the tool; one that another tool's look tells of tells nothing itself."""
        if self.look:
            found: tuple[Observation, ...] = load_place(self.look)(demand)
            return found
        if not self.version:
            return ()
        version = self.read_version()
        return (
            Observation(
                id=self.id, title=self.title, status=Status.OK, message="runs", version=version
            ),
        )

    def list_downloads(self, demand: Demand) -> Iterable[Download]:
        """Return what of the tool can be had ahead of time."""
        return load_place(self.fetch)(demand) if self.fetch else ()

    def find_parts(
        self, states: Mapping[str, Path], dockerfiles: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return the ids of the parts that a check needs; see `list_parts`."""
        parts: tuple[str, ...] = load_place(self.list_parts)(states, dockerfiles)
        return parts

    def find_trouble(self) -> str:
        """Return why the tool cannot be used here; "" where it can."""
        try:
            self.read_version()
        except UnavailableError as error:
            return error.message
        return ""
