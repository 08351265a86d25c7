"""Perceptual fingerprints: 256 bits that stay nearly the same when a picture is copied badly.

A copy that was resized, compressed again, made brighter or trimmed has other bytes and
other pixels, but nearly the same coarse shape. The fingerprint keeps the signs of that
shape, so that copies are found by counting differing bits (`medclf.cohort.nearness`).
It only proposes: `medclf.cohort.likeness` decides by the pixels.

Sources: Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions,
section 3.2.1 (signs of low DCT coefficients against their median), here with 16 × 16
coefficients of a 64 × 64 picture, because 64 bits cannot tell one chest film from another.
"""

from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.dicom.kind import Kind

BITS = 256
_SIDE = 64  # px of the reduced picture
_KEPT = 16  # lowest frequencies in each direction; 16² = 256 bits

CROPS = (1.0, 0.95, 0.9)
"""Shares of the side at which a picture is looked at, for copies whose margin was cut off."""


class Turn(StrEnum):
    """How a copy may be turned against its original."""

    NONE = "as it is"
    MIRRORED = "mirrored left to right"
    FLIPPED = "mirrored top to bottom"
    HALF = "turned by 180°"
    TRANSPOSED = "mirrored at the diagonal"
    LEFT = "turned left by 90°"
    RIGHT = "turned right by 90°"
    ANTITRANSPOSED = "mirrored at the other diagonal"


# For each turn: whether rows and columns are swapped first, then which axes are reversed.
_TURNS: dict[Turn, tuple[bool, bool, bool]] = {
    Turn.NONE: (False, False, False),
    Turn.MIRRORED: (False, False, True),
    Turn.FLIPPED: (False, True, False),
    Turn.HALF: (False, True, True),
    Turn.TRANSPOSED: (True, False, False),
    Turn.LEFT: (True, True, False),
    Turn.RIGHT: (True, False, True),
    Turn.ANTITRANSPOSED: (True, True, True),
}

TURNS: dict[Kind, tuple[Turn, ...]] = {
    Kind.XRAY: (Turn.NONE, Turn.MIRRORED),
    Kind.FUNDUS: (Turn.NONE, Turn.MIRRORED, Turn.FLIPPED, Turn.HALF),
    Kind.PATHOLOGY: tuple(Turn),
}
"""The turns that are looked for: a film is mirrored by mistake, tissue lies any way round."""


def grey_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luminance of a picture.

    Args:
        picture: (h, w) or (h, w, 3) uint8, RGB.

    Returns:
        (h, w) uint8.
    """
    if picture.ndim == 2:
        return picture
    grey: NDArray[np.uint8] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return grey


def turned(grey: NDArray[Any], turn: Turn) -> NDArray[Any]:
    """Return a square picture turned, as a view."""
    swap, rows, columns = _TURNS[turn]
    view = grey.T if swap else grey
    return view[:: -1 if rows else 1, :: -1 if columns else 1]


def cropped(grey: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the middle of a picture, `share` of each side long, as a view."""
    margins = [round(side * (1 - share) / 2) for side in grey.shape]
    height, width = grey.shape
    return grey[margins[0] : height - margins[0], margins[1] : width - margins[1]]


def fingerprints(picture: NDArray[np.uint8], turns: tuple[Turn, ...]) -> NDArray[np.uint64]:
    """Return the fingerprints of a picture, in every crop and turn.

    Turning a picture turns its coefficients: a mirrored axis changes the sign of every
    second one, and swapped axes transpose them. So turns cost no second transform.

    Args:
        picture: (h, w) or (h, w, 3) uint8.
        turns: to look at; the first one is of the picture as it is.

    Returns:
        (crops × turns, 4) uint64, crops in the order of `CROPS`, turns within.
    """
    grey = grey_of(picture)
    bits = []
    for share in CROPS:
        # Area averaging takes whole pixels; at a few hundred it is exact enough.
        small = cv2.resize(cropped(grey, share), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        whole: NDArray[np.float32] = cv2.dct(small.astype(np.float32)).astype(np.float32)
        low = whole[:_KEPT, :_KEPT]  # (16, 16)
        bits += [_turned_coefficients(low, turn) for turn in turns]
    shapes = np.array(bits).reshape(len(bits), BITS)
    signs = shapes > np.median(shapes, axis=1, keepdims=True)
    packed: NDArray[np.uint64] = np.packbits(signs, axis=1).view(np.uint64)
    return packed


def _turned_coefficients(low: NDArray[np.float32], turn: Turn) -> NDArray[np.float32]:
    swap, rows, columns = _TURNS[turn]
    result = (low.T if swap else low).copy()
    if rows:
        result[1::2, :] *= -1
    if columns:
        result[:, 1::2] *= -1
    return result
