"""How blurred a picture is, as one number that needs no sharp picture to compare with."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_REBLUR = 9  # px, the filter of the paper
_TILES = 3  # along either side
_LEAST_CONTENT = 2.0  # of 255, standard deviation; a flat tile is neither sharp nor blurred
_GRAIN = 3  # px; averaged first, so that quantisation and sensor noise do not pass for detail


def blur_of(grey: NDArray[np.uint8]) -> float:
    """Measure the blur of a picture by blurring it again (Crete et al., SPIE 6492, 2007).

    A sharp picture loses most of its differences between neighbours when it is blurred, a blurred
    one hardly any. The worse of the two directions counts, so that motion is found too. It is the
    median of nine tiles: neither one soft cloud nor one sharp wire decides.

    Args:
        grey: (h, w) uint8, at least 12 on either side, about as small as a model would see it.

    Returns:
        Blur in [0, 1]; 0 where there is nothing that could be blurred.
    """
    smooth = cv2.blur(grey.astype(np.float32), (_GRAIN, _GRAIN))
    tiles = [
        np.ascontiguousarray(tile)
        for band in np.array_split(smooth, _TILES, axis=0)
        for tile in np.array_split(band, _TILES, axis=1)
    ]
    told = [
        max(_blur_along(tile), _blur_along(tile.T.copy())) for tile in tiles if _has_content(tile)
    ]
    return float(np.median(told)) if told else 0.0


def _has_content(tile: NDArray[Any]) -> bool:
    return tile.size > 0 and float(tile.std()) >= _LEAST_CONTENT


def _blur_along(grey: NDArray[Any]) -> float:
    again = cv2.blur(grey, (1, _REBLUR))
    before = np.abs(np.diff(grey, axis=0))
    after = np.abs(np.diff(again, axis=0))
    total = float(before.sum())
    return 1.0 - float(np.maximum(0, before - after).sum()) / total if total else 0.0
