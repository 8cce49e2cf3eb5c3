"""What is written into the records and read from them: the only module with statements on them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from scaffolder.model import Lab, News, Outcome, Report
from scaffolder.progress.news import ToldTask, find_news
from scaffolder.progress.standing import KeptReport, Key, LabNote, Passed, Records, WorkspaceRecord

Database = sqlite3.Connection
# Larger reports are not kept: they hold megabytes of a learner's logs, which no hint asks for.
_REPORT_LIMIT = 2 * 1024 * 1024


def format_time(when: datetime) -> str:
    """Return a time as it is kept: UTC, to the second."""
    # No strftime: it leaves out the zeros of years before 1000, and nobody could read them again.
    return when.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> datetime:
    """Return a time that was kept; ValueError for a text that is none."""
    return datetime.fromisoformat(text).astimezone(UTC)


def note_report(
    key: Key, lab: Lab, report: Report, when: datetime, *, told: bool
) -> Callable[[Database], News]:
    """Return the change that keeps what a check run said, and answers what is new in it.

    Where it is not `told` to the learner, it stays new for the next one.
    """
    kept = msgspec.json.encode(report).decode()
    at = format_time(when)
    passed = [task for task in report.tasks if task.outcome is Outcome.PASS]

    def change(database: Database) -> News:
        put_lab(database, make_lab_note(lab, when))
        row = put_workspace(database, key, at)
        add_attempts(database, row, read_device(database), 1)
        raise_best(database, row, report.score.earned, lab.points)
        for task in passed:
            put_passed(database, row, task.id, task.points, at)
        database.execute(
            "UPDATE workspace SET report = ?, report_at = ? WHERE id = ?",
            (kept if len(kept) <= _REPORT_LIMIT else None, at, row),
        )
        if not told:
            return News()
        before = read_told(database, row)
        for name, done in report.passes.items():
            put_told(database, row, name, passed=done)
        return find_news(lab, report, before)

    return change


def make_lab_note(lab: Lab, when: datetime) -> LabNote:
    """Return what is kept of a lab."""
    return LabNote(lab.id, lab.version, lab.title, len(lab.tasks), lab.points, lab.skills, when)


def use_hint(key: Key, task: str, number: int, when: datetime) -> Callable[[Database], None]:
    """Return the change that keeps that a hint was used."""

    def change(database: Database) -> None:
        put_hint(
            database,
            put_workspace(database, key, format_time(when)),
            task,
            number,
            format_time(when),
        )

    return change


def read_device(database: Database) -> str:
    """Return the name of this file among those that are merged."""
    return str(database.execute("SELECT id FROM device").fetchone()[0])


def put_lab(database: Database, lab: LabNote) -> None:
    """Keep what is known of a lab, unless something newer is."""
    database.execute(
        "INSERT INTO lab (id, version, title, tasks, points, skills, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title,"
        " tasks = excluded.tasks, points = excluded.points, skills = excluded.skills,"
        " at = excluded.at WHERE excluded.at >= lab.at",
        (
            *(lab.id, lab.version, lab.title, lab.tasks, lab.points),
            *(msgspec.json.encode(lab.skills).decode(), format_time(lab.at)),
        ),
    )


def put_workspace(database: Database, key: Key, at: str) -> int:
    """Return the row of a workspace, made if need be; `at` is when something happened there."""
    row = database.execute(
        "INSERT INTO workspace (path, lab, learner, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (path, lab, learner) DO UPDATE SET at = max(at, excluded.at) RETURNING id",
        (key.path, key.lab, key.learner, at),
    ).fetchone()
    return int(row[0])


def add_attempts(database: Database, row: int, maker: str, count: int) -> None:
    """Count finished check runs that a device made."""
    database.execute(
        "INSERT INTO attempts (workspace, device, count) VALUES (?, ?, ?)"
        " ON CONFLICT (workspace, device) DO UPDATE SET count = count + excluded.count",
        (row, maker, count),
    )


def raise_attempts(database: Database, row: int, maker: str, count: int) -> None:
    """Keep how many check runs a device made, unless more are known: its count only grows."""
    database.execute(
        "INSERT INTO attempts (workspace, device, count) VALUES (?, ?, ?)"
        " ON CONFLICT (workspace, device) DO UPDATE SET count = max(count, excluded.count)",
        (row, maker, count),
    )


def raise_best(database: Database, row: int, earned: int, total: int) -> None:
    """Keep a score if it is the best so far, as a part of all points that the lab had then."""
    database.execute(
        "UPDATE workspace SET best = :earned, best_of = :total WHERE id = :row"
        " AND (best_of = 0 OR :earned * best_of > best * :total)",
        {"earned": earned, "total": total, "row": row},
    )


def put_passed(database: Database, row: int, task: str, points: int, at: str) -> None:
    """Keep that a task passed: the first time counts, and the most points."""
    database.execute(
        "INSERT INTO passed (workspace, task, points, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (workspace, task) DO UPDATE"
        " SET at = min(at, excluded.at), points = max(points, excluded.points)",
        (row, task, points, at),
    )


def put_hint(database: Database, row: int, task: str, number: int, at: str) -> None:
    """Keep that a hint was used: the first time counts."""
    database.execute(
        "INSERT INTO hint (workspace, task, number, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (workspace, task, number) DO UPDATE SET at = min(at, excluded.at)",
        (row, task, number, at),
    )


def read_told(database: Database, row: int) -> dict[str, ToldTask]:
    """Return what the checks of a workspace told last, by task."""
    rows = database.execute("SELECT task, passed, ever FROM told WHERE workspace = ?", (row,))
    return {
        task: ToldTask(None if passed is None else bool(passed), ever=bool(ever))
        for task, passed, ever in rows
    }


def put_told(database: Database, row: int, task: str, *, passed: bool) -> None:
    """Keep that a check told whether a task passes."""
    database.execute(
        "INSERT INTO told (workspace, task, passed, ever) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (workspace, task) DO UPDATE"
        " SET passed = excluded.passed, ever = max(ever, excluded.ever)",
        (row, task, passed, passed),
    )


def query_told(key: Key) -> Callable[[Database], dict[str, ToldTask]]:
    """Return the question what was told last of each task of a workspace."""

    def query(database: Database) -> dict[str, ToldTask]:
        row = _find_row(database, key)
        return {} if row is None else read_told(database, row)

    return query


def begin(key: Key) -> Callable[[Database], None]:
    """Return the change that forgets what was told of work that lay in the same place before."""

    def change(database: Database) -> None:
        row = _find_row(database, key)
        if row is not None:
            database.execute("DELETE FROM told WHERE workspace = ?", (row,))

    return change


def _find_row(database: Database, key: Key) -> int | None:
    found = database.execute(
        "SELECT id FROM workspace WHERE (path, lab, learner) = (?, ?, ?)",
        (key.path, key.lab, key.learner),
    ).fetchone()
    return None if found is None else int(found[0])


class Forgotten(msgspec.Struct, frozen=True):
    """How much was kept of a lab before it was forgotten."""

    workspaces: int
    attempts: int
    passed: int
    hints: int


def forget(lab: str) -> Callable[[Database], Forgotten]:
    """Return the change that removes all that is kept of a lab."""

    def change(database: Database) -> Forgotten:
        mine = "workspace IN (SELECT id FROM workspace WHERE lab = ?)"
        found = database.execute(
            "SELECT (SELECT count(*) FROM workspace WHERE lab = :lab),"
            " (SELECT coalesce(sum(count), 0) FROM attempts WHERE workspace IN"
            "  (SELECT id FROM workspace WHERE lab = :lab)),"
            " (SELECT count(DISTINCT task) FROM passed WHERE workspace IN"
            "  (SELECT id FROM workspace WHERE lab = :lab)),"
            " (SELECT count(*) FROM hint WHERE workspace IN"
            "  (SELECT id FROM workspace WHERE lab = :lab))",
            {"lab": lab},
        ).fetchone()
        for table in ("attempts", "passed", "hint", "told"):
            database.execute(f"DELETE FROM {table} WHERE {mine}", (lab,))  # noqa: S608
        database.execute("DELETE FROM workspace WHERE lab = ?", (lab,))
        database.execute("DELETE FROM lab WHERE id = ?", (lab,))
        return Forgotten(*map(int, found))

    return change


def query_last_report(key: Key) -> Callable[[Database], KeptReport | None]:
    """Return the question for the report that was kept last."""

    def query(database: Database) -> KeptReport | None:
        found = database.execute(
            "SELECT report, report_at FROM workspace"
            " WHERE (path, lab, learner) = (?, ?, ?) AND report IS NOT NULL",
            (key.path, key.lab, key.learner),
        ).fetchone()
        if found is None:
            return None
        try:
            report = msgspec.json.decode(found[0], type=Report)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Another version of devlab described its reports in another way.
            return None
        fields = {name: getattr(report, name) for name in report.__struct_fields__}
        return KeptReport(**fields, when=parse_time(found[1]))

    return query


def query_hint_counts(key: Key) -> Callable[[Database], dict[str, int]]:
    """Return the question how many hints of each task were used."""

    def query(database: Database) -> dict[str, int]:
        return dict(
            database.execute(
                "SELECT task, count(*) FROM hint JOIN workspace ON workspace.id = workspace"
                " WHERE (path, lab, learner) = (?, ?, ?) GROUP BY task",
                (key.path, key.lab, key.learner),
            )
        )

    return query


def query_used_hints(key: Key, task: str) -> Callable[[Database], tuple[int, ...]]:
    """Return the question which hints of a task were used, in the order of their use."""

    def query(database: Database) -> tuple[int, ...]:
        rows = database.execute(
            "SELECT number FROM hint JOIN workspace ON workspace.id = workspace"
            " WHERE (path, lab, learner, task) = (?, ?, ?, ?) ORDER BY hint.at, hint.rowid",
            (key.path, key.lab, key.learner, task),
        )
        return tuple(number for (number,) in rows)

    return query


def read_all(database: Database) -> Records:
    passed: dict[int, dict[str, Passed]] = defaultdict(dict)
    for row, task, points, at in database.execute(
        "SELECT workspace, task, points, at FROM passed ORDER BY at, task"
    ):
        passed[row][task] = Passed(points, parse_time(at))
    hints: dict[int, dict[str, int]] = defaultdict(dict)
    for row, task, count in database.execute(
        "SELECT workspace, task, count(*) FROM hint GROUP BY workspace, task ORDER BY task"
    ):
        hints[row][task] = count
    workspaces = database.execute(
        "SELECT id, path, lab, learner, best, best_of, at,"
        " (SELECT coalesce(sum(count), 0) FROM attempts WHERE workspace = workspace.id)"
        " FROM workspace ORDER BY at DESC, path, lab, learner"
    )
    return Records(
        tuple(
            WorkspaceRecord(
                key=Key(path, lab, learner),
                attempts=attempts,
                best=best,
                best_of=best_of,
                at=parse_time(at),
                passed=passed[row],
                hints=hints[row],
            )
            for row, path, lab, learner, best, best_of, at, attempts in workspaces
        ),
        {lab.id: lab for lab in _labs(database)},
    )


def _labs(database: Database) -> list[LabNote]:
    return [
        LabNote(name, version, title, tasks, points, parse_skills(skills), parse_time(at))
        for name, version, title, tasks, points, skills, at in list_lab_rows(database)
    ]


def parse_skills(text: str) -> tuple[str, ...]:
    """Return the skills that a lab's row holds as JSON."""
    return msgspec.json.decode(text, type=tuple[str, ...])


def list_lab_rows(database: Database) -> list[tuple[str, str, str, int, int, str, str]]:
    """Return id, version, title, tasks, points, skills (JSON) and time of each lab."""
    return database.execute(
        "SELECT id, version, title, tasks, points, skills, at FROM lab ORDER BY id"
    ).fetchall()


def list_workspace_rows(database: Database) -> list[tuple[int, Key, tuple[int, int], str]]:
    """Return row, key, best score (earned, of) and time of each workspace."""
    rows = database.execute(
        "SELECT id, path, lab, learner, best, best_of, at FROM workspace"
        " ORDER BY path, lab, learner"
    )
    return [
        (row, Key(path, lab, learner), (best, best_of), at)
        for row, path, lab, learner, best, best_of, at in rows
    ]


def read_attempts(database: Database, row: int) -> dict[str, int]:
    """Return how many check runs each device made in a workspace."""
    return dict(
        database.execute(
            "SELECT device, count FROM attempts WHERE workspace = ? ORDER BY device", (row,)
        )
    )


def read_passed(database: Database, row: int) -> list[tuple[str, int, str]]:
    """Return task, points and time of what passed in a workspace."""
    return database.execute(
        "SELECT task, points, at FROM passed WHERE workspace = ? ORDER BY at, task", (row,)
    ).fetchall()


def read_hints(database: Database, row: int) -> list[tuple[str, int, str]]:
    """Return task, number and time of the hints used in a workspace."""
    return database.execute(
        "SELECT task, number, at FROM hint WHERE workspace = ? ORDER BY task, number", (row,)
    ).fetchall()
