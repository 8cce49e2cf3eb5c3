"""What rehearsing and reading workflows relies on: act, wheels for what they install, zizmor."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

ACT = Tool(
    id="act",
    title="act",
    version="scaffolder.checks.github.act:read_version",
    fingerprint=Fingerprint(programs=("act", "node", "pwsh")),
)
# For every Python that a pipeline may name.
WHEELS = Tool(
    id="wheels",
    title="wheels for pipelines",
    look="scaffolder.checks.github.wheels:look_at_wheels",
    fetch="scaffolder.checks.github.wheels:list_downloads",
    list_parts="scaffolder.checks.github.wheels:list_wheels",
    fingerprint=Fingerprint(
        programs=("uv", "python", "python3", *(f"python3.{minor}" for minor in range(8, 21))),
        settings=(".config/mise/config.toml", ".pyenv/version", ".tool-versions"),
        variables=("PIP_*", "UV_*"),
    ),
)
ZIZMOR = Tool(
    id="zizmor",
    title="zizmor",
    version="scaffolder.checks.github.zizmor:read_version",
    fingerprint=Fingerprint(programs=("zizmor",)),
)
