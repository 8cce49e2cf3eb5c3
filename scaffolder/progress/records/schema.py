"""The tables, as the steps that made them: a file of version N took the first N steps.

A step that was released is never edited: a later version is one step more. Times are text in UTC,
such as 2026-11-22T22:05:17Z, so that their order is the order of the text.
"""

from __future__ import annotations

# Attempts are counted for each device that made them: so two exports can be merged, twice and in
# any order, and each attempt counts once. `device` is drawn when the file is made.
_FIRST = (
    "CREATE TABLE device (id TEXT NOT NULL)",
    "INSERT INTO device VALUES (lower(hex(randomblob(16))))",
    """CREATE TABLE lab (
        id TEXT PRIMARY KEY, version TEXT NOT NULL, title TEXT NOT NULL,
        tasks INTEGER NOT NULL, points INTEGER NOT NULL, skills TEXT NOT NULL, at TEXT NOT NULL)""",
    """CREATE TABLE workspace (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL, lab TEXT NOT NULL, learner TEXT NOT NULL,
        best INTEGER NOT NULL DEFAULT 0, best_of INTEGER NOT NULL DEFAULT 0,
        at TEXT NOT NULL, report TEXT, report_at TEXT,
        UNIQUE (path, lab, learner))""",
    """CREATE TABLE attempts (
        workspace INTEGER NOT NULL REFERENCES workspace, device TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (workspace, device))""",
    """CREATE TABLE passed (
        workspace INTEGER NOT NULL REFERENCES workspace, task TEXT NOT NULL,
        points INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (workspace, task))""",
    """CREATE TABLE hint (
        workspace INTEGER NOT NULL REFERENCES workspace, task TEXT NOT NULL,
        number INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (workspace, task, number))""",
)

# What the last check told of each task, so that the next one can say what is new: whether it passed
# (NULL where nobody knows any more), and whether it ever was told as passed.
_TOLD = (
    """CREATE TABLE told (
        workspace INTEGER NOT NULL REFERENCES workspace, task TEXT NOT NULL,
        passed INTEGER, ever INTEGER NOT NULL, PRIMARY KEY (workspace, task))""",
    "INSERT INTO told SELECT workspace, task, NULL, 1 FROM passed",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _TOLD)
TABLES = frozenset({"device", "lab", "workspace", "attempts", "passed", "hint", "told"})
