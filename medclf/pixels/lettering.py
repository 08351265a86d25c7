"""Finds lines of letters burned into a picture, without reading them.

Letters are thin, stand out from what lies behind them, are equally high and follow each other
at small distances. Ribs are too wide, wires too long, side markers (`L`, `R`) alone. Nothing is
recognised: the answer is where there seems to be a line and of how many letters.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Of 255: how far a letter rises above its ground. Low ones find faint letters; high ones part
# letters that a soft edge has glued together.
_CONTRASTS = (50, 100, 150)
_STROKE = 0.015  # of the longest side; what is thicker than this is no stroke of a letter
_LEAST_STROKE = 5  # px
_LEAST_LETTER = 5  # px high; below, letters cannot be told from grain
_HIGHEST_LETTER = 0.06  # of the longest side
_WIDEST = 1.6  # of a letter's height; an M is as wide as high
_NARROWEST = 0.12  # of a letter's height; an I
_LEAST_INK = 0.15  # of a letter's box
_WIDEST_GAP = 0.9  # of a letter's height; a blank is about a third of it
_WIDEST_OVERLAP = 0.1  # of a letter's height; slanted letters reach over each other
_LEAST_SHARED_HEIGHT = 0.75  # of the higher of two neighbours
_HEIGHT_RATIO = 1.35  # between two neighbours
_MOST_CANDIDATES = 400  # the highest ones; more are texture, and comparing them would take long


@dataclass(frozen=True, slots=True)
class TextLine:
    """What looks like a line of letters, in pixels of the array that was searched.

    Attributes:
        letters: how many follow each other.
        left: of the box around them.
        top: of the box around them.
        right: one beyond the box.
        bottom: one beyond the box.
    """

    letters: int
    left: int
    top: int
    right: int
    bottom: int


def text_lines(
    grey: NDArray[np.uint8],
    *,
    bright: bool = True,
    dark: bool = True,
    contrasts: tuple[int, ...] = _CONTRASTS,
) -> list[TextLine]:
    """Find what looks like lines of letters.

    A white top-hat (Serra 1982) keeps what is thinner than a stroke and brighter than its ground,
    a black one what is darker; connected pieces of it that have the shape of a letter are chained
    from left to right.

    Args:
        grey: (h, w) uint8, about 600 pixels on its longest side.
        bright: look for bright letters on darker ground.
        dark: look for dark letters on brighter ground.
        contrasts: of 255, tried one after the other.

    Returns:
        Lines of two letters and more at every contrast, hence some twice.
    """
    longest = max(grey.shape)
    stroke = max(_LEAST_STROKE, round(_STROKE * longest)) | 1
    kernel = np.ones((stroke, stroke), np.uint8)
    found: list[TextLine] = []
    for wanted, how in ((bright, cv2.MORPH_TOPHAT), (dark, cv2.MORPH_BLACKHAT)):
        if not wanted:
            continue
        hat = cv2.morphologyEx(grey, how, kernel)
        for contrast in contrasts:
            _, mask = cv2.threshold(hat, contrast - 1, 1, cv2.THRESH_BINARY)
            _, _, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
            letters = _letter_shaped(boxes[1:], highest=_HIGHEST_LETTER * longest)
            found += _chained(letters)
    return found


def _letter_shaped(boxes: NDArray[np.int32], *, highest: float) -> NDArray[np.float64]:
    """Keep boxes (n, 5: left, top, width, height, area) that can hold a letter, by their left."""
    _, _, width, height, area = boxes.T
    fits = (
        (height >= _LEAST_LETTER)
        & (height <= highest)
        & (width <= _WIDEST * height)
        & (width >= _NARROWEST * height)
        & (area >= _LEAST_INK * width * height)
    )
    kept = boxes[fits].astype(np.float64)
    if len(kept) > _MOST_CANDIDATES:
        kept = kept[np.argsort(-kept[:, 3], kind="stable")[:_MOST_CANDIDATES]]
    return kept[np.argsort(kept[:, 0], kind="stable")]


def _chained(letters: NDArray[np.float64]) -> list[TextLine]:
    """Chain each letter to the nearest fitting one on its right."""
    left, top, width, height, _ = letters.T
    right, bottom = left + width, top + height
    higher = np.maximum(height[:, None], height[None, :])  # (n, n) each, from row to column
    lower = np.minimum(height[:, None], height[None, :])
    shared = np.minimum(bottom[:, None], bottom[None, :]) - np.maximum(top[:, None], top[None, :])
    gap = left[None, :] - right[:, None]
    follows = (
        (left[None, :] > left[:, None])
        & (gap >= -_WIDEST_OVERLAP * height[:, None])
        & (gap <= _WIDEST_GAP * height[:, None])
        & (shared >= _LEAST_SHARED_HEIGHT * higher)
        & (higher <= _HEIGHT_RATIO * lower)
    )
    lines = []
    free = np.ones(len(letters), np.bool_)
    for start in np.flatnonzero(follows.any(axis=1)).tolist():
        chain: list[Any] = [start] if free[start] else []
        while chain:
            after = np.flatnonzero(follows[chain[-1]] & free)  # in order of their left
            if not len(after):
                break
            chain.append(int(after[0]))
        if len(chain) > 1:
            free[chain] = False
            lines.append(
                TextLine(
                    letters=len(chain),
                    left=int(left[chain].min()),
                    top=int(top[chain].min()),
                    right=int(right[chain].max()),
                    bottom=int(bottom[chain].max()),
                )
            )
    return lines
