"""Describes what a surface looks like close by: its grain, and how regular that is."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

_NEIGHBOURS = 8
_SCALES = (1.0, 0.5, 0.25)  # of the picture, between which a pattern doubles in size
_LEVELS = 16  # grey levels of the co-occurrence matrix
_DISTANCES = (1, 3)  # pixels
_ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PROPERTIES = ("contrast", "homogeneity", "energy", "correlation", "entropy")


def texture_of(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return local binary patterns at three scales, and figures of co-occurring grey levels.

    Patterns are uniform and do not change when the picture is turned: Ojala, Pietikäinen &
    Mäenpää 2002, IEEE Transactions on Pattern Analysis and Machine Intelligence 24:971, in a
    pyramid after Mäenpää & Pietikäinen 2003, SCIA. Co-occurrence after Haralick, Shanmugam &
    Dinstein 1973, IEEE Transactions on Systems, Man and Cybernetics 3:610, of each figure the
    mean and the range over four directions.

    Args:
        grey: (h, w) uint8, 32 × 32 at least.

    Returns:
        (50,) float64: 3 × 10 shares of patterns as square roots, then 5 figures × 2 distances
        as means and as ranges.
    """
    return np.concatenate([*(_patterns(grey, scale) for scale in _SCALES), _co_occurrence(grey)])


def _patterns(grey: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
    codes = local_binary_pattern(grey, _NEIGHBOURS, 1, method="uniform").astype(np.intp)
    shares = np.bincount(codes.ravel(), minlength=_NEIGHBOURS + 2) / codes.size
    return np.asarray(np.sqrt(shares), dtype=np.float64)


def _co_occurrence(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    levels = grey // np.uint8(256 // _LEVELS)
    matrix = graycomatrix(levels, _DISTANCES, _ANGLES, levels=_LEVELS, symmetric=True, normed=True)
    figures = np.stack([graycoprops(matrix, name) for name in _PROPERTIES])  # (5, distances, 4)
    return np.concatenate([figures.mean(axis=2).ravel(), np.ptp(figures, axis=2).ravel()])
