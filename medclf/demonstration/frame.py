"""Graph paper under the phantom, so that anatomy is written in centimetres and drawn in pixels.

The origin is the midline at the level of the lung apices; x grows towards the patient's
left (the right side of the film), y towards the feet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.floating[Any]]  # float32 throughout; NumPy's types cannot follow scalars
Points = NDArray[np.float64]

_OVERSAMPLING = 2  # outlines are drawn twice as fine and averaged, against stair steps
_ANGLES = np.linspace(0, 2 * np.pi, 32, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_COARSE_PX = 7  # noise with knots wider than this is as good when drawn at half the size
_SHIFT = 4  # OpenCV's fixed-point coordinates: sixteenths of a pixel


@dataclass(frozen=True)
class Frame:
    """Where the film lies over the body.

    Attributes:
        rows: film height in pixels.
        columns: film width in pixels.
        pixels_per_cm: in the body's own centimetres, so it holds the person's size too.
        left_cm: x of the film's left edge.
        top_cm: y of the film's upper edge.
    """

    rows: int
    columns: int
    pixels_per_cm: float
    left_cm: float
    top_cm: float

    def halved(self) -> "Frame":
        """Return the same view with half as many pixels each way, for what has no fine edges."""
        return replace(
            self,
            rows=self.rows // 2,
            columns=self.columns // 2,
            pixels_per_cm=self.pixels_per_cm / 2,
        )

    def enlarged(self, small: Map) -> Map:
        """Return a map of the halved frame at this frame's size."""
        size = (self.columns, self.rows)
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.float32)

    @property
    def x(self) -> Map:
        """(1, columns) float32, cm: x of each pixel column's centre."""
        centres = (np.arange(self.columns) + 0.5) / self.pixels_per_cm + self.left_cm
        return centres.astype(np.float32)[None, :]

    @property
    def y(self) -> Map:
        """(rows, 1) float32, cm: y of each pixel row's centre."""
        centres = (np.arange(self.rows) + 0.5) / self.pixels_per_cm + self.top_cm
        return centres.astype(np.float32)[:, None]

    def pixels(self, length_cm: float) -> float:
        """Return a length in film pixels."""
        return length_cm * self.pixels_per_cm

    def canvas(self) -> NDArray[np.uint8]:
        """Return an empty drawing sheet, finer than the film; `ink` brings it back to film size."""
        return np.zeros((self.rows * _OVERSAMPLING, self.columns * _OVERSAMPLING), np.uint8)

    def fill(self, canvas: NDArray[np.uint8], outline: Points, shade: int) -> None:
        """Fill an outline on a drawing sheet.

        Args:
            canvas: from `canvas`, changed in place.
            outline: (n, 2) float64, cm, columns x and y.
            shade: 0 to 255.
        """
        cv2.fillPoly(canvas, [self._fixed(outline)], shade, cv2.LINE_8, _SHIFT)

    def strokes(
        self, canvas: NDArray[np.uint8], lines: Points, *, width_cm: float, shade: int
    ) -> None:
        """Draw open lines of one width on a drawing sheet.

        Args:
            canvas: from `canvas`, changed in place.
            lines: (lines, points, 2) float64, cm.
            width_cm: at least one fine pixel is drawn.
            shade: 0 to 255.
        """
        width = max(1, round(self.pixels(width_cm) * _OVERSAMPLING))
        cv2.polylines(canvas, list(self._fixed(lines)), False, shade, width, cv2.LINE_8, _SHIFT)

    def ink(self, canvas: NDArray[np.uint8], *, blur_cm: float = 0.0) -> Map:
        """Return a drawing sheet at film size: (rows, columns) float32 in [0, 1]."""
        small = cv2.resize(canvas, (self.columns, self.rows), interpolation=cv2.INTER_AREA)
        drawn = small.astype(np.float32) / np.float32(255)
        return blurred(drawn, self.pixels(blur_cm)) if blur_cm else drawn

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        scale = self.pixels_per_cm * _OVERSAMPLING * (1 << _SHIFT)
        moved: Points = (points - np.array([self.left_cm, self.top_cm])) * scale
        return np.rint(moved).astype(np.int32)


def blurred(image: NDArray[Any], sigma_px: float) -> Map:
    """Return a Gaussian blur; wide ones are computed on a smaller grid, for speed.

    Args:
        image: (h, w) float32.
        sigma_px: standard deviation in pixels.
    """
    shrink = max(1, int(sigma_px / 4))
    height, width = image.shape
    small = image
    if shrink > 1:
        size = (max(8, width // shrink), max(8, height // shrink))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    sigma = sigma_px * small.shape[1] / width
    small = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1:
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(small, np.float32)


def band(centre: Points, width: NDArray[np.float64]) -> Points:
    """Return the outline of a ribbon around a line.

    Args:
        centre: (n, 2) float64, cm, the middle line.
        width: (n,) float64, cm, full width at each point.

    Returns:
        (2n, 2) float64, cm: down one side and back on the other.
    """
    along = np.empty_like(centre)
    along[1:-1] = centre[2:] - centre[:-2]
    along[0], along[-1] = centre[1] - centre[0], centre[-1] - centre[-2]
    reach = width / (2 * np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9))
    offset = np.empty_like(centre)
    offset[:, 0], offset[:, 1] = -along[:, 1] * reach, along[:, 0] * reach
    return np.concatenate([centre + offset, (centre - offset)[::-1]])


def oval(centre: tuple[float, float], half: tuple[float, float], *, tilt: float = 0.0) -> Points:
    """Return an ellipse as an outline: (32, 2) float64, cm; `tilt` in radians, clockwise."""
    x, y = half[0] * _CIRCLE[:, 0], half[1] * _CIRCLE[:, 1]
    cosine, sine = np.cos(tilt), np.sin(tilt)
    turned = [centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine]
    return np.stack(turned, axis=1)


def clouds(generator: np.random.Generator, frame: Frame, scales_cm: Sequence[float]) -> Map:
    """Return fractal noise: Gaussian noise on grids of several spacings, summed.

    Args:
        generator: source of randomness.
        frame: gives the film's size.
        scales_cm: spacing of each grid; its amplitude is proportional to the square root of it.

    Returns:
        (rows, columns) float32, mean about 0, standard deviation about 1.
    """
    coarse = [scale for scale in scales_cm if frame.pixels(scale) >= _COARSE_PX]
    fine = [scale for scale in scales_cm if frame.pixels(scale) < _COARSE_PX]
    total = np.zeros((frame.rows, frame.columns), np.float32)
    if coarse:
        total += frame.enlarged(_layers(generator, frame.halved(), coarse))
    if fine:
        total += _layers(generator, frame, fine)
    # Interpolation between the knots about halves the variance.
    return total / np.float32(np.sqrt(0.5 * sum(scales_cm)))


def _layers(generator: np.random.Generator, frame: Frame, scales_cm: Sequence[float]) -> Map:
    total = np.zeros((frame.rows, frame.columns), np.float32)
    for scale in scales_cm:
        step = frame.pixels(scale)
        shape = (int(frame.rows / step) + 3, int(frame.columns / step) + 3)
        grid = generator.standard_normal(shape, dtype=np.float32)
        shift = generator.random(2)
        matrix = np.array([[step, 0, -step * (1 + shift[0])], [0, step, -step * (1 + shift[1])]])
        layer = cv2.warpAffine(
            grid,
            matrix,
            (frame.columns, frame.rows),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )
        total += np.float32(np.sqrt(scale)) * layer
    return total
