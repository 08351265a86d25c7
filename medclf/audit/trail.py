"""The trail itself: append an event so that it stays, in order, signed, and provable.

Every append commits its event, its leaf and a fresh signed checkpoint in one SQLite
transaction (WAL, `synchronous=FULL`), so there is never an unsigned tail. The newest
checkpoint is mirrored to `checkpoint.txt`. **Keep copies of that file elsewhere** (another
machine, a mail, paper): whoever can write the folder and read its private key can rebuild
the whole trail, and only a copy elsewhere shows it.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from medclf.audit.checkpoint import Checkpoint, sign_checkpoint
from medclf.audit.database import (
    DATABASE,
    DATABASE_ERRORS,
    MIRROR,
    PRIVATE_KEY,
    connect_to_append,
    reading,
    sqlite_error,
    tampered,
    write_frontier,
)
from medclf.audit.event import JSON, Event, rfc3339
from medclf.audit.head import Head, newest_text, read_head
from medclf.audit.merkle import leaf_hash
from medclf.audit.opening import begin, check_key_beside, checked_head, file_lock
from medclf.audit.signature import PublicKey, SigningKey, load_key
from medclf.audit.verification import Verification, verify_trail
from medclf.durable import write_bytes
from medclf.errors import AuditMisuse, AuditUnavailable

_PAGE = 1000  # events read at a time, so that a reader never holds the database for long


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an append proves.

    Attributes:
        sequence: place in the trail, from 1; also the size of the trail then.
        leaf: hash of the event in the tree, `sha256:` and 64 hex digits.
        root: of the tree with this event as its last, in the same form.
    """

    sequence: int
    leaf: str
    root: str


class Trail:
    """An open trail; safe to share between threads. Each process opens its own."""

    def __init__(
        self, folder: Path, *, key: SigningKey, clock: Callable[[], datetime], head: Head
    ) -> None:
        self.folder = folder
        self._key = key
        self._clock = clock
        self._head = head
        self._process = os.getpid()
        self._threads = threading.Lock()
        self._connection = connect_to_append(folder / DATABASE)
        self._file = _identity(folder / DATABASE)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], datetime],
        private_key: Path | None = None,
    ) -> "Trail":
        """Open a trail, or begin one where the folder has none.

        Args:
            folder: made when missing.
            clock: gives the time now, with time zone.
            private_key: of the signer, where it is kept elsewhere; None takes
                `private_key.pem` in the folder.

        Raises:
            AuditTampered: the trail is not the one that was signed, or its database is gone.
            AuditUnavailable: the folder or the private key cannot be read or written.
            AuditMisuse: others may read the private key.
        """
        key_file = private_key or folder / PRIVATE_KEY
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with file_lock(folder):
                if not (folder / DATABASE).exists():
                    key = begin(folder, key_file, clock)
                else:
                    key = load_key(key_file)
                check_key_beside(folder, key)
                return cls(folder, key=key, clock=clock, head=checked_head(folder, key.public))
        except DATABASE_ERRORS as error:
            raise sqlite_error(error, sequence=0) from error
        except OSError as error:
            raise _unavailable(folder, error) from error

    def append(self, action: str, *, actor: str, facts: Mapping[str, JSON]) -> Receipt:
        """Record an event; it is on the disk, signed, when this returns.

        Args:
            action: what was done, for example `package.released`.
            actor: who or what did it.
            facts: digests, counts, names; never patient data, never floats.

        Raises:
            AuditMisuse: the event holds what is not accepted. Nothing was recorded.
            AuditUnavailable: the disk is full or read-only. Nothing was recorded.
            AuditTampered: the trail is not the one this object wrote to last.
        """
        self._refuse_other_process()
        try:
            with self._threads, file_lock(self.folder):
                return self._append(action, actor, facts)
        except sqlite3.ProgrammingError as error:
            raise AuditMisuse("The trail is closed.", advice="Open it again.") from error
        except DATABASE_ERRORS as error:
            raise sqlite_error(error, sequence=self._head.size + 1) from error
        except OSError as error:
            raise _unavailable(self.folder, error) from error

    def _append(self, action: str, actor: str, facts: Mapping[str, JSON]) -> Receipt:
        connection = self._connection
        if _identity(self.folder / DATABASE) != self._file:
            raise tampered(1, f"and all others are gone: {DATABASE} was replaced or deleted")
        connection.execute("BEGIN IMMEDIATE")
        try:
            head = self._newest_head()
            time = rfc3339(self._clock())
            event = Event(head.size + 1, time, actor, action, facts)
            body = event.encode()
            leaf = leaf_hash(body)
            frontier = head.frontier.append(leaf)
            checkpoint = sign_checkpoint(
                self._key,
                size=frontier.size,
                root=frontier.root,
                time=time,
                previous=head.checkpoint.digest,
            )
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?)", (event.sequence, body.decode(), leaf)
            )
            connection.execute(
                "INSERT INTO checkpoints VALUES (?, ?)", (frontier.size, checkpoint.text)
            )
            write_frontier(connection, frontier)
            # Staged before the commit, so that a full disk is met before anything is recorded.
            staged = self.folder / f".{MIRROR}.next"
            write_bytes(staged, checkpoint.text.encode())
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._head = Head(checkpoint, frontier)
        with suppress(OSError):
            # The event is committed and must be acknowledged. A mirror that is behind is
            # legitimate, and the next append brings it up to date or meets the same disk.
            staged.replace(self.folder / MIRROR)
        return Receipt(event.sequence, f"sha256:{leaf.hex()}", f"sha256:{frontier.root.hex()}")

    def _newest_head(self) -> Head:
        """Return the state to build on: the last one seen, or a longer one that is proven."""
        last = self._head
        if newest_text(self._connection) == last.checkpoint.text:
            return last
        head = read_head(self._connection, self._key.public)
        seen = self._connection.execute(
            "SELECT text FROM checkpoints WHERE size = ?", (last.size,)
        ).fetchone()
        if head.size < last.size:
            raise tampered(head.size + 1, f"is missing: {last.size} events had been recorded")
        if seen is None or seen[0] != last.checkpoint.text:
            raise tampered(last.size, "or one before it was rewritten since it was recorded")
        return head

    def events(self, start: int = 1, limit: int | None = None) -> Iterator[Event]:
        """Give events in order; they are read, not verified.

        Args:
            start: first sequence.
            limit: at most so many; None for all.

        Raises:
            AuditTampered: an event cannot be read.
            AuditUnavailable: the database cannot be read.
        """
        yield from read_events(self.folder, start=start, limit=limit)

    def checkpoint(self) -> Checkpoint:
        """Return the newest signed checkpoint.

        Raises:
            AuditTampered: it does not hold.
            AuditUnavailable: the database cannot be read.
        """
        try:
            with reading(self.folder / DATABASE) as connection:
                return read_head(connection, self._key.public).checkpoint
        except DATABASE_ERRORS as error:
            raise sqlite_error(error, sequence=0) from error

    def verify(
        self, *, known: Checkpoint | None = None, public_key: PublicKey | None = None
    ) -> Verification:
        """Verify the whole trail, as `verify_trail` does."""
        return verify_trail(self.folder, public_key=public_key, known=known)

    def close(self) -> None:
        """Close the database; the trail stays."""
        self._refuse_other_process()
        with self._threads:
            self._connection.close()

    def __enter__(self) -> "Trail":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_other_process(self) -> None:
        # A SQLite connection must not cross a fork (sqlite.org/howtocorrupt.html, 2.6).
        if os.getpid() != self._process:
            raise AuditMisuse(
                "This trail was opened in another process.",
                advice="Call `Trail.open` in each process.",
            )


def read_events(
    folder: Path, *, start: int = 1, limit: int | None = None, action: str = ""
) -> Iterator[Event]:
    """Give a trail's events in order, without its keys; they are read, not verified.

    Args:
        folder: of the trail.
        start: first sequence.
        limit: at most so many; None for all.
        action: only events of this action; "" for all.

    Raises:
        AuditTampered: an event cannot be read.
        AuditUnavailable: the database cannot be read.
    """
    query = (
        "SELECT body FROM events WHERE sequence >= ? AND instr(body, ?) > 0 "
        "ORDER BY sequence LIMIT ?"
    )
    wanted = f'"action":"{action}"' if action else "{"  # as `Event.encode` writes it
    left = limit
    while left is None or left > 0:
        count = _PAGE if left is None else min(_PAGE, left)
        try:
            with reading(folder / DATABASE) as connection:
                bodies = [row[0] for row in connection.execute(query, (start, wanted, count))]
        except DATABASE_ERRORS as error:
            raise sqlite_error(error, sequence=start) from error
        for body in bodies:
            try:
                event = Event.decode(body)
            except (ValueError, TypeError) as error:
                raise tampered(start, "is not the text of an event") from error
            start = event.sequence + 1
            if not action or event.action == action:
                yield event
        if len(bodies) < count:
            return
        left = None if left is None else left - count


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _unavailable(folder: Path, error: OSError) -> AuditUnavailable:
    reason = error.strerror or type(error).__name__
    return AuditUnavailable(
        f"The audit trail in {folder} cannot be written ({reason}).",
        advice="Free disk space or correct the permissions; nothing was recorded.",
        path=str(folder),
    )
