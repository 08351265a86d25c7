"""Describes which colours a picture has, and not where."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_GREY_BINS = 32
_COLOUR_BINS = (8, 4, 4)  # hue, saturation, value
_HSV_LEVELS = (180, 256, 256)  # OpenCV halves the hue so that it fits eight bits
_HSV_RANGES = (0, 180, 0, 256, 0, 256)


def colour_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a histogram of colours with its moments.

    Joint histogram after Swain & Ballard 1991, Color indexing, International Journal of
    Computer Vision 7:11, each share as its square root (Hellinger's distance; Arandjelović &
    Zisserman 2012, CVPR); moments after Stricker & Orengo 1995, Similarity of color images,
    SPIE 2420:381.

    Args:
        picture: (h, w) or (h, w, 3) uint8, RGB.

    Returns:
        Grey: (35,) float64, 32 bins of brightness and three moments. Colour: (137,) float64,
        8 × 4 × 4 bins of hue, saturation and value and three moments of each. Bins in [0, 1],
        moments in [-1, 1].
    """
    if picture.ndim == 2:
        levels = _shares(picture, 256)
        return np.concatenate(
            [np.sqrt(levels.reshape(_GREY_BINS, -1).sum(axis=1)), _moments(levels)]
        )
    hsv = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(_COLOUR_BINS), list(_HSV_RANGES))
    joint = counts.ravel().astype(np.float64) / (hsv.shape[0] * hsv.shape[1])
    moments = [_moments(_shares(hsv[:, :, c], levels)) for c, levels in enumerate(_HSV_LEVELS)]
    return np.concatenate([np.sqrt(joint), *moments])


def _shares(channel: NDArray[Any], levels: int) -> NDArray[np.float64]:
    """Return the share of pixels at each level; the moments follow from it, quickly."""
    counts = cv2.calcHist([np.ascontiguousarray(channel)], [0], None, [levels], [0, levels])
    return np.asarray(counts.ravel().astype(np.float64) / channel.size)


def _moments(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean, deviation and the cube root of the third moment, of levels in [0, 1]."""
    levels = np.arange(len(shares)) / (len(shares) - 1)
    mean = shares @ levels
    away = levels - mean
    return np.array([mean, np.sqrt(shares @ away**2), np.cbrt(shares @ away**3)])
