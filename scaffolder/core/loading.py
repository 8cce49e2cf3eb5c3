"""Things that are named as `module:name`, and loaded when they are asked for."""

from __future__ import annotations

import importlib
from typing import Any


def load_place(place: str) -> Any:
    """Return what `place` names: `package.module:name`.

    Raises ImportError or AttributeError where there is no such thing.
    """
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
