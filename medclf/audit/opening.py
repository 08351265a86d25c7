"""Beginning a trail and opening it again, so that a trail that was deleted never starts afresh."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from medclf.audit.checkpoint import NO_PREVIOUS, sign_checkpoint
from medclf.audit.database import (
    DATABASE,
    DATABASE_ERRORS,
    LOCK,
    MIRROR,
    PUBLIC_KEY,
    create_database,
    reading,
    tampered,
    write_frontier,
)
from medclf.audit.event import rfc3339
from medclf.audit.head import Head, check_mirror, read_head, read_mirror
from medclf.audit.merkle import EMPTY_ROOT, Frontier
from medclf.audit.signature import PublicKey, SigningKey, load_or_create_key, load_public_key
from medclf.audit.verification import verify_trail
from medclf.durable import write_text
from medclf.errors import AuditMisuse, AuditTampered


@contextmanager
def file_lock(folder: Path) -> Iterator[None]:
    """Hold the trail's write lock; waiting writers sleep in the kernel's queue.

    Raises:
        OSError: the lock file cannot be made.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # also when the process is killed


def begin(folder: Path, key_file: Path, clock: Callable[[], datetime]) -> SigningKey:
    """Make keys, database and mirror of an empty trail; the caller holds the lock.

    Raises:
        AuditTampered: there was a trail here, and its database is gone.
        AuditMisuse: others may read the private key.
        AuditUnavailable: a key file cannot be read or written.
        OSError, sqlite3.Error: another file cannot be written.
    """
    for left in (MIRROR, f"{DATABASE}-wal"):
        if (folder / left).exists():
            raise tampered(1, f"and all others are gone: there is a {left} but no {DATABASE}")
    key = load_or_create_key(key_file)
    if not (folder / PUBLIC_KEY).exists():
        write_text(folder / PUBLIC_KEY, key.public.pem)
    checkpoint = sign_checkpoint(
        key, size=0, root=EMPTY_ROOT, time=rfc3339(clock()), previous=NO_PREVIOUS
    )
    part = folder / f".{DATABASE}.part"
    for leftover in folder.glob(f"{part.name}*"):  # of a process that was killed here
        leftover.unlink()
    with closing(create_database(part)) as connection:
        connection.execute("INSERT INTO checkpoints VALUES (0, ?)", (checkpoint.text,))
        write_frontier(connection, Frontier())
        connection.execute("COMMIT")
    part.replace(folder / DATABASE)
    write_text(folder / MIRROR, checkpoint.text)  # flushes the folder too
    return key


def check_key_beside(folder: Path, key: SigningKey) -> None:
    """Check that the public key file is the other half of the signing key.

    Raises:
        AuditTampered: it is not.
        AuditUnavailable: it is missing.
    """
    try:
        beside = load_public_key(folder / PUBLIC_KEY)
    except AuditMisuse as error:
        raise tampered(0, f"has a {PUBLIC_KEY} that is not a key") from error
    if beside != key.public:
        raise tampered(0, f"has a {PUBLIC_KEY} of another key than the one that signs")


def checked_head(folder: Path, key: PublicKey) -> Head:
    """Read the newest state; on a fault verify everything, to name the first bad record.

    Raises:
        AuditTampered: the trail does not hold.
        AuditUnavailable: it cannot be read.
    """
    try:
        mirror = read_mirror(folder)
        with reading(folder / DATABASE) as connection:
            head = read_head(connection, key)
            check_mirror(connection, mirror, size=head.size, key=key)
            return head
    except (AuditTampered, *DATABASE_ERRORS):
        verify_trail(folder, public_key=key)
        raise
