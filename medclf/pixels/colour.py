"""Colour pictures: palettes, YBR and depth to full-range RGB (PS3.3 C.7.6.3.1.2 and C.7.9)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from medclf.errors import PixelsRefused
from medclf.pixels.stored import Stored
from medclf.reasons import Reason

# The retired form with head- and footroom (PS3.3 2004 C.7.6.3.1.2; ITU-R BT.601): RGB in rows.
_PARTIAL = np.array(
    [[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]]
)
_PARTIAL_ZERO = np.array([16.0, 128.0, 128.0])
_FULL = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])


def render_colour(stored: Stored) -> NDArray[Any]:
    """Turn RGB or YBR samples into RGB.

    Args:
        stored: (rows, columns, 3), unsigned, RGB or one of the YBR forms.

    Returns:
        (rows, columns, 3) RGB: uint8 up to 8 bits, as stored where it is 8 and RGB; else uint16
        in full range.
    """
    patterns = stored.patterns
    if stored.photometric != "RGB":
        return _from_ybr(stored)
    target = 8 if stored.bits <= 8 else 16
    if stored.bits == target and patterns.dtype.itemsize * 8 == target:
        return patterns
    values = stored.values_of(patterns).astype(np.float64)
    scaled = values * (((1 << target) - 1) / ((1 << stored.bits) - 1))
    return np.rint(scaled).astype(np.uint8 if target == 8 else np.uint16)


def _from_ybr(stored: Stored) -> NDArray[Any]:
    """Undo PS3.3 C.7.6.3.1.2 at any depth; 8 bits in full range go pydicom's way."""
    partial = stored.photometric.startswith("YBR_PARTIAL")
    if not partial and stored.bits == 8 and stored.patterns.dtype == np.uint8:
        return convert_color_space(np.ascontiguousarray(stored.patterns), "YBR_FULL", "RGB")
    top, half = (1 << stored.bits) - 1, 1 << (stored.bits - 1)
    samples = stored.values_of(stored.patterns).astype(np.float64)
    zero = _PARTIAL_ZERO * half / 128 if partial else np.array([0.0, half, half])
    colours = (samples - zero) @ np.linalg.inv(_PARTIAL if partial else _FULL).T
    unit = np.clip(colours / top, 0, 1)
    if stored.bits <= 8:
        return np.rint(unit * 255).astype(np.uint8)
    return np.rint(unit * 65535).astype(np.uint16)


def render_palette(stored: Stored, dataset: Dataset) -> NDArray[np.uint8]:
    """Look PALETTE COLOR indices up.

    Entries of 16 bits keep their high byte, whether the maker scaled by 256 or by 257; tables
    that announce 16 bits but hold nothing above 255 are taken as 8-bit ones.

    Args:
        stored: (rows, columns) of indices.
        dataset: holds the palette, plain or segmented.

    Returns:
        (rows, columns, 3) uint8 RGB.

    Raises:
        PixelsRefused: PIXELS_UNDECODABLE for indices of more than 16 bits.
    """
    patterns = stored.all_patterns
    if patterns is None:
        raise PixelsRefused(Reason.PIXELS_UNDECODABLE, "Palette indices have more than 16 bits.")
    descriptor = dataset.RedPaletteColorLookupTableDescriptor
    count, first = int(descriptor[0]) or 1 << 16, int(descriptor[1])
    values = stored.values_of(patterns).clip(first, first + count - 1)
    table = apply_color_lut(values, dataset)[:, :3]  # (patterns, 3)
    if table.dtype != np.uint8:
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8)
    return np.take(table, stored.patterns, axis=0)
