"""Large values left where they lie, so that pixels are held once and not copied by the parser.

pydicom reads what is larger than a bound only when it is asked for. A decoder that takes a view
need not ask: a film of 15 MB is parsed in a fraction of a millisecond and takes its size once.
"""

from io import BytesIO
from typing import cast

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

LARGE = 1 << 16  # bytes; smaller values are read at once


class Whole(BytesIO):
    """A file in memory that remembers the bytes it was made of.

    Attributes:
        data: these bytes.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


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
