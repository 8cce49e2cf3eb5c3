"""Tools that several families rely on."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

GIT = Tool(
    id="git",
    title="git",
    version="scaffolder.tools.git:read_version",
    fingerprint=Fingerprint(
        programs=("git",),
        settings=(".config/git/config", ".gitconfig"),
        variables=("GIT_CONFIG*",),
    ),
)
SANDBOX = Tool(
    id="sandbox",
    title="bubblewrap",
    look="scaffolder.checks.sandbox_look:look_at_sandbox",
    fingerprint=Fingerprint(
        programs=("bwrap", "bash", "sh"),
        facts="scaffolder.tools.system_facts:list_system_facts",
    ),
)
# For every Python that work is run on.
WHEELS = Tool(
    id="wheels",
    title="wheels",
    look="scaffolder.checks.wheels:look_at_wheels",
    fetch="scaffolder.checks.wheels:list_downloads",
    list_parts="scaffolder.checks.wheels:list_wheels",
    fingerprint=Fingerprint(
        programs=("uv", "python", "python3", *(f"python3.{minor}" for minor in range(8, 21))),
        settings=(".config/mise/config.toml", ".pyenv/version", ".tool-versions"),
        variables=("PIP_*", "UV_*"),
    ),
)
