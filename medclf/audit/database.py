"""The SQLite file under the trail: its schema, its connections and what its errors mean.

Three tables: `events` and `checkpoints` are the record; `frontier` is one row with the
right edge of the hash tree, which spares reading all leaves before an append. Nothing
in the file is trusted: every root computed from it is held against a signature.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from medclf.audit.merkle import HASH_BYTES, Frontier, RangeRoot, leaf_hash
from medclf.errors import AuditError, AuditTampered, AuditUnavailable

DATABASE = "trail.db"
MIRROR = "checkpoint.txt"
PRIVATE_KEY = "private_key.pem"
PUBLIC_KEY = "public_key.pem"
LOCK = "trail.lock"

_WAIT_S = 30.0  # for a foreign reader or backup; our own writers queue at the file lock
_APPLICATION = 0x6D636C66  # "mclf", so that `file` and forensic tools can name it
_VERSION = 1

_SCHEMA = (
    "CREATE TABLE events (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, leaf BLOB NOT NULL)",
    "CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE frontier "
    "(one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL)",
    # A courtesy against accidents: whoever can write the file can drop them.
    *(
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for table in ("events", "checkpoints")
        for verb in ("UPDATE", "DELETE")
    ),
)

# SQLite primary result codes that speak of the disk, the permissions or another process,
# not of the bytes (sqlite.org/rescode.html).
_NOT_THE_BYTES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}


# The sqlite3 module fails to decode the message where damage reaches into a name.
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)


def tampered(sequence: int, what: str, **facts: object) -> AuditTampered:
    """Return the error that names the first bad record; 0 is the trail's own files."""
    place = f"Record {sequence} of the audit trail" if sequence else "The audit trail"
    return AuditTampered(
        f"{place} {what}.",
        advice="Stop, keep the folder as it is, and compare it with the checkpoint kept elsewhere.",
        sequence=sequence,
        **facts,
    )


def sqlite_error(error: sqlite3.Error | UnicodeDecodeError, *, sequence: int) -> AuditError:
    """Say whether a SQLite error is tampering near `sequence` or an unavailable disk."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _NOT_THE_BYTES:
        return AuditUnavailable(
            f"The audit trail cannot be used: {error} ({name}).",
            advice="Free disk space or correct the permissions; nothing was recorded.",
            code=name,
        )
    return tampered(sequence, f"cannot be read from the database: {error} ({name})", code=name)


def create_database(path: Path) -> sqlite3.Connection:
    """Make a database with empty tables and no frontier row; a transaction is left open.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    _prepare(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    return connection


def connect_to_append(path: Path) -> sqlite3.Connection:
    """Connect so that a commit has reached the disk when it returns.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=_WAIT_S,
        isolation_level=None,
        check_same_thread=False,  # the trail's own lock keeps threads apart
    )
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA synchronous = FULL")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Read one unchanging state of the database, while writers go on.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(
        sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
    ) as connection:
        _prepare(connection)
        connection.execute("BEGIN")
        yield connection


def schema_fault(connection: sqlite3.Connection) -> str | None:
    """Say how tables, triggers or identity differ from what `create_database` makes."""
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    with closing(sqlite3.connect(":memory:")) as model:
        for statement in _SCHEMA:
            model.execute(statement)
        wanted = model.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    if sorted(found, key=repr) != sorted(wanted, key=repr):
        return "has other tables or triggers than it was made with"
    identity = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    ]
    if identity != [_APPLICATION, _VERSION]:
        return f"has the marks {identity}, expected {[_APPLICATION, _VERSION]}"
    return None


def write_frontier(connection: sqlite3.Connection, frontier: Frontier) -> None:
    """Keep the right edge of the tree."""
    connection.execute(
        "INSERT OR REPLACE INTO frontier (one, size, peaks) VALUES (1, ?, ?)",
        (frontier.size, b"".join(frontier.peaks)),
    )


def read_frontier(connection: sqlite3.Connection) -> Frontier:
    """Return the kept right edge of the tree; it is not checked here.

    Raises:
        AuditTampered: the row is missing or is not a frontier.
    """
    rows = connection.execute("SELECT size, peaks FROM frontier").fetchall()
    try:
        ((size, peaks),) = rows
        pieces = [bytes(peaks[i : i + HASH_BYTES]) for i in range(0, len(peaks), HASH_BYTES)]
        return Frontier(size, tuple(pieces))
    except (ValueError, TypeError, AttributeError) as error:
        raise tampered(0, "keeps a frontier that is not one") from error


def leaves(connection: sqlite3.Connection, start: int, stop: int) -> Iterator[bytes]:
    """Give the leaf hashes `start` to `stop` (from 0, half open), from the events' texts."""
    rows = connection.execute(
        "SELECT body FROM events WHERE sequence > ? AND sequence <= ? ORDER BY sequence",
        (start, stop),
    )
    for (body,) in rows:
        yield leaf_hash(str(body).encode())


def range_root(connection: sqlite3.Connection) -> RangeRoot:
    """Return what computes the root over a range of leaves, for proofs."""
    return lambda start, stop: Frontier().extend(leaves(connection, start, stop)).root
