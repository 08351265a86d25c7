"""The exposed field of a radiograph where collimator or film edge lie askew on a noisy ground.

`xray.find_field` takes off upright margins of black or white. Here each side of the picture may
end in a straight edge that is tilted, and what lies beyond it may have any level and some noise:
scatter behind a collimator, the white light-box around a digitised film, a frame in a frame.
Only even ground that ends in a straight step is cut. A body's outline against air is no
straight step, and whatever lies inside the edges is left as it is, side markers too.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.pixels.transforms.resample import resize

_THUMB_SIDE = 192  # px; edges are looked for on a copy of this size
_EACH = 4  # pixels averaged along either side for one of the copy; enough against noise
_ROUNDS = 3  # a digitised film has a light-box, a film edge and a collimator
_TILT_DEG = 12.0  # a collimator stands no further askew
_SLOPES = np.tan(np.radians(np.linspace(-_TILT_DEG, _TILT_DEG, 41)))
_QUANTILES = np.array([0, 2, 4, 6, 10, 15, 20, 30, 40, 50, 60, 75]) / 100
_LEAST_TOLERANCE, _MOST_TOLERANCE = 8, 24  # of 255, around the level of the ground
_NOISE_SPANS = 4.0  # median deviations of the ground that still count as ground
_LEAST_STEP = 30  # of 255, from the ground to what lies just inside the edge
_MOST_STRANGERS = 0.08  # of the edge's length; a letter in the ground may stick out
_LEAST_SUPPORT = 0.8  # of the edge's length, where the ground ends in a step on the edge
_LEAST_LENGTH = 0.35  # of the side; a shorter edge may be an arm's
_ON_EDGE = 1.0  # px of the copy
_ELSEWHERE = 0.1  # of the side; ground that goes on further than this belongs to other edges
_LEAST_GAIN = 0.006  # of the copy; a cut that takes less is not worth its risk
_LEAST_KEPT = 0.3  # of either side; a smaller field is more likely a wrong guess
_INSET = 1.0  # px of the copy; the edge itself is half ground


@dataclass(frozen=True, slots=True)
class Field:
    """A convex field inside a picture.

    Attributes:
        edges: (n, 3) float64; inside is where x a + y b >= c for each row (a, b, c), with x and
            y in shares of the picture's width and height, 0 at the left and top edge.
        box: (top, bottom, left, right) around the field, in pixels of the picture.
    """

    edges: NDArray[np.float64]
    box: tuple[int, int, int, int]

    def inside(self, shape: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
        """Draw the field within its box.

        Args:
            shape: (height, width) of the picture.
            size: (height, width) that the box is resampled to.

        Returns:
            (height, width) bool, True inside.
        """
        top, bottom, left, right = self.box
        y = (top + (np.arange(size[0]) + 0.5) * (bottom - top) / size[0]) / shape[0]
        x = (left + (np.arange(size[1]) + 0.5) * (right - left) / size[1]) / shape[1]
        return _inside(self.edges, y, x)


def find_collimation(grey: NDArray[Any]) -> Field | None:
    """Find the field inside straight, possibly tilted edges.

    Args:
        grey: (h, w), uint8 or uint16.

    Returns:
        The field, or None where no side ends in such an edge. An edge that would leave less
        than 30 % of a side does not count.
    """
    thumb = _thumb(grey)
    if thumb is None:
        return None
    height, width = thumb.shape
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    edges: list[tuple[float, float, float]] = []
    inside = np.ones(thumb.shape, bool)
    for _ in range(_ROUNDS):
        before = len(edges)
        for side in range(4):
            line = _edge(np.rot90(thumb, side), np.rot90(inside, side))
            if line is None:
                continue
            edge = _in_shares(*line, side=side, height=height, width=width)
            left_over = inside & _inside(np.array([edge]), y, x)
            if _is_large(left_over):
                edges.append(edge)
                inside = left_over
        if len(edges) == before:
            break
    if not edges:
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = (
        rows[0] * grey.shape[0] // height,
        -(-(rows[-1] + 1) * grey.shape[0] // height),
        columns[0] * grey.shape[1] // width,
        -(-(columns[-1] + 1) * grey.shape[1] // width),
    )
    top, bottom, left, right = (int(edge) for edge in box)
    return Field(np.array(edges), (top, bottom, left, right))


def _thumb(grey: NDArray[Any]) -> NDArray[np.int16] | None:
    """Return a small copy stretched to 0 … 255, without specks; None where nothing varies."""
    step = max(1, max(grey.shape) // (_EACH * _THUMB_SIDE))
    grey = np.ascontiguousarray(grey[::step, ::step])
    factor = min(1.0, _THUMB_SIDE / max(grey.shape))
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    small = resize(grey, height=height, width=width).astype(np.float32)
    low, high = np.percentile(small, [0.5, 99.5])
    if high <= low or min(height, width) < _THUMB_SIDE // 8:
        return None
    stretched = np.clip((small - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    thumb: NDArray[np.int16] = cv2.medianBlur(stretched, 3).astype(np.int16)
    return thumb


def _is_large(inside: NDArray[np.bool_]) -> bool:
    shares = (inside.any(axis=axis).mean() for axis in (0, 1))
    return all(share >= _LEAST_KEPT for share in shares)


def _inside(
    edges: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.bool_]:
    inside = np.ones((len(y), len(x)), bool)
    for a, b, c in edges:
        inside &= x[None, :] * a + y[:, None] * b >= c
    return inside


def _in_shares(
    slope: float, offset: float, *, side: int, height: int, width: int
) -> tuple[float, float, float]:
    """Turn `row >= offset + slope * column`, seen with `side` on top, into shares of the picture.

    `np.rot90(picture, side)` brings to the top: 0 the top, 1 the right, 2 the bottom, 3 the left.
    """
    # Pixel edges, not centres: row + 0.5 over height, and the same for columns.
    offset = offset + 0.5 - 0.5 * slope
    match side:
        case 0:
            return -slope * width, height, offset
        case 1:  # row = width - x, column = y
            return -width, -slope * height, offset - width
        case 2:  # row = height - y, column = width - x
            return slope * width, -height, offset - height + slope * width
        case _:  # row = x, column = height - y
            return width, slope * height, offset + slope * height


def _edge(seen: NDArray[np.int16], inside: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Find the straight step in which even ground at the top ends.

    Returns:
        slope and offset in pixels, so that row >= offset + slope * column is the field.
    """
    start = np.argmax(inside, axis=0)  # (w,): the first row of the field
    open_columns = np.flatnonzero(inside.any(axis=0))
    if len(open_columns) < _THUMB_SIDE // 8:
        return None
    best, found = _LEAST_GAIN * seen.size, None
    for level, tolerance in _grounds(seen, start, open_columns):
        ground = (np.abs(seen - level) <= tolerance) | ~inside
        depth = np.where(ground.all(axis=0), len(ground), np.argmin(ground, axis=0))
        just_inside = np.minimum(depth + 2, len(seen) - 1)
        there = just_inside, np.arange(seen.shape[1])
        step = np.abs(seen[there] - level)
        # Ground that goes on to the far end has no step of its own.
        steep = inside[there] & (step >= max(_LEAST_STEP, 1.5 * tolerance))
        gain, slope, offset = _straightest(depth, start, steep, open_columns)
        if gain > best:
            best, found = gain, (slope, offset + _INSET)
    return found


def _grounds(
    seen: NDArray[np.int16], start: NDArray[np.int64], columns: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Guess level and tolerance of the ground: in both corners and in the middle of the top."""
    rows = np.minimum(start[columns][None, :] + np.array([[1], [2]]), len(seen) - 1)
    strip = seen[rows, columns]  # (2, n)
    tenth = max(4, len(columns) // 10)
    grounds: list[tuple[int, int]] = []
    for part in (strip, strip[:, :tenth], strip[:, -tenth:]):
        level = int(np.median(part))
        noise = _NOISE_SPANS * float(np.median(np.abs(part - level)))
        if noise <= _MOST_TOLERANCE and all(abs(level - known) > 4 for known, _ in grounds):
            grounds.append((level, max(_LEAST_TOLERANCE, round(noise))))
    return grounds


def _straightest(
    depth: NDArray[np.int64],
    start: NDArray[np.int64],
    steep: NDArray[np.bool_],
    columns: NDArray[np.int64],
) -> tuple[float, float, float]:
    """Fit the line that cuts off most ground; returns the gain (0 for none), slope and offset.

    Args:
        depth: (w,) row at which the ground of each column ends.
        start: (w,) row at which the field began so far.
        steep: (w,) whether the ground ends in a step there.
        columns: those that hold a part of the field.
    """
    depth, start, steep = depth[columns], start[columns], steep[columns]
    if np.mean(steep & (depth > start)) < _LEAST_LENGTH:  # most sides of most films end here
        return 0.0, 0.0, 0.0
    level = depth - _SLOPES[:, None] * columns  # (slopes, n)
    offsets = np.quantile(level, _QUANTILES, axis=1).T  # (slopes, quantiles)
    line = offsets[:, :, None] + _SLOPES[:, None, None] * columns  # (slopes, quantiles, n)
    counted = line > start + 0.5
    ends = counted & (depth <= line + _ELSEWHERE * len(columns))
    length = np.maximum(ends.sum(axis=2), 1)
    strangers = (ends & (line > depth + _ON_EDGE)).sum(axis=2) / length
    steps = (ends & steep & (np.abs(line - depth) <= _ON_EDGE)).sum(axis=2)
    gain = np.where(counted, np.minimum(line, depth) - start, 0).sum(axis=2)
    fits = (
        (strangers <= _MOST_STRANGERS)
        & (steps >= _LEAST_SUPPORT * length)
        & (steps >= _LEAST_LENGTH * len(columns))
    )
    gain = np.where(fits, gain, 0)
    slope, offset = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return float(gain[slope, offset]), float(_SLOPES[slope]), float(offsets[slope, offset])
