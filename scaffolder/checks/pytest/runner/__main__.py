"""Run one test file as the grader says on standard input, and tell it the outcome.

Exits with 0 when everything was told, whatever it was; the exit code decides nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffolder.checks.pytest.runner import guard
from scaffolder.checks.pytest.runner.channel import Channel
from scaffolder.checks.pytest.runner.fixtures import Fixtures
from scaffolder.checks.pytest.runner.records import RecordPlugin
from scaffolder.checks.pytest.runner.witness import Witness
from scaffolder.checks.pytest.runner.words import Cleaner


class ByteCode:
    """A pytest plugin that keeps byte code beside the lab's tests from being taken for them.

    Nobody has read that. Set once pytest itself is loaded, whose byte code saves half a second.
    """

    def __init__(self, elsewhere: str) -> None:
        self._elsewhere = elsewhere

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Look for byte code in an empty folder from now on."""
        sys.pycache_prefix = self._elsewhere


def load_plugin(place: str) -> Any:
    """Return the class of a family's plugin, named as `module:Class`."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def main() -> None:
    """Read the settings, shut the doors, run pytest."""
    guard.hide_memory()
    settings = json.load(sys.stdin)
    guard.end_with(settings["parent"])
    channel = Channel(settings["address"], settings["password"])
    guard.refuse_mixing(Path(settings["work"]))
    witness = Witness()
    folder = Path(settings["folder"])
    cleaner = Cleaner(Path(settings["work"]), folder, Path(settings["basetemp"]))
    pytest.main(
        [
            f"--rootdir={folder}",
            f"--confcutdir={folder}",
            "-c",
            settings["ini"],
            f"--basetemp={settings['basetemp']}",
            "--import-mode=prepend",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            settings["file"],
        ],
        plugins=[
            ByteCode(settings["bytecode"]),
            RecordPlugin(channel, witness, folder, cleaner),
            Fixtures(channel, witness, settings["variables"]),
            *(load_plugin(one)(channel, witness) for one in settings["plugins"]),
        ],
    )
    sys.stdout.flush()
    # Threads that a test left behind must not keep us.
    os._exit(0)


main()
