"""One file of prepared pictures with its index: what the cache fills, shares and throws away.

`NAME.rows` holds rows of one size one after the other, and nothing else. `NAME.index` holds 36
bytes for each: the SHA-256 of the image that it was made from, and a CRC-32 over that digest and
the row. A row is written before its record, so a process that is killed between the two has
written nothing; a power cut may bring them to the disk in the other order, and the CRC-32 tells.

Two locks, both let go by the kernel when their holder dies, whatever kills it. Whoever maps a
shard shares the lock of `.rows`, and only who gets it alone may delete the shard. Whoever adds
rows holds the lock of `.index` alone. Writes go through `pwrite`, because a full disk under a
memory map kills the process where a write gives an error.
"""

import fcntl
import mmap
import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from medclf.cohort.streaming import in_order

RECORD = np.dtype([("digest", "S32"), ("crc", "<u4")])
"""What the index says of a row; the digest of 32 zeros stands for a row that was given up."""

CAPACITY_BYTES = 1 << 30  # 50 shards in the 50 GB of the default limit: few files, fine pruning
_TYPES = ("uint8", "uint16", "float32")
_CHECKED_AT_ONCE = 64  # rows whose checksums one thread computes before it takes the next ones


@dataclass(frozen=True)
class RowForm:
    """Shape and type that all rows of a shard have.

    Attributes:
        shape: of one row.
        dtype: `uint8`, or `uint16` or `float32` in little-endian order.
    """

    shape: tuple[int, ...]
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in _TYPES or not self.shape or min(self.shape) < 1:
            raise ValueError(
                f"expected a shape of {', '.join(_TYPES)}, got {self.shape} {self.dtype}"
            )

    @property
    def stored(self) -> "np.dtype[Any]":
        """The type on disk, the same on every machine."""
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def row_bytes(self) -> int:
        """What one row takes."""
        return int(np.prod(self.shape)) * self.stored.itemsize


class Shard:
    """A shard as readers see it; while it is open, or an array from it lives, it is not deleted."""

    def __init__(self, path: Path, form: RowForm, descriptor: int) -> None:
        self.path = path
        self._form = form
        self._descriptor = descriptor
        self._rows = np.empty((0, *form.shape), form.stored)

    @classmethod
    def open(cls, path: Path, form: RowForm) -> Self | None:
        """Open a shard; None when it is being deleted.

        Args:
            path: of the file of rows.
            form: of its rows.

        Raises:
            OSError: it cannot be read.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # whoever has it alone has it for a moment only
            deleted = not os.fstat(descriptor).st_nlink
        except BaseException:
            os.close(descriptor)
            raise
        if deleted:  # between the two calls
            os.close(descriptor)
            return None
        return cls(path, form, descriptor)

    def records(self) -> np.ndarray:
        """Return what the index says now, (n,) `RECORD`; a writer may add more any time."""
        records = records_in(self.path)
        return records[: os.fstat(self._descriptor).st_size // self._form.row_bytes]

    def rows(self, count: int) -> np.ndarray:
        """Map at least the first rows from disk.

        Args:
            count: at most as many as there are records.

        Returns:
            (count or more, …) read-only.
        """
        if count > len(self._rows):
            length = count * self._form.row_bytes
            held = mmap.mmap(self._descriptor, length, access=mmap.ACCESS_READ)
            flat = np.frombuffer(held, self._form.stored)
            self._rows = flat.reshape(count, *self._form.shape)
        return self._rows

    def damaged(self, slots: Sequence[int], records: np.ndarray, *, threads: int) -> list[int]:
        """Read rows and return which are not what was written, by their CRC-32.

        Args:
            slots: places of rows, counted from 0; best ascending, as they lie on disk.
            records: as `records` gave them.
            threads: that compute checksums.
        """
        rows = self.rows(len(records))
        digests, crcs = records["digest"], records["crc"]

        def check(some: Sequence[int]) -> list[int]:
            return [s for s in some if int(crcs[s]) != checksum(bytes(digests[s]), rows[s])]

        some = [slots[i : i + _CHECKED_AT_ONCE] for i in range(0, len(slots), _CHECKED_AT_ONCE)]
        with closing(in_order(check, some, threads=threads)) as checked:
            return [slot for found in checked for slot in found]

    def give_up(self, slots: Iterable[int]) -> None:
        """Strike damaged rows off the index, for every process and for ever.

        No lock is needed: a writer never touches a record again.

        Raises:
            OSError: the index cannot be written.
        """
        descriptor = os.open(index_of(self.path), os.O_WRONLY)
        try:
            for slot in slots:
                write_all(descriptor, bytes(RECORD.itemsize), slot * RECORD.itemsize)
        finally:
            os.close(descriptor)

    def mark_used(self) -> None:
        """Note that the shard is of use now; those that were not for longest are pruned first."""
        with suppress(OSError):  # a folder that is read-only is not pruned either
            os.utime(index_of(self.path))

    def close(self) -> None:
        """Let go of the shard; arrays that it gave hold on to it until they are gone."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._rows = np.empty((0, *self._form.shape), self._form.stored)


def delete(path: Path) -> bool:
    """Delete a shard unless a process reads or writes it; say whether it is gone.

    Raises:
        OSError: it may not be deleted.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
        index_of(path).unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def in_use(path: Path) -> bool:
    """Say whether a process reads or writes a shard now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def records_in(path: Path, *, start: int = 0) -> np.ndarray:
    """Return the records of a file of rows, (n,) `RECORD`, from one of them on.

    Raises:
        OSError: the index cannot be read.
    """
    try:
        with index_of(path).open("rb") as stream:
            stream.seek(start * RECORD.itemsize)
            data = stream.read()
    except FileNotFoundError:  # the first row is still to come, or the last one is gone
        data = b""
    return np.frombuffer(data, RECORD, count=len(data) // RECORD.itemsize)


def index_of(path: Path) -> Path:
    """Return where the index of a file of rows lies."""
    return path.with_suffix(".index")


def checksum(digest: bytes, row: np.ndarray) -> int:
    """Return the CRC-32 of a row under its image's digest.

    Args:
        digest: 32 bytes; trailing zeros may be missing.
        row: contiguous, in the order of the disk.
    """
    return zlib.crc32(row.data.cast("B"), zlib.crc32(digest.ljust(32, b"\0")))


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of it, or fail: `pwrite` alone may stop halfway."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
