"""Changes of size and depth, done in one way for all kinds, so that no kind aliases.

Shrinking averages over the area that a target pixel covers (cv2.INTER_AREA); enlarging is
linear, which cannot overshoot. Sixteen-bit pictures are resampled at sixteen bits and rounded
to eight afterwards, where eight are asked for.
"""

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.errors import PixelsMisuse

Bits = Literal[8, 16]
"""Depth of a prepared picture: uint8 or uint16, full range."""


def luminance(array: NDArray[Any]) -> NDArray[Any]:
    """Turn a colour picture into a grey one; grey comes back as it is.

    Rec. 601 weights in 14-bit fixed point that add up to one, hence exact where R = G = B.

    Args:
        array: (height, width) or (height, width, 3), uint8 or uint16.

    Returns:
        (height, width), same type.
    """
    if array.ndim == 2:
        return array
    return cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)


def as_colour(array: NDArray[Any]) -> NDArray[Any]:
    """Repeat a grey picture in three channels; colour comes back as it is.

    Args:
        array: (height, width) or (height, width, 3).

    Returns:
        (height, width, 3), same type.
    """
    if array.ndim == 3:
        return array
    return cv2.cvtColor(array, cv2.COLOR_GRAY2RGB)


def as_uint8(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Round a full-range picture to eight bits: round(x / 257) for uint16.

    >>> as_uint8(np.array([0, 128, 129, 65535], np.uint16)).tolist()
    [0, 0, 1, 255]
    """
    if array.dtype == np.uint8:
        return array
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def as_uint16(array: NDArray[Any]) -> NDArray[np.uint16]:
    """Spread an eight-bit picture over sixteen bits: 257 x, exact both ways.

    >>> as_uint8(as_uint16(np.array([0, 1, 255], np.uint8))).tolist()
    [0, 1, 255]
    """
    if array.dtype == np.uint16:
        return array
    return array.astype(np.uint16) * np.uint16(257)


def as_depth(array: NDArray[Any], bits: Bits) -> NDArray[Any]:
    """Return a full-range picture as uint8 or uint16."""
    return as_uint8(array) if bits == 8 else as_uint16(array)


def square_pixels(array: NDArray[Any], aspect: float) -> NDArray[Any]:
    """Resample a picture so that its pixels are as high as wide; such a one comes back as it is.

    The denser axis is averaged down, so that nothing is made up and nothing grows.

    Args:
        array: (h, w) or (h, w, 3), uint8 or uint16.
        aspect: height of one pixel by its width (`Picture.aspect`), above 0.

    Returns:
        (h', w') or (h', w', 3), same type, no side longer than before.

    Raises:
        PixelsMisuse: the aspect is not a number above 0.

    >>> square_pixels(np.zeros((100, 200), np.uint8), aspect=2.0).shape
    (100, 100)
    """
    if not (math.isfinite(aspect) and aspect > 0):
        raise PixelsMisuse(
            f"The pixel aspect is {aspect}; a number above 0 is expected.",
            advice="Pass 1 where nothing is known.",
        )
    height, width = array.shape[:2]
    if aspect > 1:
        width = max(1, round(width / aspect))
    elif aspect < 1:
        height = max(1, round(height * aspect))
    return resize(array, height=height, width=width)


def resize(array: NDArray[Any], *, height: int, width: int) -> NDArray[Any]:
    """Resample to an exact size; the same size comes back as it is.

    Args:
        array: (h, w) or (h, w, 3), uint8 or uint16.
        height: of the result, in pixels, at least 1.
        width: of the result, in pixels, at least 1.

    Returns:
        (height, width) or (height, width, 3), same type.
    """
    if array.shape[:2] == (height, width):
        return array
    shrinks = height <= array.shape[0] and width <= array.shape[1]
    array = _shrink_by_blocks(array, height=height, width=width)
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(array, (width, height), interpolation=how)


def _shrink_by_blocks(array: NDArray[Any], *, height: int, width: int) -> NDArray[Any]:
    """Average whole blocks first where a picture is four times too large or more.

    OpenCV averages whole blocks about eight times faster than fractional ones. At least two
    source pixels are left for each target pixel. Edge lines that fill no block, at most
    `factor - 1`, are left out half on either side.
    """
    factor = min(array.shape[0] // height, array.shape[1] // width) // 2
    if factor < 2:
        return array
    rows, columns = array.shape[0] // factor, array.shape[1] // factor
    top, left = (array.shape[0] % factor) // 2, (array.shape[1] % factor) // 2
    whole = array[top : top + rows * factor, left : left + columns * factor]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)


def fitted_size(height: int, width: int, *, size: int) -> tuple[int, int]:
    """Return the largest (height, width) of the same aspect that fits a square of `size`.

    >>> fitted_size(3000, 2500, size=224)
    (224, 187)
    """
    longest = max(height, width)
    return (
        max(1, round(height * size / longest)),
        max(1, round(width * size / longest)),
    )


def pad_to_square(array: NDArray[Any], *, fill: int) -> NDArray[Any]:
    """Centre a picture on a square ground of its longest side.

    Args:
        array: (h, w) or (h, w, 3).
        fill: value of the ground, 0 (black) to the highest of the type.
    """
    height, width = array.shape[:2]
    side = max(height, width)
    if height == width:
        return array
    square = np.full((side, side, *array.shape[2:]), fill, array.dtype)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = array
    return square
