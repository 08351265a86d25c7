"""Short proofs for one event, or for growth since a checkpoint, that fit in a mail.

A proof is a few hashes; whoever holds the public key checks it without the trail.
"""

from dataclasses import dataclass
from pathlib import Path

from medclf.audit.checkpoint import Checkpoint
from medclf.audit.database import (
    DATABASE,
    DATABASE_ERRORS,
    PUBLIC_KEY,
    range_root,
    reading,
    sqlite_error,
    tampered,
)
from medclf.audit.head import read_head
from medclf.audit.merkle import (
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
)
from medclf.audit.signature import PublicKey, load_public_key
from medclf.errors import AuditMisuse


@dataclass(frozen=True, slots=True)
class EventProof:
    """One event with all that shows that it is in the trail.

    Attributes:
        sequence: place of the event, from 1.
        body: its exact text.
        path: (k,) hashes of 32 bytes, from the leaf to the root (RFC 9162, section 2.1.3).
        checkpoint: whose root the path leads to.
    """

    sequence: int
    body: str
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def verify(self, key: PublicKey) -> None:
        """Return when the event is in the trail that the key signs.

        Raises:
            AuditTampered: it is not.
        """
        self.checkpoint.verify(key)
        if not inclusion_holds(
            leaf_hash(self.body.encode()),
            index=self.sequence - 1,
            size=self.checkpoint.size,
            proof=self.path,
            root=self.checkpoint.root,
        ):
            raise tampered(self.sequence, "is not in the trail that the checkpoint vouches for")


def prove_event(folder: Path, sequence: int) -> EventProof:
    """Take the proof that one event is in the trail, under the newest checkpoint.

    Raises:
        AuditMisuse: there is no such event.
        AuditTampered: the trail does not hold.
        AuditUnavailable: the trail cannot be read.
    """
    key = load_public_key(folder / PUBLIC_KEY)
    try:
        with reading(folder / DATABASE) as connection:
            checkpoint = read_head(connection, key).checkpoint
            if not 1 <= sequence <= checkpoint.size:
                raise AuditMisuse(
                    f"There is no event {sequence}; the trail holds 1 to {checkpoint.size}.",
                    advice="Ask for an event within that range.",
                )
            row = connection.execute(
                "SELECT body FROM events WHERE sequence = ?", (sequence,)
            ).fetchone()
            if row is None:
                raise tampered(sequence, "is missing")
            path = inclusion_proof(sequence - 1, checkpoint.size, range_root(connection))
    except DATABASE_ERRORS as error:
        raise sqlite_error(error, sequence=sequence) from error
    proof = EventProof(sequence, str(row[0]), tuple(path), checkpoint)
    proof.verify(key)
    return proof


def prove_growth(folder: Path, known: Checkpoint) -> tuple[Checkpoint, tuple[bytes, ...]]:
    """Take the newest checkpoint and the proof that the trail only grew since `known`.

    Raises:
        AuditTampered: it did not only grow.
        AuditUnavailable: the trail cannot be read.
    """
    key = load_public_key(folder / PUBLIC_KEY)
    known.verify(key)
    try:
        with reading(folder / DATABASE) as connection:
            newest = read_head(connection, key).checkpoint
            if known.size > newest.size:
                raise tampered(newest.size + 1, f"is missing: {known.size} events were known")
            path = tuple(consistency_proof(known.size, newest.size, range_root(connection)))
    except DATABASE_ERRORS as error:
        raise sqlite_error(error, sequence=known.size) from error
    check_growth(known, newest, path, key=key)
    return newest, path


def check_growth(
    known: Checkpoint, newest: Checkpoint, path: tuple[bytes, ...], *, key: PublicKey
) -> None:
    """Return when `newest` is of the trail of `known` with events appended only.

    Raises:
        AuditTampered: it is not (RFC 9162, section 2.1.4).
    """
    known.verify(key)
    newest.verify(key)
    if not consistency_holds(
        old=known.size,
        new=newest.size,
        old_root=known.root,
        new_root=newest.root,
        proof=path,
    ):
        raise tampered(known.size, "or one before it was rewritten after it was known")
