"""What rehearsing and reading workflows relies on: act and zizmor."""

from __future__ import annotations

from scaffolder.model.tool import Fingerprint, Tool

ACT = Tool(
    id="act",
    title="act",
    version="scaffolder.checks.github.act:read_version",
    fingerprint=Fingerprint(programs=("act", "node", "pwsh")),
)
ZIZMOR = Tool(
    id="zizmor",
    title="zizmor",
    version="scaffolder.checks.github.zizmor:read_version",
    fingerprint=Fingerprint(programs=("zizmor",)),
)
