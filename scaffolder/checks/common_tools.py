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
