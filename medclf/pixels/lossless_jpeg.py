"""JPEG process 14, whose fast decoder does not say when its data ends too early (ADR 0007).

libjpeg-turbo goes on with zero bits to the end of the row and with mid-grey rows after it. The
last sample betrays both, at the price of one look; only where it is in doubt is a frame decoded
a second time.
"""

from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from medclf.errors import PixelsRefused
from medclf.pixels.codestream import segments
from medclf.reasons import Reason

_DHT, _DRI, _SOF3 = 0xC4, 0xDD, 0xC3
_NAME = f"imagecodecs {imagecodecs.__version__} jpeg8"
# ITU-T T.81 table H.1. The others halve, which can be redone only where samples are as wide as
# the 16 bits that they are added up in.
_LINEAR_PREDICTORS = (1, 2, 3, 4)
# Bits beginning with 1, where libjpeg-turbo reads zeros when it has run out of data.
_OTHER_TAIL = b"\xaa" * 64


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the markers say of the only scan.

    Attributes:
        predictor: Ss, 1 to 7.
        point_transform: Al.
        restarts: a restart interval is set.
        scans: how many there are.
        zero_difference: what zero bits decode to, for the last component; None if unknown.
    """

    predictor: int
    point_transform: int
    restarts: bool
    scans: int
    zero_difference: int | None


def decode_lossless_jpeg(frame: bytes, *, precision: int, colour: bool) -> tuple[NDArray[Any], str]:
    """Decode a frame of JPEG process 14, refusing one whose data ends too early.

    Args:
        frame: the whole codestream, with its end marker.
        precision: bits of one sample.
        colour: three components, taken as they are.

    Returns:
        (rows, columns) or (rows, columns, 3), uint8 or uint16; the decoder.

    Raises:
        PixelsRefused: PIXELS_UNDECODABLE when data is missing.
        Exception: whatever the decoders report; `decode` wraps it.
    """
    array = _decode(frame, colour=colour)
    scan = _read_scan(frame)
    if scan.restarts or scan.scans != 1:
        # Each interval may end too early by itself; jpegsof3 goes on differently there.
        same = np.array_equal(array, imagecodecs.jpegsof3_decode(frame))
    elif _may_have_run_out(array, scan, precision=precision):
        end = bytes(frame).rfind(b"\xff\xd9")
        other = b"".join([frame[:end], _OTHER_TAIL, frame[end:]])
        same = np.array_equal(array, _decode(other, colour=colour))
    else:
        same = True
    if not same:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            "The lossless JPEG frame has fewer data than pixels: some of it is missing.",
        )
    return array, _NAME


def _decode(frame: bytes, *, colour: bool) -> NDArray[Any]:
    space = "RGB" if colour else None
    return imagecodecs.jpeg8_decode(frame, colorspace=space, outcolorspace=space)


def _may_have_run_out(array: NDArray[Any], scan: _Scan, *, precision: int) -> bool:
    """Say whether the last sample is one that missing data would have given.

    True of every frame in which a whole sample is missing, and of few others.
    """
    plane = array if array.ndim == 2 else array[:, :, -1]
    wide = plane.dtype.itemsize == 2
    if (
        not (scan.predictor in _LINEAR_PREDICTORS or (wide and scan.predictor in range(5, 8)))
        or scan.point_transform
        or scan.zero_difference is None
        or min(plane.shape) < 2
    ):
        return True
    if (plane[-1] == 1 << (precision - 1)).all():  # T.81 H.1.1: where prediction starts anew
        return True
    last, left, above, before = (int(plane[at]) for at in ((-1, -1), (-1, -2), (-2, -1), (-2, -2)))
    predicted = (
        left,
        above,
        before,
        left + above - before,
        left + ((above - before) >> 1),
        above + ((left - before) >> 1),
        (left + above) >> 1,
    )[scan.predictor - 1]
    return (last - predicted - scan.zero_difference) % (1 << 8 * plane.dtype.itemsize) == 0


def _read_scan(frame: bytes) -> _Scan:
    """Read the markers up to the first scan (T.81 annex B)."""
    tables: dict[int, int] = {}
    restarts = False
    components = 1
    payload = b""
    for marker, payload, _ in segments(frame):
        if marker == _DHT:
            tables |= _zero_symbols(payload)
        elif marker == _DRI:
            restarts = int.from_bytes(payload[:2], "big") > 0
        elif marker == _SOF3:
            components = payload[5]
    inside = payload[0]  # of the last segment, the start of scan
    size = tables.get(payload[2 * inside] >> 4)
    return _Scan(
        predictor=payload[1 + 2 * inside],
        point_transform=payload[3 + 2 * inside] & 15,
        restarts=restarts,
        scans=1 if inside == components else components,
        zero_difference=None if size is None or size > 15 else 1 - (1 << size) if size else 0,
    )


def _zero_symbols(payload: bytes) -> dict[int, int]:
    """Return, for each Huffman table of a DHT segment, what the code of all zeros stands for.

    Codes are given in the order of their lengths, from 0 on (T.81 annex C): it is the first.
    """
    found = {}
    at = 0
    while at + 17 < len(payload):
        count = sum(payload[at + 1 : at + 17])
        found[payload[at] & 15] = payload[at + 17]
        at += 17 + count
    return found
