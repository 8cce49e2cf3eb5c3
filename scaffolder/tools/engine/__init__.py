"""The Docker Engine: the only package that speaks to it, through the SDK and the docker CLI.

Everything created carries the label `devlab.run=<run id>`, so that `remove_run` and `sweep` can
find it again: containers, images, networks and volumes. BuildKit's build cache is the engine's
own, has no labels and stays; it is what makes the next check quick.

A module of it loads with the first use of what it has: to glance at the engine takes no SDK.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaffolder.tools.engine.building import Build, BuildFailedError, build
    from scaffolder.tools.engine.caches import forgotten
    from scaffolder.tools.engine.cleanup import remove_run, sweep
    from scaffolder.tools.engine.connection import RUN_LABEL, Engine, connect
    from scaffolder.tools.engine.containers import (
        Container,
        Hardening,
        HealthTiming,
        Limits,
        Probe,
        Process,
        StartFailedError,
        State,
        start,
    )
    from scaffolder.tools.engine.diagnosis import Cause
    from scaffolder.tools.engine.examining import (
        STANDIN_LABEL,
        About,
        examine,
        is_standin,
        offered,
        pull,
    )
    from scaffolder.tools.engine.glancing import Glance, glance
    from scaffolder.tools.engine.images import (
        Entry,
        Image,
        Layer,
        base_of,
        inspect,
        saved_layers,
        shown,
    )

_MODULES = {
    "building": ("Build", "BuildFailedError", "build"),
    "caches": ("forgotten",),
    "cleanup": ("remove_run", "sweep"),
    "connection": ("RUN_LABEL", "Engine", "connect"),
    "containers": (
        "Container",
        "Hardening",
        "HealthTiming",
        "Limits",
        "Probe",
        "Process",
        "StartFailedError",
        "State",
        "start",
    ),
    "diagnosis": ("Cause",),
    "examining": ("STANDIN_LABEL", "About", "examine", "is_standin", "offered", "pull"),
    "glancing": ("Glance", "glance"),
    "images": ("Entry", "Image", "Layer", "base_of", "inspect", "saved_layers", "shown"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


__all__ = [
    "RUN_LABEL",
    "STANDIN_LABEL",
    "About",
    "Build",
    "BuildFailedError",
    "Cause",
    "Container",
    "Engine",
    "Entry",
    "Glance",
    "Hardening",
    "HealthTiming",
    "Image",
    "Layer",
    "Limits",
    "Probe",
    "Process",
    "StartFailedError",
    "State",
    "base_of",
    "build",
    "connect",
    "examine",
    "forgotten",
    "glance",
    "inspect",
    "is_standin",
    "offered",
    "pull",
    "remove_run",
    "saved_layers",
    "shown",
    "start",
    "sweep",
]
