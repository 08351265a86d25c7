"""Row 12 exists because no opinion may leave before its record is on the disk.

64 callers append at once, each waiting for its receipt, against the same texts inserted into
a bare SQLite table (WAL, synchronous FULL) one commit after the other, which signs nothing.
Then a long trail is verified in a process of its own, for time and memory.
"""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import quantiles

from medclf.audit.event import Event
from medclf.audit.trail import Trail, read_events
from validation.benchmarks.long_trail import FACTS, TIME, verify_alone, write_long_trail
from validation.benchmarks.row import AtLeast, AtMost, Gauge, Race, Row, Seconds, Trials, require

_CALLERS = 64


def appended(folder: Path, events: int, waits: list[float]) -> Seconds:
    """Append from all callers at once to a new trail; `waits` gets each caller's wait in s."""
    with (
        Trail.open(folder, clock=lambda: datetime.now(UTC)) as trail,
        ThreadPoolExecutor(_CALLERS) as callers,
    ):

        def one(number: int) -> None:
            began = time.perf_counter()
            trail.append("opinion.given", actor="service", facts={**FACTS, "number": number})
            waits.append(time.perf_counter() - began)

        began = time.perf_counter()
        list(callers.map(one, range(events)))
        return Seconds(time.perf_counter() - began)


def inserted(path: Path, events: int) -> Seconds:
    """Insert the same texts one by one, each durable before the next."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE events (sequence INTEGER PRIMARY KEY, body TEXT)")
        began = time.perf_counter()
        for number in range(events):
            facts = {**FACTS, "number": number}
            body = Event(number + 1, TIME, "service", "opinion.given", facts).encode().decode()
            connection.execute("INSERT INTO events (body) VALUES (?)", (body,))
        return Seconds(time.perf_counter() - began)


def trials(folder: Path, tiny: bool) -> Trials:
    events, numbers, waits = 100 if tiny else 1000, count(), list[float]()

    def fresh(run: Callable[[Path], Seconds]) -> Callable[[], Seconds]:
        return lambda: run(folder / f"run-{next(numbers)}")

    def parity() -> None:
        appended(folder / "ours", events, [])
        inserted(folder / "peer", events)
        ours = sorted(str(event.facts) for event in read_events(folder / "ours"))
        with closing(sqlite3.connect(folder / "peer")) as connection:
            bodies = [row[0] for row in connection.execute("SELECT body FROM events")]
        theirs = sorted(str(Event.decode(body).facts) for body in bodies)
        require(len(ours) == events and ours == theirs, "the records are not the same")

    yield Race(
        "appends, 64 callers",
        parity,
        fresh(lambda path: appended(path, events, waits)),
        fresh(lambda path: inserted(path, events)),
        rounds=5,
    )
    yield Gauge(
        "receipt p99",
        lambda: require(waits, "no append was timed"),
        lambda: quantiles(waits, n=100)[98] * 1e3,
    )
    long = 1000 if tiny else 100_000
    write_long_trail(folder / "long", long)
    verified = verify_alone(folder / "long")

    def whole() -> None:
        require(verified.size == long, f"{verified.size} events were verified, not {long}")

    note = "100,000 events, so a tenth of the 60 s that a million may take"
    yield Gauge("verify", whole, lambda: verified.seconds, note=note)
    yield Gauge("memory", whole, lambda: verified.memory_mb, note="Python included")


ROW = Row(
    number=12,
    title="audit trail",
    peer="SQLite, WAL, synchronous FULL, one by one",
    bars={
        "appends, 64 callers": AtLeast(4),
        "receipt p99": AtMost(20, "ms"),
        "verify": AtMost(6, "s"),
        "memory": AtMost(300, "MB"),
    },
    trials=trials,
    threads=2,
)
