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
    from scaffolder.tools.engine.caches import forget_caches
    from scaffolder.tools.engine.cleanup import remove_run, sweep
    from scaffolder.tools.engine.connection import RUN_LABEL, Engine, connect
    from scaffolder.tools.engine.containers import (
        Container,
        ContainerLimits,
        ContainerState,
        Hardening,
        HealthProbe,
        HealthTiming,
        Process,
        StartFailedError,
        start_container,
    )
    from scaffolder.tools.engine.diagnosis import FailureCause
    from scaffolder.tools.engine.examining import (
        STANDIN_LABEL,
        About,
        examine,
        is_standin,
        pull,
        why_not_offered,
    )
    from scaffolder.tools.engine.glancing import Glance, glance
    from scaffolder.tools.engine.images import (
        Image,
        Layer,
        LayerEntry,
        find_base,
        inspect_image,
        inspect_used_images,
        save_layers,
    )
    from scaffolder.tools.engine.jobs import (
        VOLUME,
        ContainerJob,
        RunningJob,
        make_volume,
        read_folder,
        start_job,
    )

_MODULES = {
    "building": ("Build", "BuildFailedError", "build"),
    "caches": ("forget_caches",),
    "cleanup": ("remove_run", "sweep"),
    "connection": ("RUN_LABEL", "Engine", "connect"),
    "containers": (
        "Container",
        "Hardening",
        "HealthTiming",
        "ContainerLimits",
        "HealthProbe",
        "Process",
        "StartFailedError",
        "ContainerState",
        "start_container",
    ),
    "diagnosis": ("FailureCause",),
    "examining": ("STANDIN_LABEL", "About", "examine", "is_standin", "why_not_offered", "pull"),
    "glancing": ("Glance", "glance"),
    "jobs": ("VOLUME", "ContainerJob", "RunningJob", "make_volume", "read_folder", "start_job"),
    "images": (
        "LayerEntry",
        "Image",
        "Layer",
        "find_base",
        "inspect_image",
        "save_layers",
        "inspect_used_images",
    ),
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
    "VOLUME",
    "About",
    "Build",
    "BuildFailedError",
    "Container",
    "ContainerJob",
    "ContainerLimits",
    "ContainerState",
    "Engine",
    "FailureCause",
    "Glance",
    "Hardening",
    "HealthProbe",
    "HealthTiming",
    "Image",
    "Layer",
    "LayerEntry",
    "Process",
    "RunningJob",
    "StartFailedError",
    "build",
    "connect",
    "examine",
    "find_base",
    "forget_caches",
    "glance",
    "inspect_image",
    "inspect_used_images",
    "is_standin",
    "make_volume",
    "pull",
    "read_folder",
    "remove_run",
    "save_layers",
    "start_container",
    "start_job",
    "sweep",
    "why_not_offered",
]
