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
_WIDEST_GAP = 0.9  # of a letter's height; a blank is about a third of it
_WIDEST_OVERLAP = 0.1  # of a letter's height; slanted letters reach over each other
_LEAST_SHARED_HEIGHT = 0.75  # of the higher of two neighbours
_HEIGHT_RATIO = 1.35  # between two neighbours
_MOST_PIECES = 2000  # at one contrast; more are grain or texture, in which no line can be trusted
_MOST_CANDIDATES = 400  # the highest ones; comparing them all would take long


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
    grey: NDArray[Any],
    *,
    bright: bool,
) -> list[TextLine]:
    """Find what looks like lines of letters.

    A white top-hat (Serra 1982) keeps what is thinner than a stroke and brighter than its ground,
    a black one what is darker; connected pieces of it that have the shape of a letter are chained
    from left to right.

    Args:
        grey: (h, w) uint8, about 600 pixels on its longest side.
        bright: letters on darker ground, else dark ones on brighter ground.

    Returns:
        Lines of two letters and more at every contrast, hence some twice.
    """
    longest = max(grey.shape)
    stroke = max(_LEAST_STROKE, round(_STROKE * longest)) | 1
    kernel = np.ones((stroke, stroke), np.uint8)
    found: list[TextLine] = []
    hat = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT, kernel)
    for contrast in _CONTRASTS:
        _, mask = cv2.threshold(hat, contrast - 1, 1, cv2.THRESH_BINARY)
        letters = _letter_shaped(_pieces(mask), highest=_HIGHEST_LETTER * longest)
        found += _chained(letters)
    return found


def _pieces(mask: NDArray[Any]) -> NDArray[np.int32]:
    """Return the boxes (n, 4: left, top, width, height) of connected pieces.

    Outlines are followed because that takes a sixth of the time of labelling the pixels.
    """
    outlines, levels = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines or len(outlines) > _MOST_PIECES:
        return np.empty((0, 4), np.int32)
    outer = levels[0, :, 3] < 0  # the others are holes
    kept = [outline for outline, is_outer in zip(outlines, outer, strict=True) if is_outer]
    return np.array([cv2.boundingRect(outline) for outline in kept], np.int32)


def _letter_shaped(boxes: NDArray[np.int32], *, highest: float) -> NDArray[np.float64]:
    """Keep boxes that can hold a letter, sorted by their left edge."""
    _, _, width, height = boxes.T
    fits = (
        (height >= _LEAST_LETTER)
        & (height <= highest)
        & (width <= _WIDEST * height)
        & (width >= _NARROWEST * height)
    )
    kept = boxes[fits].astype(np.float64)
    if len(kept) > _MOST_CANDIDATES:
        kept = kept[np.argsort(-kept[:, 3], kind="stable")[:_MOST_CANDIDATES]]
    by_left: NDArray[np.float64] = kept[np.argsort(kept[:, 0], kind="stable")]
    return by_left


def _chained(letters: NDArray[np.float64]) -> list[TextLine]:
    """Chain each letter to the nearest fitting one on its right."""
    left, top, width, height = letters.T
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
