"""Handing the trail to somebody else, in a form they can check without this program.

An export is JSON lines. The first line holds the signed checkpoint, the public key and the
range; every further line holds one event's exact text. A whole export needs no other proof:
the leaves give the root. A part of a trail carries the hashes of the subtrees to its left
and right (`left`, `right`), from which the same root follows. How to check one by hand
stands in RFC 9162, section 2.1: hash the texts, combine, compare with the checkpoint.
"""

import base64
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from medclf.audit.checkpoint import Checkpoint, parse_checkpoint
from medclf.audit.database import (
    DATABASE,
    DATABASE_ERRORS,
    PUBLIC_KEY,
    leaves,
    range_root,
    reading,
    sqlite_error,
    tampered,
)
from medclf.audit.head import read_head
from medclf.audit.merkle import Frontier, leaf_hash
from medclf.audit.signature import PublicKey, load_public_key
from medclf.digest import canonical_json
from medclf.errors import AuditMisuse, AuditUnavailable

_FORMAT = "medclf-audit-export/1"


def export_events(
    folder: Path, path: Path, *, start: int = 1, stop: int | None = None
) -> Checkpoint:
    """Write the events `start` to `stop` (both included) as JSON lines, all or nothing.

    Args:
        folder: of the trail.
        path: of the new file.
        start: first sequence, from 1.
        stop: last sequence; None for the newest.

    Returns:
        The checkpoint that the export is proven under.

    Raises:
        AuditMisuse: there is no such range.
        AuditTampered: the trail does not hold.
        AuditUnavailable: the trail cannot be read or the file not written.
    """
    key = load_public_key(folder / PUBLIC_KEY)
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with reading(folder / DATABASE) as connection:
            checkpoint = read_head(connection, key).checkpoint
            last = checkpoint.size if stop is None else stop
            if not 1 <= start <= last + 1 or last > checkpoint.size:
                raise _no_such_range(start, last, checkpoint.size)
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            part = Path(name)
            with os.fdopen(descriptor, "wb") as stream:
                for line in _lines(connection, checkpoint, key, start, last):
                    stream.write(canonical_json(line) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        check_export(part, public_key=key)
        part.replace(path)
    except DATABASE_ERRORS as error:
        raise sqlite_error(error, sequence=start) from error
    except OSError as error:
        raise AuditUnavailable(
            f"{path} cannot be written ({type(error).__name__}).",
            advice="Free disk space or choose another place; nothing was left behind.",
            path=str(path),
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return checkpoint


def check_export(path: Path, *, public_key: PublicKey) -> Checkpoint:
    """Check an export against a public key that did not come with it; memory stays flat.

    Returns:
        The checkpoint that was proven.

    Raises:
        AuditTampered: `facts["sequence"]` is the first event that is missing or misplaced,
            0 where only the root as a whole shows the change.
        AuditUnavailable: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = json.loads(stream.readline())
            checkpoint = parse_checkpoint(head["checkpoint"])
            checkpoint.verify(public_key)
            start, last = int(head["start"]), int(head["stop"])
            if head["format"] != _FORMAT or not 1 <= start <= last + 1 <= checkpoint.size + 1:
                raise tampered(0, "was exported with a first line that does not hold")
            frontier = Frontier(start - 1, tuple(base64.b64decode(h) for h in head["left"]))
            expected = start
            for line in stream:
                record = json.loads(line)
                if record["sequence"] != expected or expected > last:
                    raise tampered(expected, "is missing or not in its place in the export")
                frontier = frontier.append(leaf_hash(record["body"].encode()))
                expected += 1
            if expected != last + 1:
                raise tampered(expected, "is missing at the end of the export")
            root = _join(frontier, checkpoint.size, [base64.b64decode(h) for h in head["right"]])
    except OSError as error:
        raise AuditUnavailable(
            f"{path} cannot be read ({type(error).__name__}).", advice="Check the path."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise tampered(0, "was exported to a file that is not an export") from error
    if root != checkpoint.root:
        raise tampered(0, "was exported with a changed event: the root is not the signed one")
    return checkpoint


def _lines(
    connection: sqlite3.Connection, checkpoint: Checkpoint, key: PublicKey, start: int, last: int
) -> Iterator[dict[str, object]]:
    left = Frontier().extend(leaves(connection, 0, start - 1))
    right = [range_root(connection)(*span) for span in _right_spans(last, checkpoint.size)]
    yield {
        "format": _FORMAT,
        "checkpoint": checkpoint.text,
        "public_key": key.pem,
        "start": start,
        "stop": last,
        "left": [base64.b64encode(peak).decode() for peak in left.peaks],
        "right": [base64.b64encode(root).decode() for root in right],
    }
    rows = connection.execute(
        "SELECT sequence, body FROM events WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
        (start, last),
    )
    for sequence, body in rows:
        yield {"sequence": sequence, "body": body}


def _right_spans(covered: int, size: int) -> list[tuple[int, int]]:
    """Return the full subtrees that complete `covered` leaves to `size`, left to right."""
    spans = []
    while covered < size:
        # The largest subtree that may begin here: aligned to its width, and not beyond the end.
        width = covered & -covered if covered else 1 << size.bit_length() - 1
        while covered + width > size:
            width >>= 1
        spans.append((covered, covered + width))
        covered += width
    return spans


def _join(frontier: Frontier, size: int, right: list[bytes]) -> bytes:
    spans = _right_spans(frontier.size, size)
    if len(spans) != len(right):
        raise ValueError("another number of hashes to the right")
    for (start, stop), root in zip(spans, right, strict=True):
        frontier = frontier.append_subtree(root, stop - start)
    return frontier.root


def _no_such_range(start: int, stop: int, size: int) -> AuditMisuse:
    return AuditMisuse(
        f"There are no events {start} to {stop}; the trail holds 1 to {size}.",
        advice="Ask for events within that range.",
    )
