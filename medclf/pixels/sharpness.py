"""How blurred a picture is, as one number that needs no sharp picture to compare with."""

import cv2
import numpy as np
from numpy.typing import NDArray

_REBLUR = 9  # px, the filter of the paper
_GRAIN = 3  # px; averaged first, so that quantisation and sensor noise do not pass for detail


def blur_of(grey: NDArray[np.uint8]) -> float:
    """Measure the blur of a picture by blurring it again (Crete et al., SPIE 6492, 2007).

    A sharp picture loses most of its differences between neighbours when it is blurred, a blurred
    one hardly any. The worse of the two directions counts, so that motion is found too.

    Args:
        grey: (h, w) uint8, at least 16 on either side, about as small as a model would see it.

    Returns:
        Blur in [0, 1]; 1 for a picture without any difference.
    """
    smooth = cv2.blur(grey.astype(np.float32), (_GRAIN, _GRAIN))
    return max(_blur_along(smooth), _blur_along(np.ascontiguousarray(smooth.T)))


def _blur_along(grey: NDArray[np.float32]) -> float:
    again = cv2.blur(grey, (1, _REBLUR))
    before = np.abs(np.diff(grey, axis=0))
    after = np.abs(np.diff(again, axis=0))
    total = float(before.sum())
    if total == 0:
        return 1.0
    return 1.0 - float(np.maximum(0, before - after).sum()) / total
