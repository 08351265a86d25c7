"""Proof that a trail is whole, or the number of the first record that is not.

One pass recomputes the root from the events' texts and follows the chain of checkpoints;
the newest signature then vouches for all. Only on a mismatch a second, slower pass checks
every signature and every root from the beginning and so finds the first bad record.
"""

import base64
import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medclf.audit.checkpoint import NO_PREVIOUS, Checkpoint, parse_checkpoint
from medclf.audit.database import (
    DATABASE,
    DATABASE_ERRORS,
    MIRROR,
    PUBLIC_KEY,
    read_frontier,
    reading,
    schema_fault,
    sqlite_error,
    tampered,
)
from medclf.audit.head import check_known, check_mirror, newest_text, read_mirror
from medclf.audit.merkle import Frontier, leaf_hash
from medclf.audit.signature import PublicKey, load_public_key
from medclf.errors import AuditMisuse, AuditTampered, AuditUnavailable


@dataclass(frozen=True, slots=True)
class Verification:
    """What was proven.

    Attributes:
        size: number of events, all whole.
        root: of the hash tree over them, `sha256:` and 64 hex digits.
        checkpoints: number of checkpoints, all vouched for by the newest.
        checkpoint: the newest; keep its text elsewhere, and give it as `known` next time.
    """

    size: int
    root: str
    checkpoints: int
    checkpoint: Checkpoint


_CheckpointFault = Callable[[str, Frontier, bytes], str | None]


def verify_trail(
    folder: Path, *, public_key: PublicKey | None = None, known: Checkpoint | None = None
) -> Verification:
    """Verify a whole trail while others may write to it; memory does not grow with it.

    Args:
        folder: of the trail.
        public_key: of the trail, kept elsewhere; None takes `public_key.pem` in the folder,
            which proves nothing against somebody who replaced the whole folder.
        known: an earlier checkpoint, kept elsewhere.

    Raises:
        AuditTampered: `facts["sequence"]` is the first bad record, 0 for the trail's own files.
        AuditUnavailable: the trail cannot be read.
    """
    if not any((folder / name).exists() for name in (DATABASE, MIRROR, PUBLIC_KEY)):
        raise AuditUnavailable(
            f"There is no audit trail in {folder}.",
            advice="Name the folder of the installation with --home.",
            path=str(folder),
        )
    key = public_key or _key_beside(folder)
    if known is not None:
        known.verify(key)
    mirror = read_mirror(folder)  # before the database, so that it can only be behind
    path = folder / DATABASE
    if not path.exists():
        raise tampered(1, f"and all others are gone: there is no {DATABASE}", path=str(path))
    try:
        with reading(path) as connection:
            newest, frontier = _walk(connection, key)
            check_mirror(connection, mirror, size=newest.size, key=key)
            if known is not None:
                check_known(connection, known, size=newest.size, name="the known checkpoint")
            _check_structure(connection, frontier)
    except DATABASE_ERRORS as error:
        raise sqlite_error(error, sequence=0) from error
    return Verification(newest.size, f"sha256:{newest.root.hex()}", newest.size + 1, newest)


def _key_beside(folder: Path) -> PublicKey:
    try:
        return load_public_key(folder / PUBLIC_KEY)
    except AuditMisuse as error:
        raise tampered(0, f"has a {PUBLIC_KEY} that is not a key") from error


def _walk(connection: sqlite3.Connection, key: PublicKey) -> tuple[Checkpoint, Frontier]:
    """Check all records; return the newest checkpoint and the frontier of the events."""
    try:
        frontier = _pass(connection, _chain_fault)
        newest = parse_checkpoint(newest_text(connection))
        newest.verify(key)
        if (newest.size, newest.root) != (frontier.size, frontier.root):
            raise tampered(newest.size, "or one before it was rewritten: the root is another")
    except (AuditTampered, ValueError) as fault:
        _pass(connection, _signature_fault(key))  # raises for the first bad record
        if isinstance(fault, AuditTampered):
            raise
        raise tampered(0, "ends in a checkpoint that is not one") from fault
    return newest, frontier


def _pass(connection: sqlite3.Connection, checkpoint_fault: _CheckpointFault) -> Frontier:
    """Walk over events and checkpoints together; return the frontier over all events.

    Raises:
        AuditTampered: at the first record that does not hold.
        AuditUnavailable: the database cannot be read.
    """
    frontier, previous, size = Frontier(), NO_PREVIOUS, 0
    try:
        events = connection.execute("SELECT sequence, body, leaf FROM events ORDER BY sequence")
        checkpoints = connection.execute("SELECT size, text FROM checkpoints ORDER BY size")
        while True:
            event = events.fetchone() if size else None
            checkpoint = checkpoints.fetchone()
            if size and event is None and checkpoint is None:
                return frontier
            if size:
                if event is None or event[0] != size:
                    raise tampered(size, "is missing")
                body, leaf = event[1:]
                if not isinstance(body, str) or leaf_hash(body.encode()) != leaf:
                    raise tampered(size, "was changed: its text does not have its leaf hash")
                frontier = frontier.append(leaf)
            if checkpoint is None or checkpoint[0] != size or not isinstance(checkpoint[1], str):
                raise tampered(size, "has no signed checkpoint")
            if fault := checkpoint_fault(checkpoint[1], frontier, previous):
                raise tampered(size, fault)
            previous = hashlib.sha256(checkpoint[1].encode()).digest()
            size += 1
    except DATABASE_ERRORS as error:
        raise sqlite_error(error, sequence=size) from error


def _chain_fault(text: str, frontier: Frontier, previous: bytes) -> str | None:
    """Check only what links a checkpoint to the one before: a change breaks the next link."""
    lines = text.split("\n", 5)
    expected = [str(frontier.size), "previous " + base64.b64encode(previous).decode()]
    if len(lines) < 6 or [lines[1], lines[4]] != expected:
        return "or the one before has a changed checkpoint"
    return None


def _signature_fault(key: PublicKey) -> _CheckpointFault:
    def fault(text: str, frontier: Frontier, previous: bytes) -> str | None:
        try:
            checkpoint = parse_checkpoint(text)
            checkpoint.verify(key)
        except (ValueError, AuditTampered):
            return f"has a changed checkpoint: key {key.key_id} did not sign it"
        if checkpoint.size != frontier.size or checkpoint.previous != previous:
            return "has the checkpoint of another place"
        if checkpoint.root != frontier.root:
            return "was rewritten: its signed checkpoint has another root"
        return None

    return fault


def _check_structure(connection: sqlite3.Connection, frontier: Frontier) -> None:
    if read_frontier(connection) != frontier:
        raise tampered(0, "keeps a frontier that is not that of its events")
    if fault := schema_fault(connection):
        raise tampered(0, fault)
    report = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if report != ["ok"]:
        raise tampered(0, f"has a damaged database file: {report[0]}")
