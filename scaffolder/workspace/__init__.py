"""The learner's folder: finding it, reading its manifest, copying it, reading files safely.

Everything in a workspace is the learner's and is hostile until proven otherwise: links may lead
outside, files may be huge, pipes may never end. Only `changes` writes, into copies.
"""

from scaffolder.workspace.files import (
    TEXT_LIMIT,
    as_text,
    read_bytes,
    read_text,
    resolve_inside,
    unreadable_error,
)
from scaffolder.workspace.manifest import (
    LEARNER_SCHEMA,
    MANIFEST,
    MANIFEST_SCHEMA,
    RENDERED,
    Manifest,
    ManifestLab,
    NoWorkspaceError,
    Workspace,
    encode_manifest,
    find,
    read_manifest,
)
from scaffolder.workspace.snapshots import (
    COUNT_LIMIT,
    FILE_LIMIT,
    IGNORED,
    TOTAL_LIMIT,
    Skipped,
    Survey,
    changed_since,
    fingerprint,
    snapshot,
    survey,
    walk,
)

__all__ = [
    "COUNT_LIMIT",
    "FILE_LIMIT",
    "IGNORED",
    "LEARNER_SCHEMA",
    "MANIFEST",
    "MANIFEST_SCHEMA",
    "RENDERED",
    "TEXT_LIMIT",
    "TOTAL_LIMIT",
    "Manifest",
    "ManifestLab",
    "NoWorkspaceError",
    "Skipped",
    "Survey",
    "Workspace",
    "as_text",
    "changed_since",
    "encode_manifest",
    "find",
    "fingerprint",
    "read_bytes",
    "read_manifest",
    "read_text",
    "resolve_inside",
    "snapshot",
    "survey",
    "unreadable_error",
    "walk",
]
