"""A clock that ticks once a second, and a trail of ten events whose database is at rest."""

import itertools
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from medclf.audit.trail import Trail


@pytest.fixture
def clock() -> Callable[[], datetime]:
    seconds = itertools.count()
    return lambda: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=next(seconds))


@pytest.fixture
def folder(tmp_path: Path, clock: Callable[[], datetime]) -> Path:
    folder = tmp_path / "audit"
    with Trail.open(folder, clock=clock) as trail:
        for number in range(1, 11):
            trail.append("test.counted", actor="tester", facts={"number": number})
    return folder


@pytest.fixture
def edit(folder: Path) -> Callable[[str], None]:
    """Run SQL on the database as an attacker with write access would: triggers dropped."""

    def run(script: str) -> None:
        connection = sqlite3.connect(folder / "trail.db")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.executescript(script)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    return run
