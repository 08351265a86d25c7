"""Radiographs to a square: margins off, exposure evened out, aspect kept.

A picture that already has the target size is taken as prepared elsewhere and passes untouched.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medclf.config import Config
from medclf.pixels.transforms.collimation import find_collimation
from medclf.pixels.transforms.resample import (
    Bits,
    as_depth,
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
        collimation: then look for straight edges that are tilted, or that end a noisy ground
            (see `collimation`): crop to them and blacken what lies beyond.
        window_low: percentile of the picture that becomes black, in percent.
        window_high: percentile of the picture that becomes white, in percent.
    """

    crop_border: bool = True
    collimation: bool = False
    window_low: float = Field(default=0.5, ge=0, le=20)
    window_high: float = Field(default=99.5, ge=80, le=100)


def prepare_xray(
    array: NDArray[Any], *, size: int, options: XrayOptions, bits: Bits = 8
) -> NDArray[Any]:
    """Turn a radiograph into a square.

    Args:
        array: (h, w) or (h, w, 3), uint8 or uint16, full range, square pixels. Colour becomes
            luminance.
        size: side of the result in pixels.
        options: what to do on the way.
        bits: of the result.

    Returns:
        (size, size) uint8 or uint16; padded with black where the field is not square.
    """
    grey = luminance(array)
    if grey.shape == (size, size) and grey.dtype == np.uint8:
        return as_depth(grey, bits)
    if options.crop_border:
        top, bottom, left, right = find_field(grey)
        grey = grey[top:bottom, left:right]
    shallow = grey.dtype == np.uint8
    if bits == 16:
        grey = as_depth(grey, 16)
    field = find_collimation(grey) if options.collimation else None
    if field is None:
        height, width = fitted_size(*grey.shape, size=size)
        small = _window(resize(grey, height=height, width=width), options, bits, shallow=shallow)
        return pad_to_square(small, fill=0)
    top, bottom, left, right = field.box
    height, width = fitted_size(bottom - top, right - left, size=size)
    inside = field.inside((grey.shape[0], grey.shape[1]), (height, width))
    small = resize(grey[top:bottom, left:right], height=height, width=width)
    small = _window(small, options, bits, shallow=shallow, inside=inside)
    return pad_to_square(np.where(inside, small, small.dtype.type(0)), fill=0)


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


def _window(
    grey: NDArray[Any],
    options: XrayOptions,
    bits: Bits,
    *,
    shallow: bool,
    inside: NDArray[np.bool_] | None = None,
) -> NDArray[Any]:
    """Stretch between two percentiles; ordinary eight-bit pictures come back as they are.

    Args:
        grey: (h, w), uint8 or uint16, full range.
        options: which percentiles.
        bits: of the result.
        shallow: whether the picture came with eight bits.
        inside: (h, w), the pixels that the percentiles are taken of; None for all.
    """
    counted = grey if inside is None or not inside.any() else grey[inside]
    low, high = np.percentile(counted, [options.window_low, options.window_high])
    least = _LOW_CONTRAST * (1 if grey.dtype == np.uint8 else 257)
    if high <= low or (shallow and high - low >= least):
        return as_depth(grey, bits)
    white = (1 << bits) - 1
    levels = (grey.astype(np.float32) - low) * (white / (high - low))
    kind = np.uint8 if bits == 8 else np.uint16
    rounded: NDArray[Any] = np.rint(np.clip(levels, 0, white)).astype(kind)
    return rounded
