"""Find Terraform's AWS provider on this machine and keep one running for all commands.

A provider takes seconds to start, and Terraform starts it anew for every command. Started once
with `-debug` it prints how to attach to it (TF_REATTACH_PROVIDERS, the documented way to debug
providers), and every command after that is two to three times as quick. Terraform then neither
installs nor locks it, so the learner's lock file plays no part.

Where it is looked for follows Terraform's own conventions, see
https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffolder.errors import UnavailableError, UnusableFileError
from scaffolder.tools import hcl
from scaffolder.tools.lifeline import tied
from scaffolder.tools.processes import CancelToken, Daemon

SOURCE = "registry.terraform.io/hashicorp/aws"
START_SECONDS = 60.0
# A socket's path has at most 103 (macOS) or 107 bytes (Linux); `/tf-12345678/plugin1234567890`,
# which is ours and the provider's part of it, needs 29 of them.
_SOCKET_FOLDER_LIMIT = 74
_ATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.*)'")
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
# A plugin cache has the layout of an unpacked mirror, which `terraform providers mirror` has not.
HINT = (
    "with a network: mkdir -p ~/.terraform.d/plugin-cache && "
    "TF_PLUGIN_CACHE_DIR=~/.terraform.d/plugin-cache terraform -chdir=infra init"
)


def find() -> Path:
    """Return the newest AWS provider that lies unpacked in one of Terraform's places.

    Raises UnavailableError where there is none.
    """
    found = candidates()
    if not found:
        raise UnavailableError(
            "Terraform's AWS provider is not on this machine",
            hint=HINT,
        )
    return max(found, key=lambda path: _version(path.parent.parent.name))


def version() -> str:
    """Return the version of the provider that `find` finds, by the name of its folder."""
    return find().parent.parent.name


def candidates() -> list[Path]:
    """Return every AWS provider for this machine that lies unpacked in one of Terraform's places.

    The places are those of https://developer.hashicorp.com/terraform/cli/config/config-file.
    """
    target = f"{sys.platform}_{_PROCESSORS.get(platform.machine(), platform.machine())}"
    return [
        path
        for place in dict.fromkeys(_places())
        for path in place.glob(f"{SOURCE}/*/{target}/terraform-provider-aws*")
        if path.is_file() and os.access(path, os.X_OK)
    ]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _places() -> Iterator[Path]:
    home = Path(os.environ.get("HOME") or tempfile.gettempdir())
    yield from _configured(Path(os.environ.get("TF_CLI_CONFIG_FILE") or home / ".terraformrc"))
    if os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(os.environ["TF_PLUGIN_CACHE_DIR"])
    yield home / ".terraform.d" / "plugins"
    yield home / ".terraform.d" / "plugin-cache"
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "io.terraform" / "plugins"
    yield Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "terraform/plugins"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    yield from (Path(place) / "terraform/plugins" for place in shared.split(":") if place)


def _configured(path: Path) -> Iterator[Path]:
    """Yield the mirrors and the cache that the user's Terraform settings name, if there are any."""
    if not path.is_file():
        return
    try:
        text = path.read_text("utf-8")
        blocks = hcl.parse(f"settings {{\n{text}\n}}\n", path.name)
    except (OSError, UnicodeDecodeError, UnusableFileError):
        return
    for block in (inner for outer in blocks for inner in outer.walk()):
        for name in ("path", "plugin_cache_dir"):
            value = block.attributes.get(name)
            if value is not None and value.text:
                yield Path(os.path.expandvars(value.text)).expanduser()


@dataclass(frozen=True)
class Provider:
    """A provider that runs; `reattach` tells Terraform how to reach it (@PID@ is left open)."""

    reattach: str
    daemon: Daemon
    sockets: tempfile.TemporaryDirectory[str]

    def stop(self) -> None:
        """End the provider and remove its socket."""
        self.daemon.stop()
        self.sockets.cleanup()


def start(folder: Path, env: Mapping[str, str], cancel: CancelToken) -> Provider:
    """Start the provider with the environment `env`, its log in `folder`; wait until it serves.

    Raises UnavailableError where there is none, RuntimeError where it does not come up within
    START_SECONDS, InterruptedRunError on `cancel`.
    """
    program = find()
    short = len(os.fsencode(folder)) <= _SOCKET_FOLDER_LIMIT
    sockets = tempfile.TemporaryDirectory(
        prefix="tf-",
        dir=folder if short else "/tmp",  # noqa: S108 -- made with a random name, mode 700
    )
    daemon = Daemon(
        tied([str(program), "-debug"]),
        log=folder / "provider.log",
        cwd=folder,
        env={**env, "TMPDIR": sockets.name},
    )
    try:
        return Provider(_attachment(daemon, cancel), daemon, sockets)
    except BaseException:
        daemon.stop()
        sockets.cleanup()
        raise


def _attachment(daemon: Daemon, cancel: CancelToken) -> str:
    ticks = int(START_SECONDS / 0.05)
    for _ in range(ticks):
        found = _ATTACH.search(daemon.log.read_text("utf-8", "replace"))
        if found:
            return re.sub(r'"Pid":\d+', '"Pid":@PID@', found.group(1))
        if not daemon.alive:
            break
        cancel.wait(0.05)
    last = daemon.log.read_text("utf-8", "replace").strip().splitlines()[-5:]
    raise RuntimeError(f"the AWS provider did not start: {' | '.join(last) or 'it said nothing'}")
