"""Uncompressed Pixel Data to stored values: a view in place wherever the bytes allow one.

What a view cannot show (big endian) goes to pydicom's own decoder.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from medclf.dicom.in_place import bytes_of
from medclf.errors import PixelsRefused
from medclf.pixels.by_pydicom import by_pydicom
from medclf.pixels.header import SUBSAMPLED, PixelHeader
from medclf.pixels.stored import Stored, as_stored
from medclf.reasons import Reason

_RAW = "raw"
_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def native_values(dataset: Dataset, header: PixelHeader, *, frame: int) -> Stored:
    """Decode one frame of an uncompressed object.

    Raises:
        PixelsRefused: TRUNCATED, or MALFORMED when there are bytes for more frames than the
            header speaks of.
        Exception: whatever pydicom throws; `decode` wraps it.
    """
    data = bytes_of(dataset, next(name for name in _KEYWORDS if name in dataset))
    samples = header.rows * header.columns * header.samples
    if header.photometric in SUBSAMPLED:
        samples = samples * 2 // 3  # PS3.3 C.7.6.3.1.2: two chroma samples for two pixels
    _check_length(len(data), bits=samples * header.bits_allocated, frames=header.frames)
    shift = header.high_bit + 1 - header.bits_stored
    if header.transfer_syntax == uid.ExplicitVRBigEndian:
        return replace(by_pydicom(dataset, header, frame=frame), shift=shift)
    if header.bits_allocated == 1:
        return as_stored(unpacked(data, header, first=frame * samples), header, decoder=_RAW)
    size = header.bits_allocated // 8
    letter = "f" if header.floating else "u"
    array = np.frombuffer(data, f"<{letter}{size}", count=samples, offset=frame * samples * size)
    photometric = header.photometric
    if photometric in SUBSAMPLED:
        array = _spread(array).reshape(header.shape)
        photometric = photometric.removesuffix("_422")
    elif header.samples == 1 or not header.planar:
        array = array.reshape(header.shape)
    else:
        array = array.reshape(header.samples, header.rows, header.columns).transpose(1, 2, 0)
    return as_stored(array, header, decoder=_RAW, photometric=photometric, shift=shift)


def unpacked(data: bytes | bytearray, header: PixelHeader, *, first: int) -> NDArray[np.uint8]:
    """Unpack single bits, the first pixel in the lowest bit (PS3.5 section 8.1.1, figure 8.1-3).

    Args:
        data: bits, eight to a byte.
        header: gives the size.
        first: number of the frame's first bit; frames need not begin with a byte.

    Returns:
        (rows, columns) uint8, 0 or 1.
    """
    count = header.rows * header.columns
    begin, end = first // 8, (first + count + 7) // 8
    bits = np.unpackbits(np.frombuffer(data, np.uint8)[begin:end], bitorder="little")
    return bits[first % 8 : first % 8 + count].reshape(header.rows, header.columns)


def _spread(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give both pixels of a pair the chroma they share: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = array.reshape(-1, 4)
    return pairs[:, [0, 2, 3, 1, 2, 3]].reshape(-1)


def _check_length(found: int, *, bits: int, frames: int) -> None:
    expected = (bits * frames + 7) // 8
    if found < expected:
        raise PixelsRefused(
            Reason.TRUNCATED,
            f"Pixel Data has {found} bytes; the header asks for {expected}.",
            found=found,
            expected=expected,
        )
    one_more = (bits * (frames + 1) + 7) // 8
    if found >= one_more and found > expected + 1:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"Pixel Data has {found} bytes, enough for more than the {frames} frames of the "
            f"header, which take {expected}.",
            found=found,
            expected=expected,
        )
