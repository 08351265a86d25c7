"""Large values left where they lie, so that pixels are held once and not copied by the parser.

pydicom reads what is larger than a bound only when it is asked for. A decoder that takes a view
need not ask: a film of 15 MB is parsed in a fraction of a millisecond and takes its size once.
"""

import threading
from io import SEEK_SET, BytesIO
from typing import cast

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

LARGE = 1 << 16  # bytes; smaller values are read at once


class Whole:
    """A file in memory that every thread reads at a place of its own.

    pydicom seeks and then reads when a large value is asked for, and one instance may be decoded
    by several threads at once. It asks no more of a buffer than the methods here.

    Attributes:
        data: the file's bytes.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._own = threading.local()

    def __reduce__(self) -> tuple[type["Whole"], tuple[bytes]]:
        return Whole, (self.data,)

    @property
    def _stream(self) -> BytesIO:
        if not hasattr(self._own, "stream"):
            self._own.stream = BytesIO(self.data)  # shares the bytes
        stream: BytesIO = self._own.stream
        return stream

    def read(self, size: int = -1, /) -> bytes:
        """Read as a binary file does."""
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        """Move this thread's place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return this thread's place."""
        return self._stream.tell()


def bytes_of(dataset: Dataset, keyword: str) -> bytes:
    """Return the bytes of a value, as a view where they still lie in the file.

    A view reads as bytes do, and numpy takes it; asking the data set itself would copy, and must
    not be done by two threads at once.
    """
    tag, buffer = Tag(keyword), getattr(dataset, "buffer", None)
    if isinstance(buffer, Whole):
        for element in dataset.values():
            if element.tag == tag and isinstance(element, RawDataElement):
                if element.value is None and element.length:
                    end = element.value_tell + element.length
                    return cast(bytes, memoryview(buffer.data)[element.value_tell : end])
                break
    return cast(bytes, dataset[keyword].value)
