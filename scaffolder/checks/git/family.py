"""The repository that the work lies in: merges, rewritten history, tags, hooks."""

from __future__ import annotations

from scaffolder.checks.common_tools import GIT, SANDBOX
from scaffolder.checks.family import Family

FAMILY = Family(
    name="git",
    package="scaffolder.checks.git",
    kinds={
        "git.history": "shape:HistoryShape",
        "git.merged": "merges:MergedBranches",
        "git.contains": "merges:Contains",
        "git.names": "names:NamesCommit",
        "git.secret": "secrets:SecretGone",
        "git.survives": "survival:Survives",
        "git.tag": "tags:TagStands",
        "git.clean": "clean:NothingLeft",
        "git.hook": "hooks:HookGuards",
        "git.bisectable": "bisectable:EveryCommitWorks",
    },
    tools=(GIT, SANDBOX),
)
