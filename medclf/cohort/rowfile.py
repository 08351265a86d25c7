"""A `.npy` file that fills row by row and knows which rows are whole.

Beside `NAME.npy` lies `NAME.marks` with eight bytes for each row: zero while the row is
unwritten, then its CRC-32 with a bit set above. A row counts only when its bytes have the
checksum of its mark, so neither a kill nor a power cut can leave a wrong row that looks
right. Writes go through `pwrite`, because a full disk under a memory map kills the
process where a write gives an error.
"""

import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_WRITTEN = 1 << 32  # tells the checksum 0 from an unwritten row
_MARK = np.dtype("<u8")


class RowFile:
    """An array of uint8 on disk, written one row at a time by one process."""

    def __init__(self, images: int, marks: int, *, header: bytes, shape: tuple[int, ...]) -> None:
        self._images = images
        self._marks = marks
        self._start = len(header)
        self._shape = shape
        self._row_bytes = int(np.prod(shape[1:]))

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, shape: tuple[int, ...]) -> Iterator["RowFile"]:
        """Open a file of this shape, or begin a new one with no row written.

        Args:
            path: of the `.npy` file; a file of another shape there is begun anew.
            shape: (rows, …).

        Raises:
            OSError: no space, or no permission.
        """
        header = _header_of(shape)
        images = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        marks = os.open(path.with_suffix(".marks"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            size = len(header) + int(np.prod(shape))
            fits = os.fstat(images).st_size == size and os.pread(images, len(header), 0) == header
            if not fits or os.fstat(marks).st_size != shape[0] * _MARK.itemsize:
                os.ftruncate(marks, 0)
                os.ftruncate(images, 0)
                os.posix_fallocate(images, 0, size)
                os.posix_fallocate(marks, 0, shape[0] * _MARK.itemsize)
                os.pwrite(images, header, 0)
            yield cls(images, marks, header=header, shape=shape)
        finally:
            os.close(images)
            os.close(marks)

    def missing(self) -> list[int]:
        """Return the rows that are not written or not whole, ascending."""
        marks = np.frombuffer(os.pread(self._marks, self._shape[0] * _MARK.itemsize, 0), _MARK)
        return [row for row, mark in enumerate(marks.tolist()) if not mark or mark != self._of(row)]

    def write(self, row: int, values: np.ndarray) -> None:
        """Write one row and mark it.

        Args:
            row: counted from 0.
            values: `shape[1:]` uint8.

        Raises:
            ValueError: the values have another shape or type.
            OSError: the row cannot be written.
        """
        if values.shape != self._shape[1:] or values.dtype != np.uint8:
            raise ValueError(f"expected {self._shape[1:]} uint8, got {values.shape} {values.dtype}")
        data = np.ascontiguousarray(values).tobytes()
        _write_all(self._images, data, self._start + row * self._row_bytes)
        mark = np.array([_WRITTEN | zlib.crc32(data)], _MARK).tobytes()
        _write_all(self._marks, mark, row * _MARK.itemsize)

    def flush(self) -> None:
        """Bring all rows to the disk."""
        os.fsync(self._images)
        os.fsync(self._marks)

    def _of(self, row: int) -> int:
        data = os.pread(self._images, self._row_bytes, self._start + row * self._row_bytes)
        return _WRITTEN | zlib.crc32(data)


def _header_of(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
    return stream.getvalue()


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
