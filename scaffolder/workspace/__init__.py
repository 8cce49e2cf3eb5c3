"""The learner's folder: finding it, reading its manifest, copying it, reading files safely.

Everything in a workspace is the learner's and is hostile until proven otherwise: links may lead
outside, files may be huge, pipes may never end. Only `changes` writes, into copies.
"""

from scaffolder.workspace.files import (
    TEXT_LIMIT,
    escape_path,
    make_unreadable_error,
    read_bytes,
    read_text,
    resolve_inside,
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
    find_workspace,
    read_manifest,
)
from scaffolder.workspace.repositories import (
    REPOSITORY,
    RepositoryCopy,
    copy_repository,
    digest_repository,
    has_history_changed_since,
)
from scaffolder.workspace.snapshots import (
    COUNT_LIMIT,
    FILE_LIMIT,
    IGNORED,
    TOTAL_LIMIT,
    Skipped,
    WorkSurvey,
    fingerprint_work,
    has_changed_since,
    survey_work,
    take_snapshot,
    walk_work,
)

__all__ = [
    "COUNT_LIMIT",
    "FILE_LIMIT",
    "IGNORED",
    "LEARNER_SCHEMA",
    "MANIFEST",
    "MANIFEST_SCHEMA",
    "RENDERED",
    "REPOSITORY",
    "TEXT_LIMIT",
    "TOTAL_LIMIT",
    "Manifest",
    "ManifestLab",
    "NoWorkspaceError",
    "RepositoryCopy",
    "Skipped",
    "WorkSurvey",
    "Workspace",
    "copy_repository",
    "digest_repository",
    "encode_manifest",
    "escape_path",
    "find_workspace",
    "fingerprint_work",
    "has_changed_since",
    "has_history_changed_since",
    "make_unreadable_error",
    "read_bytes",
    "read_manifest",
    "read_text",
    "resolve_inside",
    "survey_work",
    "take_snapshot",
    "walk_work",
]
