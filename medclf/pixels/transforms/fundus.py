"""Fundus photographs to a square around the retinal disc, so that all cameras look alike.

The disc is found on a small copy as the largest bright region on dark ground; its circle
gives centre and scale, also where the camera cut the disc at the top and the bottom.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medclf.config import Config
from medclf.pixels.transforms.resample import (
    Bits,
    as_depth,
    as_uint8,
    fitted_size,
    pad_to_square,
    resize,
)

_THUMB_SIDE = 256  # px; the disc is found on a copy of this size
_GROUND_SHARE = 0.10  # of the way from the ground to the bright retina counts as disc
_GROUND_FLOOR = 6  # of 255; sensor noise and JPEG ringing stay below this on black ground
_LEAST_AREA = 0.10  # of the frame; a smaller region is a reflex or a label
_OPENING = 5  # px on the small copy; takes off text and the camera's notch
_FRAME_EDGE = 2  # px on the small copy; nearer to the frame the outline is the cut, not the disc
_FIT_TOLERANCES = (0.06, 0.03, 0.02)  # of the radius; points further off are left out, in turn
_LEAST_POINTS = 40  # of the outline; fewer do not carry a circle
_LEAST_AGREEMENT = 0.8  # between fitted and enclosing circle; below it the fit went astray
_LOCAL_SIGMA = 30.0  # the radius by this (Graham 2015: a radius of 300 px, sigma 10 px)
_LEAST_RIM = 0.03  # of the radius; nearer to the outline the local average is ground, not retina


class FundusOptions(Config):
    """How a fundus photograph becomes a square.

    Attributes:
        crop_disc: centre and scale the picture by the retinal disc and blacken what is outside.
        margin: room left around the disc, as a share of its radius.
        local_average: subtract the local average colour (B. Graham, Kaggle Diabetic Retinopathy
            Detection competition report, 2015): 4 picture - 4 Gaussian + 128, the Gaussian's
            sigma a thirtieth of the radius; what lies outside the disc becomes 128.
        rim: share of the radius that `local_average` makes 128 too, inside the outline and along
            the lines where the camera cut the disc (Graham: 0.1). At 0 a ring of 3 % inside the
            outline alone; cuts then keep a bright and a dark line.
        laterality: `right` mirrors left eyes, so that the optic disc lies on the same side in
            all. Only the header tells the side (`Picture.laterality`): pictures without one, PNG
            among them, stay as they are.
    """

    crop_disc: bool = True
    margin: float = Field(default=0.01, ge=0, le=0.2)
    local_average: bool = False
    rim: float = Field(default=0, ge=0, le=0.2)
    laterality: Literal["as_is", "right"] = "as_is"


@dataclass(frozen=True, slots=True)
class Disc:
    """The retina's outline.

    Attributes:
        x: centre, in pixels from the left edge.
        y: centre, in pixels from the top edge.
        radius: in pixels.
        fill: share of the circle inside the frame that is bright, in [0, 1].
        contrast: how far the retina rises above the ground, in [0, 1].
        frame_share: share of the frame that the disc takes, in [0, 1].
    """

    x: float
    y: float
    radius: float
    fill: float
    contrast: float
    frame_share: float


def prepare_fundus(
    array: NDArray[Any],
    *,
    size: int,
    options: FundusOptions,
    bits: Bits = 8,
    laterality: str = "",
) -> NDArray[Any]:
    """Turn a fundus photograph into a square around its disc.

    Args:
        array: (h, w, 3), uint8 or uint16, full range, square pixels.
        size: side of the result in pixels.
        options: what to do on the way.
        bits: of the result.
        laterality: `L`, `R` or "", as the header says.

    Returns:
        (size, size, 3) uint8 or uint16. Without a disc, or without `crop_disc`, the whole frame
        on black.
    """
    if options.laterality == "right" and laterality == "L":
        array = np.ascontiguousarray(array[:, ::-1])
    disc = find_disc(array) if options.crop_disc else None
    if disc is None:
        height, width = fitted_size(*array.shape[:2], size=size)
        square = pad_to_square(_shrunk(array, height=height, width=width, bits=bits), fill=0)
        radius, retina = size / 2, None
    else:
        radius = size / 2 / (1 + options.margin)
        square, frame = _cut(array, disc, size=size, scale=radius / disc.radius, bits=bits)
        retina = _evened(frame, size=size, radius=radius, rim=options.rim)
    if options.local_average:
        square = _subtract_local_average(square, radius=radius, retina=retina)
    elif disc is not None:
        square *= _circle(size, radius)[:, :, np.newaxis]
    return square


def find_disc(array: NDArray[Any]) -> Disc | None:
    """Find the retinal disc of a photograph on dark ground.

    Args:
        array: (h, w, 3), uint8 or uint16, full range.

    Returns:
        The circle around the largest bright region, or None when no region takes a tenth of
        the frame.
    """
    height, width = array.shape[:2]
    factor = min(1.0, _THUMB_SIDE / max(height, width))
    thumb = resize(
        array, height=max(1, round(height * factor)), width=max(1, round(width * factor))
    )
    red, green, blue = cv2.split(as_uint8(thumb))
    light = cv2.max(cv2.max(red, green), blue)
    cumulative = np.cumsum(np.bincount(light.ravel(), minlength=256)) / light.size
    ground, bright = (float(np.searchsorted(cumulative, share)) for share in (0.01, 0.90))
    level = ground + max(_GROUND_FLOOR, _GROUND_SHARE * (bright - ground))
    opening = np.ones((_OPENING, _OPENING), np.uint8)
    mask = cv2.morphologyEx((light > level).astype(np.uint8), cv2.MORPH_OPEN, opening)
    count, regions, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[largest, cv2.CC_STAT_AREA] < _LEAST_AREA * mask.size:
        return None
    region = (regions == largest).astype(np.uint8)
    outline, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    x, y, radius = _fit_circle(max(outline, key=len)[:, 0, :], mask.shape)
    inside = np.zeros_like(region)
    cv2.circle(inside, (round(x), round(y)), round(radius), 1, thickness=-1)
    circle_area = int(inside.sum())
    return Disc(
        x=(x + 0.5) * width / thumb.shape[1] - 0.5,
        y=(y + 0.5) * height / thumb.shape[0] - 0.5,
        radius=radius * width / thumb.shape[1],
        fill=float((region & inside).sum() / circle_area),
        contrast=(bright - ground) / 255,
        frame_share=circle_area / mask.size,
    )


def _fit_circle(outline: NDArray[Any], frame: tuple[int, ...]) -> tuple[float, float, float]:
    """Fit a circle to an outline, leaving out what the frame cut and what sticks out.

    Algebraic least squares (Kåsa 1976), refitted to the points that lie near the last circle, so
    that a camera's notch or a dark rim does not count.

    Args:
        outline: (n, 2) int, x before y.
        frame: (height, width) in the same pixels.

    Returns:
        x, y and radius (to the outer edge of the outermost pixels).
    """
    (x, y), radius = cv2.minEnclosingCircle(outline)
    enclosing = (float(x), float(y), float(radius) + 0.5)
    limit = np.array([frame[1], frame[0]]) - 1 - _FRAME_EDGE
    free = outline[((outline >= _FRAME_EDGE) & (outline <= limit)).all(axis=1)].astype(np.float64)
    near = free
    fitted = enclosing
    for tolerance in _FIT_TOLERANCES:
        if len(near) < _LEAST_POINTS:
            return enclosing
        equations = np.column_stack([2 * near, np.ones(len(near))])
        a, b, c = np.linalg.lstsq(equations, (near**2).sum(axis=1), rcond=None)[0]
        fitted = (float(a), float(b), float(np.sqrt(max(0.0, c + a * a + b * b))) + 0.5)
        distance = np.hypot(free[:, 0] - a, free[:, 1] - b) + 0.5
        near = free[np.abs(distance - fitted[2]) <= tolerance * fitted[2]]
    moved = float(np.hypot(fitted[0] - enclosing[0], fitted[1] - enclosing[1]))
    agrees = (
        _LEAST_AGREEMENT <= fitted[2] / enclosing[2] <= 1 / _LEAST_AGREEMENT
        and moved <= (1 - _LEAST_AGREEMENT) * enclosing[2]
    )
    return fitted if agrees else enclosing


def _shrunk(array: NDArray[Any], *, height: int, width: int, bits: Bits) -> NDArray[Any]:
    deep = as_depth(array, bits) if bits == 16 else array  # a mean of bytes has more than 8 bits
    return as_depth(resize(deep, height=height, width=width), bits)


def _cut(
    array: NDArray[Any], disc: Disc, *, size: int, scale: float, bits: Bits
) -> tuple[NDArray[Any], tuple[slice, slice]]:
    """Resample the square around the disc; what lies beyond the frame is black.

    Returns:
        The (size, size, 3) square, and its rows and columns that the frame covers.
    """
    half = size / 2 / scale  # in source pixels
    height, width = array.shape[:2]
    top, bottom = max(0, round(disc.y - half)), min(height, round(disc.y + half) + 1)
    left, right = max(0, round(disc.x - half)), min(width, round(disc.x + half) + 1)
    rows = min(size, max(1, round((bottom - top) * scale)))
    columns = min(size, max(1, round((right - left) * scale)))
    part = _shrunk(array[top:bottom, left:right], height=rows, width=columns, bits=bits)
    y = min(max(0, round((top - disc.y + half) * scale)), size - rows)
    x = min(max(0, round((left - disc.x + half) * scale)), size - columns)
    square = np.zeros((size, size, 3), part.dtype)
    frame = slice(y, y + rows), slice(x, x + columns)
    square[frame] = part
    return square, frame


def _circle(size: int, radius: float) -> NDArray[np.uint8]:
    """Draw a filled circle in the middle of a (size, size) uint8 mask of 0 and 1."""
    offset = np.arange(size, dtype=np.float32) - (size - 1) / 2
    return (offset[:, None] ** 2 + offset[None, :] ** 2 <= radius * radius).astype(np.uint8)


def _evened(
    frame: tuple[slice, slice], *, size: int, radius: float, rim: float
) -> NDArray[np.uint8]:
    """Draw where the local average holds retina alone: (size, size) uint8 of 0 and 1."""
    retina = _circle(size, radius * (1 - max(rim, _LEAST_RIM)))
    if rim == 0:
        return retina
    margin = round(rim * radius)
    seen = np.zeros_like(retina)
    rows, columns = (
        slice(
            side.start + (margin if side.start > 0 else 0),
            max(0, side.stop - (margin if side.stop < size else 0)),
        )
        for side in frame
    )
    seen[rows, columns] = 1
    return retina & seen


def _subtract_local_average(
    square: NDArray[Any], *, radius: float, retina: NDArray[np.uint8] | None
) -> NDArray[Any]:
    """Return 4 (picture - its local average) + 128; outside the retina 128.

    Args:
        square: (size, size, 3), uint8 or uint16; 128 of 255 is 32,896 of 65,535.
        radius: of the disc, in pixels.
        retina: (size, size) of 0 and 1; None for all.
    """
    grey = 128 if square.dtype == np.uint8 else 128 * 257
    blurred = cv2.GaussianBlur(square, (0, 0), radius / _LOCAL_SIGMA)
    even = cv2.addWeighted(square, 4, blurred, -4, grey).astype(square.dtype, copy=False)
    if retina is not None:
        even[retina == 0] = grey
    return even
