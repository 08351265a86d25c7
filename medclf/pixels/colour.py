"""Colour pictures: palettes, YBR and depth to full-range RGB (PS3.3 C.7.6.3.1.2 and C.7.9)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from medclf.errors import PixelsRefused
from medclf.pixels.stored import Stored
from medclf.reasons import Reason


def render_colour(stored: Stored) -> NDArray[Any]:
    """Turn RGB or YBR samples into RGB.

    Args:
        stored: (rows, columns, 3), unsigned, RGB or YBR_FULL or YBR_FULL_422.

    Returns:
        (rows, columns, 3) RGB: uint8 up to 8 bits, as stored where it is 8 and RGB; else uint16
        in full range.

    Raises:
        PixelsRefused: PIXELS_UNDECODABLE for YBR of more than 8 bits.
    """
    patterns = stored.patterns
    if stored.photometric != "RGB":
        if patterns.dtype != np.uint8 or stored.bits != 8:
            raise PixelsRefused(
                Reason.PIXELS_UNDECODABLE,
                f"{stored.photometric} of {stored.bits} bits cannot be turned into RGB.",
                bits=stored.bits,
            )
        return convert_color_space(np.ascontiguousarray(patterns), "YBR_FULL", "RGB")
    target = 8 if stored.bits <= 8 else 16
    if stored.bits == target and patterns.dtype.itemsize * 8 == target:
        return patterns
    values = stored.values_of(patterns).astype(np.float64)
    scaled = values * (((1 << target) - 1) / ((1 << stored.bits) - 1))
    return np.rint(scaled).astype(np.uint8 if target == 8 else np.uint16)


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
