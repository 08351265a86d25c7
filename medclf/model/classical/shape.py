"""Describes where edges run and in which direction: the coarse shape of what is seen."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

_SIDE, _CELL, _BLOCK, _DIRECTIONS = 128, 16, 2, 9  # pixels, pixels, cells, over 180 degrees


def shape_of(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return histograms of oriented gradients.

    Dalal & Triggs 2005, Histograms of oriented gradients for human detection, CVPR; their nine
    directions, two by two cells in a block and clipped norm (L2-Hys), over a grid of 8 × 8
    cells.

    Args:
        grey: (h, w) uint8; averaged to 128 × 128.

    Returns:
        (1764,) float64 in [0, 1].
    """
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    found = hog(
        small,
        orientations=_DIRECTIONS,
        pixels_per_cell=(_CELL, _CELL),
        cells_per_block=(_BLOCK, _BLOCK),
        block_norm="L2-Hys",
    )
    return np.asarray(found, dtype=np.float64)
