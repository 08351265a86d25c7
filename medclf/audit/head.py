"""The newest state of a trail, proven by its signature before anything is built on it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from medclf.audit.checkpoint import Checkpoint, parse_checkpoint
from medclf.audit.database import MIRROR, read_frontier, tampered
from medclf.audit.merkle import Frontier
from medclf.audit.signature import PublicKey
from medclf.errors import AuditTampered, AuditUnavailable


@dataclass(frozen=True, slots=True)
class Head:
    """The newest signed checkpoint and the frontier that has its root."""

    checkpoint: Checkpoint
    frontier: Frontier

    @property
    def size(self) -> int:
        """Number of events."""
        return self.checkpoint.size


def newest_text(connection: sqlite3.Connection) -> str:
    """Return the text of the newest checkpoint.

    Raises:
        AuditTampered: there is none, although every trail begins with one.
    """
    row = connection.execute("SELECT text FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        raise tampered(0, "has no checkpoint at all, though it begins with one")
    return str(row[0])


def read_head(connection: sqlite3.Connection, key: PublicKey) -> Head:
    """Read the newest state and check that the key signed it, in O(log n).

    Raises:
        AuditTampered: the checkpoint, the frontier and the newest event do not agree.
    """
    text = newest_text(connection)
    try:
        checkpoint = parse_checkpoint(text)
    except ValueError as error:
        raise tampered(0, "ends in a checkpoint that is not one") from error
    checkpoint.verify(key)
    newest = connection.execute("SELECT max(sequence) FROM events").fetchone()[0] or 0
    if newest != checkpoint.size:
        first = min(newest, checkpoint.size) + 1
        raise tampered(first, f"is not both stored and signed: {newest} stored, "
                              f"{checkpoint.size} signed")  # fmt: skip
    frontier = read_frontier(connection)
    if frontier.size != checkpoint.size or frontier.root != checkpoint.root:
        raise tampered(0, "keeps a frontier without the signed root")
    return Head(checkpoint, frontier)


def read_mirror(folder: Path) -> str | None:
    """Return the text of the mirror file, None where it is missing.

    Raises:
        AuditUnavailable: the file cannot be read.
        AuditTampered: the file is not text.
    """
    try:
        return (folder / MIRROR).read_bytes().decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AuditUnavailable(
            f"{folder / MIRROR} cannot be read ({type(error).__name__}).",
            advice="Correct its permissions.",
        ) from error
    except UnicodeDecodeError as error:
        raise tampered(0, f"has a {MIRROR} that is not text") from error


def check_mirror(
    connection: sqlite3.Connection, text: str | None, *, size: int, key: PublicKey
) -> None:
    """Hold the mirror file against the trail; `text` must be read before the database.

    Raises:
        AuditTampered: the mirror is missing, changed, or ahead of the trail.
    """
    if text is None:
        if size:  # at size 0 the mirror may not have been written yet
            raise tampered(0, f"has {size} events but no {MIRROR}; put back the copy you keep")
        return
    try:
        mirror = parse_checkpoint(text)
        mirror.verify(key)
    except (ValueError, AuditTampered) as error:
        raise tampered(0, f"has a {MIRROR} that its key did not sign") from error
    check_known(connection, mirror, size=size, name=MIRROR)


def check_known(connection: sqlite3.Connection, known: Checkpoint, *, size: int, name: str) -> None:
    """Hold a checkpoint whose signature was checked against the trail of `size` events.

    Raises:
        AuditTampered: the trail is shorter, or was another one at that size.
    """
    if known.size > size:
        raise tampered(
            size + 1,
            f"is missing: {name} vouches for {known.size} events, {size} are left",
            found=size,
            expected=known.size,
        )
    row = connection.execute(
        "SELECT text FROM checkpoints WHERE size = ?", (known.size,)
    ).fetchone()
    if row is None or row[0] != known.text:
        raise tampered(
            known.size,
            f"or one before it was rewritten: {name} vouches for another root or checkpoint",
            expected=known.root.hex(),
        )
