"""What an author's test file relies on beside the services that it asks for."""

from __future__ import annotations

from scaffolder.model.tool import Tool

# The user's word that code of a lab's pack may run.
TRUST = Tool(
    id="trust", title="trust", look="scaffolder.checks.pytest.trust:look_for_trust", quiet=True
)
