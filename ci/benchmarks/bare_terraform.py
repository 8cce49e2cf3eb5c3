"""The Terraform commands that a check of terraform-stubs waits for, one after another.

    python bare_terraform.py PROVIDER WORKSPACE

The provider and the local cloud are started once and serve all commands, as in the check; nothing
is looked at, nothing is judged, and no sandbox keeps anything in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

# What the lab's checks apply, and what they change.
VALUES = {
    "service_name": "parcel-tracker",
    "environment": "staging",
    "port": "8080",
    "greeting": 'Hello from "staging" & friends!',
}
CHANGED = {**VALUES, "greeting": "Good morning from staging!"}
FOLLOWED = ({**VALUES, "environment": "prod"}, {**VALUES, "service_name": "order-book"})
# Nothing that Terraform knows of changed since the last apply.
AS_IT_STANDS = "-refresh=false"

PORT = re.compile(r"^moto listens on port (\d+)$", re.M)
ATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.*)'")


@contextmanager
def serving(
    argv: list[str], said: re.Pattern[str], place: Path, env: Mapping[str, str]
) -> Iterator[str]:
    """Run a server for as long as the block lasts; yields the part of its log that it matches."""
    with (
        tempfile.NamedTemporaryFile("r+", dir=place) as log,
        subprocess.Popen(argv, cwd=place, env=env, stdout=log, stderr=log) as server,
    ):
        try:
            yield _wait_for(said, Path(log.name), server)
        finally:
            server.kill()


def _wait_for(said: re.Pattern[str], log: Path, server: subprocess.Popen[bytes]) -> str:
    while server.poll() is None:
        found = said.search(log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise SystemExit(f"{server.args!r} ended: {log.read_text()[-2000:]}")


def cloud_settings(url: str) -> dict[str, str]:
    """Return the provider's environment: of ours without what leads to another cloud."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **ours,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "3",
    }


def terraform(folder: Path, reattach: str, *argv: str, **values: str) -> None:
    settings = {
        "TF_REATTACH_PROVIDERS": reattach,
        "TF_CLI_CONFIG_FILE": os.devnull,
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    variables = [f"-var={name}={value}" for name, value in values.items()]
    subprocess.run(
        ["terraform", *argv, *variables],
        cwd=folder,
        env={**os.environ, **settings},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def session(folder: Path, reattach: str) -> None:
    """Go through the stages that the check goes through."""
    terraform(folder, reattach, "init", "-json", "-input=false")
    terraform(folder, reattach, "validate", "-json")
    terraform(folder, reattach, "apply", "-json", "-input=false", "-auto-approve", **VALUES)
    terraform(folder, reattach, "plan", "-json", "-input=false", **VALUES)
    for values in FOLLOWED:
        terraform(folder, reattach, "plan", "-json", "-input=false", AS_IT_STANDS, **values)
    last = ("-json", "-input=false", "-auto-approve", AS_IT_STANDS)
    terraform(folder, reattach, "apply", *last, **CHANGED)
    terraform(folder, reattach, "destroy", *last, **CHANGED)


def main(provider: str, source: Path) -> None:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tf-")))
        folder = place / "infra"
        shutil.copytree(source / "infra", folder)
        moto = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
        cloud = [sys.executable, "-m", "scaffolder.checks.terraform.moto"]
        port = stack.enter_context(serving(cloud, PORT, place, moto))
        settings = cloud_settings(f"http://127.0.0.1:{port}")
        # The provider's socket lies there, and a socket's path must be short.
        settings["TMPDIR"] = str(place)
        reattach = stack.enter_context(serving([provider, "-debug"], ATTACH, place, settings))
        session(folder, reattach)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
