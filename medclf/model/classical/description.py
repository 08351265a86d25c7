"""Describes a picture by colour, texture and shape, and many pictures on several threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.model.classical.colour import colour_of
from medclf.model.classical.shape import shape_of
from medclf.model.classical.texture import texture_of
from medclf.model.features import Pictures

SIDE = 224
"""Larger pictures are averaged down to so many pixels, which sets the scale of a texture."""

_AT_ONCE = 64  # pictures between two looks at progress and at Ctrl-C

Describe = Callable[[NDArray[Any]], NDArray[np.float64]]
"""(h, w) or (h, w, 3) picture → (d,) numbers."""


def describe(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float64], ...]:
    """Return what was known of a picture before deep learning.

    Args:
        picture: (h, w) or (h, w, 3) uint8, RGB, square.

    Returns:
        Colour, texture and shape, each (d,) float64; see the files of those names.
    """
    if max(picture.shape[:2]) > SIDE:
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        picture = small.astype(np.uint8)
    grey = picture
    if picture.ndim == 3:
        grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return colour_of(picture), texture_of(grey), shape_of(grey)


def describe_all(
    pictures: Pictures,
    rows: Sequence[int],
    of: Describe,
    *,
    threads: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float64]:
    """Describe some of the pictures, in their order.

    Args:
        pictures: prepared, usually memory-mapped.
        rows: which ones.
        of: gives the numbers of one picture.
        threads: how many at a time; NumPy, OpenCV and parts of scikit-image let others run.
        progress: told (done, total).

    Returns:
        (rows, d) float64; the same for any number of threads.
    """
    found: list[NDArray[np.float64]] = []
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(rows), _AT_ONCE):
            some = pictures[np.asarray(rows[start : start + _AT_ONCE])]
            found += pool.map(of, some)
            progress(len(found), len(rows))
    return np.array(found)
