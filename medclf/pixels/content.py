"""What a picture seems to show: a retina, stained tissue, something in colour.

Each is measured on a small copy as plain numbers; what is enough is decided in
`medclf.pixels.quality`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.pixels.transforms.fundus import Disc, find_disc

_ABSORPTION = 12  # of 255; the stronger of red and blue over green; glass stays below
_SMOOTHING = 5  # px; camera noise on glass would otherwise count as tissue
_COLOUR = 24  # of 255, between a pixel's strongest and weakest channel


@dataclass(frozen=True, slots=True)
class RetinaMeasurements:
    """The largest bright disc of a colour picture.

    Attributes:
        disc: where it is.
        ground_share: of the frame, outside the disc.
        ground_level: median of the ground's strongest channel, of 255; 0 without any ground.
        warmth: (red - blue) / (red + green + blue) inside; grey is 0.
    """

    disc: Disc
    ground_share: float
    ground_level: float
    warmth: float


def measure_retina(thumb: NDArray[np.uint8]) -> RetinaMeasurements | None:
    """Measure the largest bright disc.

    Args:
        thumb: (h, w) or (h, w, 3) uint8.

    Returns:
        None for grey, and where no bright region takes a tenth of the frame.
    """
    disc = find_disc(thumb) if thumb.ndim == 3 else None
    if disc is None:
        return None
    inside = np.zeros(thumb.shape[:2], np.uint8)
    cv2.circle(inside, (round(disc.x), round(disc.y)), round(disc.radius), 1, thickness=-1)
    ground = thumb.max(axis=2)[inside == 0]
    red, green, blue = cv2.mean(thumb, mask=inside)[:3]
    return RetinaMeasurements(
        disc=disc,
        ground_share=ground.size / inside.size,
        ground_level=float(np.median(ground)) if ground.size else 0.0,
        warmth=(red - blue) / max(1.0, red + green + blue),
    )


def tissue_share(thumb: NDArray[np.uint8]) -> float:
    """Return the share of a field that has the colours of haematoxylin and eosin; grey has none.

    Both take out green most. Blue has to keep up with green, so that the orange of a retina does
    not count.
    """
    if thumb.ndim == 2:
        return 0.0
    red, green, blue = cv2.split(cv2.blur(thumb, (_SMOOTHING, _SMOOTHING)))
    absorbed = cv2.subtract(cv2.max(red, blue), green)  # saturates at 0
    return float(np.mean((absorbed >= _ABSORPTION) & (blue >= green)))


def colour_share(thumb: NDArray[np.uint8]) -> float:
    """Return the share of a picture that is coloured, in [0, 1]."""
    if thumb.ndim == 2:
        return 0.0
    red, green, blue = cv2.split(thumb)
    strongest, weakest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(np.mean(cv2.subtract(strongest, weakest) >= _COLOUR))
