"""Whether a picture can be what it is said to be, judged before any model sees it.

The bounds are wide: on the real collections that medclf is tested with, none is refused. They
stop the blank, the tiny and the plainly foreign; what is merely unusual is for the model's
novelty score to find.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.fundus import find_disc
from medclf.pixels.transforms.resample import as_uint8, luminance, resize
from medclf.reasons import Reason

_SHORTEST_SIDE = 64  # px; below it neither ribs nor vessels nor nuclei can be told apart
_THUMB_SIDE = 256  # px; all judgements are made on a copy of at most this size

# Brightness between the 1st and 99th percentile, of 255. Real chest films use 60 and more, the
# faintest field of lung tissue 70; sensor noise and JPEG artefacts stay below 8.
_LEAST_SPREAD = 12

# The retina. The real discs fill 99 % of their circle, take 69 % of the frame (69 to 80 % for a
# whole disc in a square or a tightly cut frame), and rise 0.36 to 1 above black ground.
_LEAST_FILL = 0.85
_LEAST_DISC_SHARE = 0.15
_LEAST_DISC_CONTRAST = 0.08
_DARKEST_GROUND = 60  # of 255; ground brighter than this is a page or a tissue field
_LEAST_GROUND_SHARE = 0.02  # of the frame; a film without any ground has no disc
_LEAST_WARMTH = 0.10  # (red - blue) / (red + green + blue); grey is 0, the palest retina 0.15

# Tissue: haematoxylin and eosin take out green most.
_LEAST_ABSORPTION = 12  # of 255; the stronger of red and blue over green; glass stays below
_LEAST_TISSUE = 0.05  # of the field; the emptiest real lung field has 0.27
_SMOOTHING = 5  # px; camera noise on glass would otherwise count as tissue

# Radiographs have no colour at all; annotations in colour cover a small part of the frame.
_LEAST_COLOUR = 24  # of 255, between a pixel's strongest and weakest channel
_MOST_COLOUR_SHARE = 0.25  # of the frame


def assess(picture: Picture, kind: Kind, *, refuse_text: bool = False) -> tuple[Reason, ...]:
    """Judge whether a picture is usable as an image of the kind.

    Args:
        picture: decoded.
        kind: what it is said to be.

    Returns:
        Empty when usable, else every reason that holds: TOO_SMALL, BLANK, RETINA_NOT_FOUND
        (fundus), TISSUE_NOT_FOUND (pathology), KIND_WRONG for a colour photograph said to be a
        radiograph and for a retina said to be tissue.
    """
    array = picture.array
    height, width = array.shape[:2]
    if min(height, width) < _SHORTEST_SIDE:
        return (Reason.TOO_SMALL,)
    factor = min(1.0, _THUMB_SIDE / max(height, width))
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    thumb = as_uint8(resize(array, height=rows, width=columns))
    reasons = []
    if _spread(thumb) < _LEAST_SPREAD:
        reasons.append(Reason.BLANK)
    match kind:
        case Kind.XRAY:
            if _is_coloured(thumb):
                reasons.append(Reason.KIND_WRONG)
        case Kind.FUNDUS:
            if not _shows_retina(thumb):
                reasons.append(Reason.RETINA_NOT_FOUND)
        case Kind.PATHOLOGY:
            if not _shows_tissue(thumb):
                reasons.append(Reason.TISSUE_NOT_FOUND)
            elif _shows_retina(thumb):
                reasons.append(Reason.KIND_WRONG)
    return tuple(reasons)


def _spread(thumb: NDArray[np.uint8]) -> float:
    low, high = np.percentile(luminance(thumb), [1, 99])
    return float(high - low)


def _is_coloured(thumb: NDArray[np.uint8]) -> bool:
    if thumb.ndim == 2:
        return False
    red, green, blue = cv2.split(thumb)
    strongest, weakest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    coloured = cv2.subtract(strongest, weakest) >= _LEAST_COLOUR
    return bool(np.mean(coloured) > _MOST_COLOUR_SHARE)


def _shows_retina(thumb: NDArray[np.uint8]) -> bool:
    """Say whether there is a round, warm-coloured disc on dark ground."""
    if thumb.ndim == 2:
        return False
    disc = find_disc(thumb)
    if (
        disc is None
        or disc.fill < _LEAST_FILL
        or disc.frame_share < _LEAST_DISC_SHARE
        or disc.contrast < _LEAST_DISC_CONTRAST
    ):
        return False
    inside = np.zeros(thumb.shape[:2], np.uint8)
    cv2.circle(inside, (round(disc.x), round(disc.y)), round(disc.radius), 1, thickness=-1)
    ground = thumb.max(axis=2)[inside == 0]
    if ground.size < _LEAST_GROUND_SHARE * inside.size or np.median(ground) > _DARKEST_GROUND:
        return False
    red, green, blue = cv2.mean(thumb, mask=inside)[:3]
    return bool((red - blue) / max(1.0, red + green + blue) >= _LEAST_WARMTH)


def _shows_tissue(thumb: NDArray[np.uint8]) -> bool:
    """Say whether enough of the field has the colours of haematoxylin and eosin."""
    if thumb.ndim == 2:
        return False
    red, green, blue = cv2.split(cv2.blur(thumb, (_SMOOTHING, _SMOOTHING)))
    absorbed = cv2.subtract(cv2.max(red, blue), green)  # saturates at 0
    # Blue has to keep up with green, so that the orange of a retina does not count.
    stained = (absorbed >= _LEAST_ABSORPTION) & (blue >= green)
    return bool(np.mean(stained) >= _LEAST_TISSUE)
