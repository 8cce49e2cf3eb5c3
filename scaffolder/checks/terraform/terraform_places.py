"""Where Terraform's AWS provider lies on this machine.

Where it is looked for follows Terraform's own conventions, see
https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scaffolder.core.errors import UnusableFileError

SOURCE = "registry.terraform.io/hashicorp/aws"
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


def list_candidates() -> list[Path]:
    """Return every AWS provider for this machine that lies unpacked in one of Terraform's places.

    The places are those of https://developer.hashicorp.com/terraform/cli/config/config-file.
    """
    target = f"{sys.platform}_{_PROCESSORS.get(platform.machine(), platform.machine())}"
    return [
        path
        for place in dict.fromkeys(_places())
        for path in _lying_in(place, f"{SOURCE}/*/{target}/terraform-provider-aws*")
    ]


def _lying_in(place: Path, pattern: str) -> list[Path]:
    """Return the programs in a place; none where it may not be read."""
    try:
        found = place.glob(pattern)
        return [path for path in found if path.is_file() and os.access(path, os.X_OK)]
    except PermissionError:
        return []


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
    if not _is_file(path):
        return
    # Few users have such a file, and to read HCL takes 0.1 s to load.
    from scaffolder.checks.terraform import hcl

    try:
        text = path.read_text("utf-8")
        blocks = hcl.parse_hcl(f"settings {{\n{text}\n}}\n", path.name)
    except (OSError, UnicodeDecodeError, UnusableFileError):
        return
    for block in (inner for outer in blocks for inner in outer.walk()):
        for name in ("path", "plugin_cache_dir"):
            value = block.attributes.get(name)
            if value is not None and value.text:
                yield Path(os.path.expandvars(value.text)).expanduser()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        return False
