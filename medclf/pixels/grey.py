"""The grey-scale pipeline of PS3.3 C.11: stored values to what a person would see.

The whole pipeline is a function of one stored value, so it is computed once for every value
there can be, in float64, and looked up for the pixels: exact and fast.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medclf.dicom.reading import text_of
from medclf.pixels.stored import Stored
from medclf.pixels.window import Rescale, read_lookup, read_modality, read_window

_WHOLE = 1e-6  # how near to a whole eight-bit level counts as one; float64 rounding is far below


def render_grey(stored: Stored, dataset: Dataset, *, bits_stored: int) -> NDArray[Any]:
    """Apply padding, Modality LUT, VOI LUT or window, and polarity.

    Args:
        stored: (rows, columns) of stored values, MONOCHROME1 or MONOCHROME2.
        dataset: gives the tables and windows, as `of_frame` tells them of one frame.
        bits_stored: the full range when it is 8 or less and no VOI is given.

    Returns:
        (rows, columns), bright is high. uint8 when the source has at most 8 bits and nothing is
        lost by it (without a window it comes back as stored), else uint16 in full range.
        Padding pixels are 0, and so is what is no finite number.
    """
    patterns = stored.all_patterns
    values = stored.values_of(stored.patterns if patterns is None else patterns)
    padding = _padding(values, dataset, bits=stored.bits)
    if stored.floating:
        padding |= ~np.isfinite(values)
        values = np.where(padding, 0.0, values)
    modality = read_modality(dataset)
    mapped = modality.apply(values)
    shown = _voi(mapped, dataset)
    given = shown is not None
    if shown is not None:
        unit = shown
    elif bits_stored <= 8:
        low = -(1 << (bits_stored - 1)) if stored.signed else 0
        legal = np.arange(low, low + (1 << bits_stored))
        unit = _stretch(mapped, between=modality.apply(legal))
    elif patterns is None:
        unit = _stretch(mapped, between=mapped[~padding])
    else:
        # Rescaling keeps order, so that the extremes are enough, and eight times faster to find.
        ordered = isinstance(modality, Rescale) and not padding.any()
        extremes = _extremes(stored) if ordered else None
        used = _used(stored.patterns, values.size) & ~padding if extremes is None else extremes
        unit = _stretch(mapped, between=mapped[used])
    inverse = text_of(dataset, "PresentationLUTShape").upper() == "INVERSE"
    if inverse or stored.photometric == "MONOCHROME1":  # PS3.3 C.8.11.3.1.2: they mean the same
        unit = 1.0 - unit
    unit = np.where(padding, 0.0, unit)
    levels = unit * 255
    whole = not given or bool((np.abs(levels - np.rint(levels)) < _WHOLE).all())
    if bits_stored <= 8 and whole:
        table: NDArray[Any] = np.rint(levels).astype(np.uint8)
    else:
        table = np.rint(unit * 65535).astype(np.uint16)
    if patterns is None:
        return table
    if stored.patterns.dtype == np.uint8 and np.array_equal(table, patterns):
        return stored.patterns
    return _look_up(table, stored.patterns)


def _look_up(table: NDArray[Any], patterns: NDArray[Any]) -> NDArray[Any]:
    """Return `table[patterns]`; OpenCV is six times faster where it takes 16-bit values."""
    try:
        return cv2.LUT(np.ascontiguousarray(patterns), table)
    except cv2.error:
        return np.take(table, patterns)


def _extremes(stored: Stored) -> list[int] | None:
    """Return the lowest and the highest container found; None where their order is another."""
    if stored.signed or stored.shift:
        return None
    low, high, _, _ = cv2.minMaxLoc(np.ascontiguousarray(stored.patterns))
    return [int(low), int(high)] if high < 1 << stored.bits else None


def _used(patterns: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Say of every possible container whether any pixel has it."""
    whole = np.ascontiguousarray(patterns)
    histogram = cv2.calcHist([whole], [0], None, [count], [0, count])
    return histogram.ravel() > 0


def _padding(values: NDArray[Any], dataset: Dataset, *, bits: int) -> NDArray[np.bool_]:
    """Mark padding values (PS3.3 C.7.5.1.1.2); a range is inclusive at both ends."""
    if values.dtype.kind == "f":
        return _float_padding(values, dataset)
    first = _stored_number(dataset, "PixelPaddingValue", values, bits=bits)
    if first is None:
        return np.zeros(values.shape, bool)
    last = _stored_number(dataset, "PixelPaddingRangeLimit", values, bits=bits)
    low, high = sorted((first, first if last is None else last))
    return (values >= low) & (values <= high)


def _float_padding(values: NDArray[np.float64], dataset: Dataset) -> NDArray[np.bool_]:
    """Mark padding among floating-point values (PS3.3 C.7.6.24 and C.7.6.25)."""
    for prefix in ("Float", "DoubleFloat"):
        try:
            first = float(text_of(dataset, f"{prefix}PixelPaddingValue"))
        except ValueError:
            continue
        limit = text_of(dataset, f"{prefix}PixelPaddingRangeLimit")
        low, high = sorted((first, float(limit) if limit else first))
        return (values >= low) & (values <= high)
    return np.zeros(values.shape, bool)


def _stored_number(
    dataset: Dataset, keyword: str, values: NDArray[np.int64], *, bits: int
) -> int | None:
    text = text_of(dataset, keyword)
    try:
        number = int(text)
    except ValueError:
        return None
    # Written unsigned although the pixels are signed, or the reverse: common slips, told by range.
    if values.min() < 0 and number >= 1 << (bits - 1):
        return number - (1 << 16)
    return number + (1 << 16) if values.min() >= 0 and number < 0 else number


def _voi(mapped: NDArray[np.float64], dataset: Dataset) -> NDArray[np.float64] | None:
    """Return each value's brightness in [0, 1]; None where no VOI LUT or window is given."""
    table = read_lookup(dataset, "VOILUTSequence")
    if table is not None:
        return np.clip(table.apply(mapped) / table.top, 0, 1)
    window = read_window(dataset)
    return None if window is None else window.apply(mapped)


def _stretch(mapped: NDArray[np.float64], *, between: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map the extremes of `between` to 0 and 1; 0 everywhere when there is only one value."""
    if between.size == 0 or between.min() == between.max():
        return np.zeros(mapped.shape)
    bottom, top = between.min(), between.max()
    stretched: NDArray[np.float64] = np.clip((mapped - bottom) / (top - bottom), 0, 1)
    return stretched
