"""What became of each file so far, kept so that a killed ingest goes on where it was.

Results are held as Arrow columns. With a folder, each batch of them becomes a segment: a
file that appears whole or not at all, so that `kill -9` loses one batch at most. A segment
is taken up again only when nothing that it depends on has changed: the source, the
configuration, the secret of the pseudonyms (all in the key of its authentication code,
HMAC-SHA256, RFC 2104), and name, size and times of each of its files.
"""

import hashlib
import hmac
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from medclf.cohort.case import SCHEMA, Case, Refusal
from medclf.cohort.examine import Examined
from medclf.cohort.sources import Files
from medclf.durable import write_bytes
from medclf.reasons import Reason

# A segment is closed after either: a few seconds of work, be the files small or large.
_SEGMENT_FILES = 1024
_SEGMENT_BYTES = 1 << 28
_JOINED = 16  # segments
_CODE_BYTES = hashlib.sha256().digest_size
_BLANK = Case(path="", digest="", picture="", label="")
_OWN = pa.schema(
    [
        pa.field("file", pa.binary()),  # as on the disk; `path` is blank for a refused file
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("changed_ns", pa.int64()),
        pa.field("uid", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("message", pa.string()),
    ]
)
_SEGMENT = pa.schema([*_OWN, *SCHEMA])


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file was touched, without reading it; -1 where there is no file.

    Attributes:
        size: in bytes.
        modified_ns: time of the last change of its content, in nanoseconds.
        changed_ns: time of the last change of content, name or rights, which a copy that
            keeps the times of the original does not keep.
    """

    size: int
    modified_ns: int
    changed_ns: int


def stamp_of(path: str) -> Stamp:
    """Return the stamp of a file as it is now."""
    try:
        status = os.stat(path)  # noqa: PTH116 - text, one for each of a million
    except (OSError, ValueError):
        return Stamp(-1, -1, -1)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True)
class Collected:
    """Everything that a journal holds.

    Attributes:
        cases: a row for each accepted file, columns as in `Case`, in the order of the files.
        refused: the other files.
        uids: the SOP Instance UIDs met, with repetitions.
    """

    cases: pa.Table
    refused: list[Refusal]
    uids: pa.Array


class Journal:
    """Results of an ingest, in the order of the files.

    Attributes:
        resumed: files that an earlier run had looked at.
    """

    def __init__(self, folder: Path | None = None, *, purpose: str = "") -> None:
        """Name the place.

        Args:
            folder: of the segments, this journal's own; None holds them in memory.
            purpose: whatever the results depend on that the ingest does not see, such as
                the digest of what its check was configured with.
        """
        self.resumed = 0
        self._folder = folder
        self._purpose = purpose
        self._key = b""
        self._held: list[pa.Table] = []
        self._segments = 0
        self._pending: list[tuple[bytes, Stamp, Examined]] = []
        self._pending_bytes = 0

    def resume(self, files: Files, *, base: Path, secret: bytes, identity: bytes) -> int:
        """Take up what an earlier run left of these files, and drop what no longer holds.

        Args:
            files: that are to be looked at.
            base: the folder that their paths start from.
            secret: keys the authentication codes.
            identity: of everything else that the results depend on.

        Returns:
            How many of the files, from the first on, need no second look.

        Raises:
            OSError: the folder cannot be read or cleared.
        """
        self._key = hmac.new(secret, identity + self._purpose.encode(), hashlib.sha256).digest()
        if self._folder is None or not self._folder.is_dir():
            return 0
        for number in count():
            segment = self._load(number)
            if segment is None or not _still_holds(segment, files, self.resumed, base):
                break
            self.resumed += segment.num_rows
            self._segments += 1
        kept = {_name(number) for number in range(self._segments)}
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()
        return self.resumed

    def add(self, path: str, stamp: Stamp, examined: Examined) -> None:
        """Note what became of the next file.

        Raises:
            OSError: a segment is full and cannot be written.
        """
        self._pending.append((os.fsencode(path), stamp, examined))
        self._pending_bytes += max(stamp.size, 0)
        if len(self._pending) >= _SEGMENT_FILES or self._pending_bytes >= _SEGMENT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Close the segment that is being filled.

        Raises:
            OSError: it cannot be written.
        """
        if not self._pending:
            return
        table = _table_of(self._pending)
        if self._folder is None:
            self._held.append(table)
        else:
            data = _encoded(table)
            write_bytes(self._path(self._segments), self._code(self._segments, data) + data)
        self._segments += 1
        self._pending.clear()
        self._pending_bytes = 0

    def collect(self) -> Collected:
        """Return everything, closing the last segment first.

        Raises:
            OSError: a segment cannot be written or read back.
        """
        self.flush()
        refused: list[Refusal] = []
        uids = [pa.array([], pa.string())]

        def cases() -> Iterator[pa.Table]:
            for segment in self._read_all():
                accepted = pc.equal(segment.column("reason"), "")
                refused.extend(_refusals_in(segment.filter(pc.invert(accepted))))
                told = segment.column("uid").filter(pc.not_equal(segment.column("uid"), ""))
                uids.extend(told.chunks)
                yield segment.select(SCHEMA.names).filter(accepted)

        return Collected(_joined(cases()), refused, pa.concat_arrays(uids))

    def remove(self) -> None:
        """Remove the folder; its work is done."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _read_all(self) -> Iterator[pa.Table]:
        if self._folder is None:
            while self._held:  # let go one by one: cases and segments are never all held
                yield self._held.pop(0)
        for number in range(self._segments if self._folder is not None else 0):
            segment = self._load(number)
            if segment is None:
                raise OSError(f"segment {number} of the ingest journal is gone")
            yield segment

    def _load(self, number: int) -> pa.Table | None:
        """Read a segment; None when there is none or it is not one of this key."""
        try:
            data = memoryview(self._path(number).read_bytes())
        except OSError:
            return None
        if not hmac.compare_digest(data[:_CODE_BYTES], self._code(number, data[_CODE_BYTES:])):
            return None
        return pa.ipc.open_stream(pa.py_buffer(data[_CODE_BYTES:])).read_all()

    def _path(self, number: int) -> Path:
        return (self._folder or Path()) / _name(number)

    def _code(self, number: int, data: bytes | memoryview) -> bytes:
        code = hmac.new(self._key, number.to_bytes(8, "big"), hashlib.sha256)
        code.update(data)
        return code.digest()


def _name(number: int) -> str:
    return f"{number:08d}.segment"


def _table_of(results: list[tuple[bytes, Stamp, Examined]]) -> pa.Table:
    outcomes = [examined.outcome for _, _, examined in results]
    cases = [outcome if isinstance(outcome, Case) else _BLANK for outcome in outcomes]
    refused = [outcome if isinstance(outcome, Refusal) else None for outcome in outcomes]
    columns: dict[str, list[Any]] = {
        "file": [file for file, _, _ in results],
        "size": [stamp.size for _, stamp, _ in results],
        "modified_ns": [stamp.modified_ns for _, stamp, _ in results],
        "changed_ns": [stamp.changed_ns for _, stamp, _ in results],
        "uid": [examined.sop_instance_uid for _, _, examined in results],
        "reason": [refusal.reason.value if refusal else "" for refusal in refused],
        "message": [refusal.message if refusal else "" for refusal in refused],
    }
    columns |= {name: [getattr(case, name) for case in cases] for name in SCHEMA.names}
    return pa.table(columns, schema=_SEGMENT)


def _encoded(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _still_holds(segment: pa.Table, files: Files, start: int, base: Path) -> bool:
    """Return whether a segment tells of the files that are now there, unchanged."""
    named = segment.column("file").combine_chunks()
    if not named.equals(files.paths[start : start + segment.num_rows]):
        return False
    stamps = (segment.column(name).to_pylist() for name in ("size", "modified_ns", "changed_ns"))
    return all(
        stamp_of(os.path.join(base, os.fsdecode(file))) == Stamp(*recorded)  # noqa: PTH118
        for file, *recorded in zip(named.to_pylist(), *stamps, strict=True)
    )


def _refusals_in(segment: pa.Table) -> Iterator[Refusal]:
    for file, reason, message in zip(
        *(segment.column(name).to_pylist() for name in ("file", "reason", "message")), strict=True
    ):
        yield Refusal(os.fsdecode(file), Reason(reason), message)


def _joined(pieces: Iterable[pa.Table]) -> pa.Table:
    """Join many small tables into few larger ones: small pieces leave holes in the memory."""
    larger = [SCHEMA.empty_table()]
    some: list[pa.Table] = []
    for piece in pieces:
        some.append(piece)
        if len(some) == _JOINED:
            larger.append(pa.concat_tables(some).combine_chunks())
            some.clear()
    rest = pa.concat_tables([SCHEMA.empty_table(), *some]).combine_chunks()
    return pa.concat_tables([*larger, rest])
