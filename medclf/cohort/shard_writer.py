"""Adding rows to a shard, so that a kill, a full disk or a second writer never spoils one.

The row is written first and its record after it. Until the record is whole, nobody sees the row.
"""

import fcntl
import os
import secrets
from pathlib import Path
from typing import Self

import numpy as np

from medclf.cohort.shard import CAPACITY_BYTES, RECORD, RowForm, checksum, index_of, write_all


class ShardWriter:
    """The right to add rows to one shard, which one process has at a time."""

    def __init__(self, path: Path, form: RowForm, *, rows: int, index: int) -> None:
        self.path = path
        self._form = form
        self._rows = rows
        self._index = index
        size = os.fstat(index).st_size
        self._next = size // RECORD.itemsize
        if size % RECORD.itemsize:  # a record was cut off; nobody has ever seen it
            os.ftruncate(index, self._next * RECORD.itemsize)

    @classmethod
    def claim(cls, path: Path, form: RowForm) -> Self | None:
        """Take over a shard; None when another process writes to it or it is being deleted.

        Raises:
            OSError: it cannot be written.
        """
        try:
            rows = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        return cls._locked(path, form, rows)

    @classmethod
    def create(cls, folder: Path, form: RowForm) -> Self:
        """Begin a shard; the caller holds whatever keeps the folder from being emptied.

        Raises:
            OSError: it cannot be written.
        """
        path = folder / f"{secrets.token_hex(8)}.rows"
        rows = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        made = cls._locked(path, form, rows)
        if made is None:
            raise BlockingIOError(f"{path} was taken by another process as soon as it was made")
        return made

    @classmethod
    def _locked(cls, path: Path, form: RowForm, rows: int) -> Self | None:
        index = -1
        try:
            fcntl.flock(rows, fcntl.LOCK_SH)
            if os.fstat(rows).st_nlink:
                index = os.open(index_of(path), os.O_RDWR | os.O_CREAT, 0o644)
                fcntl.flock(index, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return cls(path, form, rows=rows, index=index)
        except BlockingIOError:
            pass
        except BaseException:
            _close(rows, index)
            raise
        _close(rows, index)
        return None

    @property
    def room(self) -> int:
        """How many more rows the shard takes."""
        return max(CAPACITY_BYTES // self._form.row_bytes, 1) - self._next

    def append(self, digest: bytes, values: np.ndarray) -> None:
        """Add one row. Not safe in two threads at once.

        Args:
            digest: the 32 bytes of the image's SHA-256.
            values: of the shard's form.

        Raises:
            ValueError: the values have another shape or type.
            OSError: the row cannot be written; it then does not count.
        """
        form = self._form
        if values.shape != form.shape or values.dtype != np.dtype(form.dtype):
            raise ValueError(
                f"expected {form.shape} {form.dtype}, got {values.shape} {values.dtype}"
            )
        row = np.ascontiguousarray(values, form.stored)
        write_all(self._rows, row.data.cast("B"), self._next * form.row_bytes)
        record = np.array([(digest, checksum(digest, row))], RECORD).tobytes()
        write_all(self._index, record, self._next * RECORD.itemsize)
        self._next += 1

    def close(self) -> None:
        """Bring all rows to the disk and give the right up.

        Raises:
            OSError: the disk did not take them.
        """
        if self._rows < 0:
            return
        try:
            os.fsync(self._rows)
            os.fsync(self._index)
        finally:
            _close(self._rows, self._index)
            self._rows = self._index = -1


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)
