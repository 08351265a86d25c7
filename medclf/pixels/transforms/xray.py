"""Radiographs to a square of eight bits: margins off, exposure evened out, aspect kept.

A picture that already has the target size is taken as prepared elsewhere and passes untouched.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medclf.config import Config
from medclf.pixels.transforms.resample import (
    as_uint8,
    fitted_size,
    luminance,
    pad_to_square,
    resize,
)

_THUMB_SIDE = 256  # px; margins are found on a copy of about this size
_MARGIN_LEVEL = 0.04  # of the picture's range: as dark (or bright) as this is margin
_MARGIN_SHARE = 0.95  # of a line; the rest may be a side marker or a burned-in letter
_LEAST_KEPT = 0.3  # of either side; a smaller field is more likely a wrong guess
_LOW_CONTRAST = 128  # of 255; an eight-bit picture that uses less than half is stretched


class XrayOptions(Config):
    """How a radiograph becomes a square.

    Attributes:
        crop_border: take off near-constant black or white margins (collimation, film edge).
        window_low: percentile of the picture that becomes black, in percent.
        window_high: percentile of the picture that becomes white, in percent.
    """

    crop_border: bool = True
    window_low: float = Field(default=0.5, ge=0, le=20)
    window_high: float = Field(default=99.5, ge=80, le=100)


def prepare_xray(array: NDArray[Any], *, size: int, options: XrayOptions) -> NDArray[np.uint8]:
    """Turn a radiograph into a square of eight bits.

    Args:
        array: (h, w) or (h, w, 3), uint8 or uint16, full range. Colour becomes luminance.
        size: side of the result in pixels.
        options: what to do on the way.

    Returns:
        (size, size) uint8; padded with black where the field is not square.
    """
    grey = luminance(array)
    if grey.shape == (size, size) and grey.dtype == np.uint8:
        return grey
    if options.crop_border:
        top, bottom, left, right = find_field(grey)
        grey = grey[top:bottom, left:right]
    height, width = fitted_size(*grey.shape, size=size)
    small = resize(grey, height=height, width=width)
    return pad_to_square(_window(small, options), fill=0)


def find_field(grey: NDArray[Any]) -> tuple[int, int, int, int]:
    """Find the exposed field inside near-constant black or white margins.

    Args:
        grey: (h, w), uint8 or uint16.

    Returns:
        (top, bottom, left, right) in pixels, so that `grey[top:bottom, left:right]` is the
        field. A side of which less than 30 % would stay is left whole.
    """
    step = max(1, min(grey.shape) // _THUMB_SIDE)
    thumb = grey[::step, ::step].astype(np.float32)
    low, high = float(thumb.min()), float(np.percentile(thumb, 99))
    tolerance = _MARGIN_LEVEL * (high - low)
    if tolerance == 0:
        return 0, grey.shape[0], 0, grey.shape[1]
    margin = np.stack([thumb <= low + tolerance, thumb >= float(thumb.max()) - tolerance])
    rows, columns = slice(0, thumb.shape[0]), slice(0, thumb.shape[1])
    for _ in range(2):  # margin rows show only once margin columns are off, and the reverse
        rows = _inside(margin[:, :, columns].mean(axis=2), rows)
        columns = _inside(margin[:, rows, :].mean(axis=1), columns)
    return (*_full(rows, step, grey.shape[0]), *_full(columns, step, grey.shape[1]))


def _inside(share: NDArray[Any], whole: slice) -> slice:
    """Drop leading and trailing lines that are margin; `share` is (2, lines), black and white."""
    content = np.flatnonzero((share < _MARGIN_SHARE).all(axis=0))
    if content.size == 0 or content[-1] + 1 - content[0] < _LEAST_KEPT * share.shape[1]:
        return whole
    return slice(int(content[0]), int(content[-1]) + 1)


def _full(lines: slice, step: int, length: int) -> tuple[int, int]:
    stop = lines.stop * step
    return lines.start * step, length if stop + step > length else stop


def _window(grey: NDArray[Any], options: XrayOptions) -> NDArray[np.uint8]:
    """Stretch between two percentiles; ordinary eight-bit pictures come back as they are."""
    low, high = np.percentile(grey, [options.window_low, options.window_high])
    if high <= low or (grey.dtype == np.uint8 and high - low >= _LOW_CONTRAST):
        return as_uint8(grey)
    levels = (grey.astype(np.float32) - low) * (255.0 / (high - low))
    rounded: NDArray[np.uint8] = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return rounded
