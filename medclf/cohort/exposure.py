"""How bright and how coloured a picture is: numbers that know nothing of any shape.

If these alone tell the label, a model may learn the exposure, the stain or the camera
instead of the finding (`medclf.cohort.shortcut`).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_BINS = 20  # of the histogram: 12.8 grey levels each
_QUANTILES = (5, 25, 50, 75, 95)  # percent, of each colour
_LEVELS = np.arange(256) / 255


def names_of(channels: int) -> tuple[str, ...]:
    """Return the names of the statistics of a picture with 1 or 3 channels."""
    if channels == 1:
        return ("mean", "deviation", *(f"share of level {bin_}" for bin_ in range(_BINS)))
    of_one = ("mean", "deviation", *(f"{q} % quantile" for q in _QUANTILES))
    colours = (f"{what} of {colour}" for colour in ("red", "green", "blue") for what in of_one)
    return (*colours, "mean saturation")


def statistics_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the intensity or colour statistics of a picture.

    Args:
        picture: (h, w) or (h, w, 3) uint8, RGB.

    Returns:
        (22,) float64, each in [0, 1]. Grey: mean, standard deviation and the shares of
        pixels in 20 equal ranges of brightness. Colour: of each channel mean, standard
        deviation and five quantiles, then the mean saturation.
    """
    if picture.ndim == 2:
        shares = _shares(picture)
        bins = np.arange(256) * _BINS // 256
        return np.array([*_moments(shares), *np.bincount(bins, weights=shares)])
    found: list[float] = []
    for channel in range(3):
        shares = _shares(picture[:, :, channel])
        reached = np.searchsorted(np.cumsum(shares), np.array(_QUANTILES) / 100)
        found += [*_moments(shares), *_LEVELS[np.minimum(reached, 255)]]
    hsv: NDArray[np.uint8] = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV).astype(np.uint8)
    return np.array([*found, _moments(_shares(hsv[:, :, 1]))[0]])


def _shares(channel: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of pixels at each of 256 levels; every statistic follows from it."""
    shares: NDArray[np.float64] = np.bincount(channel.ravel(), minlength=256) / channel.size
    return shares


def _moments(shares: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation."""
    mean = float(shares @ _LEVELS)
    return mean, float(np.sqrt(shares @ (_LEVELS - mean) ** 2))
