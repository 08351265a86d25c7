"""High-throughput JPEG 2000, whose fast decoder reports no error (ITU-T T.814).

OpenJPH, as imagecodecs calls it, is twice as fast as OpenJPEG. But it fills in for what is
missing, leaves the remaining rows as they were where it gives up, turns white into black where a
lossy codestream overshoots, and never ends where tiles begin beside the picture. So it is given
only plain lossless codestreams that account for every byte, and an array in which an untouched
last row can be seen; OpenJPEG does the others.
"""

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from medclf.errors import PixelsRefused
from medclf.pixels.codestream import Codestream, Coding
from medclf.reasons import Reason

_NAME = f"imagecodecs {imagecodecs.__version__} htj2k"
_LOSSLESS = frozenset({uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL})


def suits_openjph(codestream: Codestream, *, transfer_syntax: str) -> bool:
    """Say whether a frame is whole and lossless, by its own account and by its object's."""
    return (
        codestream.coding is Coding.HTJ2K
        and codestream.accounted
        and codestream.plain
        and codestream.reversible
        and codestream.precision <= 16
        and transfer_syntax in _LOSSLESS
    )


def decode_high_throughput(frame: bytes, codestream: Codestream) -> tuple[NDArray[Any], str]:
    """Decode a frame that `suits_openjph`.

    Returns:
        (rows, columns) or (rows, columns, 3) of up to 16 bits; the decoder.

    Raises:
        PixelsRefused: PIXELS_UNDECODABLE when the decoder gave up.
        Exception: whatever the decoders report; `decode` wraps it.
    """
    shape: tuple[int, ...] = (codestream.rows, codestream.columns)
    if codestream.components > 1:
        shape = (*shape, codestream.components)
    size = 1 if codestream.precision <= 8 else 2
    untouched = -1 if codestream.signed else (1 << 8 * size) - 1
    array = np.empty(shape, f"{'i' if codestream.signed else 'u'}{size}")
    array[-1] = untouched
    imagecodecs.htj2k_decode(frame, out=array)
    if (array[-1] == untouched).all() and not np.array_equal(
        array, imagecodecs.jpeg2k_decode(frame)
    ):
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            "The High-Throughput JPEG 2000 frame is damaged: its decoder gave up.",
        )
    return array, _NAME
