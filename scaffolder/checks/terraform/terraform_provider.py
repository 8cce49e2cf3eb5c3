"""Find Terraform's AWS provider on this machine and keep one running for all commands.

A provider takes seconds to start, and Terraform starts it anew for every command. Started once
with `-debug` it prints how to attach to it (TF_REATTACH_PROVIDERS, the documented way to debug
providers), and every command after that is two to three times as quick. Terraform then neither
installs nor locks it, so the learner's lock file plays no part.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from scaffolder.checks.terraform.cloud import DEFAULT_REGION, KEY_ID, SECRET
from scaffolder.checks.terraform.moto import Moto
from scaffolder.checks.terraform.terraform_places import SOURCE, list_candidates
from scaffolder.core.errors import UnavailableError
from scaffolder.core.run_folders import SocketFolder
from scaffolder.tools.command import Command, Limits, Sandbox
from scaffolder.tools.processes import CancelToken, Daemon
from scaffolder.tools.versions import parse_version

START_SECONDS = 60.0
# How the provider names its socket, with a number of up to ten digits.
_SOCKET = "/plugin1234567890"
# It reserves far more of memory's addresses than it ever uses.
_LIMITS = Limits(cpu_seconds=24 * 3600, memory_mb=65536, open_files=4096)
_ATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.*)'")
# A plugin cache has the layout of an unpacked mirror, which `terraform providers mirror` has not.
HINT = (
    "with a network: mkdir -p ~/.terraform.d/plugin-cache && "
    "TF_PLUGIN_CACHE_DIR=~/.terraform.d/plugin-cache terraform -chdir=infra init"
)


def find_all() -> dict[str, Path]:
    """Return the AWS providers that lie unpacked in Terraform's places, by version, newest first.

    Raises UnavailableError where there is none.
    """
    found = {path.parent.parent.name: path for path in reversed(list_candidates())}
    if not found:
        raise UnavailableError(
            "Terraform's AWS provider is not on this machine",
            hint=HINT,
        )
    return {name: found[name] for name in sorted(found, key=parse_version, reverse=True)}


def find() -> Path:
    """Return the newest of the AWS providers; raises as `find_all`."""
    return next(iter(find_all().values()))


def read_version() -> str:
    """Return the version of the provider that `find` finds, by the name of its folder."""
    return next(iter(find_all()))


@dataclass(frozen=True)
class Provider:
    """A provider that runs; `reattach` tells Terraform how to reach it (@PID@ is left open)."""

    reattach: str
    daemon: Daemon
    sockets: SocketFolder

    @property
    def folder(self) -> Path:
        """Where its socket lies."""
        return self.sockets.path

    def stop(self) -> None:
        """End the provider and remove its socket."""
        self.daemon.stop()
        self.sockets.remove()


def make_environment(url: str) -> dict[str, str]:
    """Return the environment in which the provider can reach the cloud at `url` and no other.

    Credentials are the local cloud's; the user's files are out of sight, the metadata service is
    off, and everything but loopback leads to a proxy that does not exist.
    """
    nowhere = "http://127.0.0.1:9"
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": DEFAULT_REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # The default of 25, with pauses that grow, only delays bad news here.
        "AWS_MAX_ATTEMPTS": "3",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def start(
    program: Path,
    command: Command,
    cloud: Moto,
    sandbox: Sandbox,
    place: Path,
    cancel: CancelToken,
) -> Provider:
    """Start a provider that asks `cloud`, its log in the folder `place`; wait until it serves.

    `command` says all but what is run: where, with which variables, and what it sees. Raises
    RuntimeError where it does not come up within START_SECONDS, InterruptedRunError on `cancel`.
    """
    sockets = SocketFolder(place, len(_SOCKET))
    argv = [str(program), "-debug"]
    own = dataclasses.replace(
        command,
        argv=cloud.reached_by(argv) if sandbox.walled else argv,
        env={**command.env, "TMPDIR": str(sockets.path)},
        visible=(*command.visible, *cloud.visible, program),
        writable=(*command.writable, sockets.path),
        limits=_LIMITS,
    )
    daemon = sandbox.start(own, place / "provider.log")
    try:
        return Provider(_attachment(daemon, cancel), daemon, sockets)
    except BaseException:
        daemon.stop()
        sockets.remove()
        raise


def make_unshared_command(program: Path, command: Command, cloud: Moto, place: Path) -> Command:
    """Return what Terraform needs to start a provider by itself, once for each configuration.

    That takes longer than one process for all, which can have one configuration only. Terraform's
    settings for it lie in the folder `place`.
    """
    # Where it was found there may be links to places that are out of sight.
    mirror = place / "mirror"
    here = mirror / SOURCE / program.parent.parent.name / program.parent.name
    here.mkdir(parents=True)
    (here / program.name).symlink_to(program.resolve())
    settings = place / "terraform.tfrc"
    settings.write_text(
        "provider_installation {\n  filesystem_mirror {\n"
        f"    path = {json.dumps(str(mirror))}\n  }}\n}}\n",
        "utf-8",
    )
    return dataclasses.replace(
        command,
        env={**command.env, "TF_CLI_CONFIG_FILE": str(settings)},
        visible=(*command.visible, *cloud.visible, mirror, settings, program.resolve()),
    )


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
