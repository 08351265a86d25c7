"""Whether a picture can be what it is said to be, judged before any model sees it.

Measured first, as numbers with units; then held against thresholds; what fails is a coded reason.
The thresholds are wide: on the real collections that medclf is tested with, none is refused. They
stop the blank, the tiny, the spoilt and the plainly foreign; what is merely unusual is for the
model's novelty score to find.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medclf.config import Config
from medclf.dicom.instance import Kind
from medclf.pixels.content import RetinaMeasurements, colour_share, measure_retina, tissue_share
from medclf.pixels.lettering import text_lines
from medclf.pixels.picture import Picture
from medclf.pixels.sharpness import blur_of
from medclf.pixels.transforms.resample import as_uint8, luminance, resize
from medclf.pixels.transforms.xray import find_field
from medclf.reasons import Reason

_THUMB_SIDE = 256  # px; all but the letters is judged on a copy of at most this size
_READING_SIDE = 640  # px; letters are looked for on a copy of about this size, enlarged to it too
_SMALLEST = 16  # px; below, nothing but the size is measured
_WHITE, _BLACK = 254, 1  # of 255, after averaging: at the end of the scale
_MIDDLE = 0.7  # of either side of a film: without collimation, letters and edges
_RETINA_SQUARE = 0.65  # of the disc's radius: a square inside it, without its sharp rim


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured of a picture; shares lie in [0, 1], levels are of 255.

    Attributes:
        shortest_side_px: before any scaling.
        spread_levels: brightness between the 1st and the 99th percentile.
        white_share: of the field, at the upper end of the scale. The field is what collimation
            leaves of a film, the disc of a retina, else the frame; of colour, the green channel.
        black_share: of the field, at the lower end.
        blur: of the middle of the field, as `sharpness.blur_of`.
        longest_text_letters: in the longest line that looks like text; 0 without one.
        colour_share: of the frame.
        tissue_share: of the frame.
        retina: None where there is no bright disc, and for a radiograph.
    """

    shortest_side_px: int
    spread_levels: float = 0.0
    white_share: float = 0.0
    black_share: float = 0.0
    blur: float = 0.0
    longest_text_letters: int = 0
    colour_share: float = 0.0
    tissue_share: float = 0.0
    retina: RetinaMeasurements | None = None


class QualityThresholds(Config):
    """What a picture must reach, or must not.

    Every default was set on real pictures that models are trained on, never on a test part:
    `xray_pneumonia` (5,216 films, Kermany et al. 2018), `fundus_dr` (413 photographs, IDRiD,
    Porwal et al. 2018), `pathology_lung` (2,292 fields, LC25000), and looked at on `xray_ood` (101
    films, Cohen et al. 2020). `validation/quality_real.py` prints what they refuse there.

    Attributes:
        shortest_side_px: below it neither ribs nor vessels nor nuclei can be told apart.
        spread_levels: real chest films use 60 and more, the faintest field of lung tissue 70;
            sensor noise and JPEG artefacts stay below 8.
        most_white_share: of a film (real ones: up to 0.05) or a retina (0.02); tissue lies on
            white glass and is not judged.
        most_black_share: of a film (real ones: up to 0.32; air around a small body) or a retina
            (0.01).
        most_blur: real films reach 0.69, retinas 0.74, fields 0.67; a Gaussian with a sigma of
            1.5 % of the longest side exceeds it in 85 to 100 % of the pictures of every kind.
        text_letters: in a line, to suspect text; side markers have one or two.
        least_fill: of the retinal disc's circle; the real ones fill 99 %.
        least_disc_share: of the frame; the real ones take 69 %.
        least_disc_contrast: above the ground, in [0, 1]; the real ones 0.36 to 1.
        most_ground_level: brighter ground is a page or a field of tissue.
        least_ground_share: of the frame; a film without any ground has no disc.
        least_warmth: grey is 0, the palest real retina 0.15.
        least_tissue_share: of the field; the emptiest real lung field has 0.27.
        most_colour_share: radiographs have none; annotations cover a small part.
    """

    shortest_side_px: int = Field(default=64, ge=16)
    spread_levels: float = Field(default=12, ge=0, le=255)
    most_white_share: float = Field(default=0.25, ge=0, le=1)
    most_black_share: float = Field(default=0.5, ge=0, le=1)
    most_blur: float = Field(default=0.77, ge=0, le=1)
    text_letters: int = Field(default=3, ge=2)
    least_fill: float = Field(default=0.85, ge=0, le=1)
    least_disc_share: float = Field(default=0.15, ge=0, le=1)
    least_disc_contrast: float = Field(default=0.08, ge=0, le=1)
    most_ground_level: float = Field(default=60, ge=0, le=255)
    least_ground_share: float = Field(default=0.02, ge=0, le=1)
    least_warmth: float = Field(default=0.10, ge=-1, le=1)
    least_tissue_share: float = Field(default=0.05, ge=0, le=1)
    most_colour_share: float = Field(default=0.25, ge=0, le=1)


DEFAULT_THRESHOLDS = QualityThresholds()


def assess(picture: Picture, kind: Kind, *, refuse_text: bool = False) -> tuple[Reason, ...]:
    """Judge whether a picture is usable as an image of the kind.

    Args:
        picture: decoded.
        kind: what it is said to be.
        refuse_text: whether suspected text is a reason to refuse; markers of side and view are
            usual on films, so it is not unless a study says so.

    Returns:
        Empty when usable, else every reason that holds; see `judge`.
    """
    return judge(measure(picture, kind), kind, refuse_text=refuse_text)


def measure(picture: Picture, kind: Kind) -> Measurements:
    """Measure a picture as an image of the kind."""
    array = picture.array
    height, width = array.shape[:2]
    shortest = min(height, width)
    if shortest < _SMALLEST:
        return Measurements(shortest_side_px=shortest)
    reading = as_uint8(_reduced(array))
    factor = min(1.0, _THUMB_SIDE / max(reading.shape[:2]))
    rows, columns = (max(1, round(side * factor)) for side in reading.shape[:2])
    thumb = resize(reading, height=rows, width=columns)
    retina = None if kind is Kind.XRAY else measure_retina(thumb)
    field, middle = _field_and_middle(thumb, kind, retina)
    low, high = np.percentile(luminance(thumb), [1, 99])
    return Measurements(
        shortest_side_px=shortest,
        spread_levels=float(high - low),
        white_share=float(np.mean(field >= _WHITE)),
        black_share=float(np.mean(field <= _BLACK)),
        blur=blur_of(middle),
        longest_text_letters=_longest_text(reading),
        colour_share=colour_share(thumb),
        tissue_share=tissue_share(thumb),
        retina=retina,
    )


def judge(
    found: Measurements,
    kind: Kind,
    *,
    thresholds: QualityThresholds = DEFAULT_THRESHOLDS,
    refuse_text: bool = False,
) -> tuple[Reason, ...]:
    """Hold measurements against thresholds.

    Returns:
        Every reason that holds: TOO_SMALL, then alone; BLANK, SATURATED (xray, fundus), BLURRED,
        BURNED_IN_TEXT, RETINA_NOT_FOUND (fundus), TISSUE_NOT_FOUND (pathology), KIND_WRONG for a
        colour photograph said to be a radiograph and for a retina said to be tissue.
    """
    if found.shortest_side_px < thresholds.shortest_side_px:
        return (Reason.TOO_SMALL,)
    reasons = []
    blank = found.spread_levels < thresholds.spread_levels
    if blank:
        reasons.append(Reason.BLANK)
    elif found.blur > thresholds.most_blur:  # of nothing, blur says nothing
        reasons.append(Reason.BLURRED)
    if not blank and kind is not Kind.PATHOLOGY and _is_saturated(found, thresholds):
        reasons.append(Reason.SATURATED)
    if refuse_text and found.longest_text_letters >= thresholds.text_letters:
        reasons.append(Reason.BURNED_IN_TEXT)
    match kind:
        case Kind.XRAY:
            if found.colour_share > thresholds.most_colour_share:
                reasons.append(Reason.KIND_WRONG)
        case Kind.FUNDUS:
            if not _is_retina(found.retina, thresholds):
                reasons.append(Reason.RETINA_NOT_FOUND)
        case Kind.PATHOLOGY:
            if found.tissue_share < thresholds.least_tissue_share:
                reasons.append(Reason.TISSUE_NOT_FOUND)
            elif _is_retina(found.retina, thresholds):
                reasons.append(Reason.KIND_WRONG)
    return tuple(reasons)


def _is_saturated(found: Measurements, thresholds: QualityThresholds) -> bool:
    return (
        found.white_share > thresholds.most_white_share
        or found.black_share > thresholds.most_black_share
    )


def _is_retina(found: RetinaMeasurements | None, thresholds: QualityThresholds) -> bool:
    """Say whether there is a round, warm-coloured disc on dark ground."""
    return (
        found is not None
        and found.disc.fill >= thresholds.least_fill
        and found.disc.frame_share >= thresholds.least_disc_share
        and found.disc.contrast >= thresholds.least_disc_contrast
        and found.ground_share >= thresholds.least_ground_share
        and found.ground_level <= thresholds.most_ground_level
        and found.warmth >= thresholds.least_warmth
    )


def _reduced(array: NDArray[Any]) -> NDArray[Any]:
    """Average whole blocks of pixels, so that the longest side is at most the reading size."""
    block = -(-max(array.shape[:2]) // _READING_SIDE)
    rows, columns = (max(1, side // block) for side in array.shape[:2])
    whole = array[: rows * block, : columns * block]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA) if block > 1 else array


def _field_and_middle(
    thumb: NDArray[np.uint8], kind: Kind, retina: RetinaMeasurements | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return where exposure is measured, of any shape, and where blur is, (h, w)."""
    grey = luminance(thumb)
    height, width = grey.shape
    if kind is Kind.XRAY:
        top, bottom, left, right = find_field(grey)
        field = grey[top:bottom, left:right]
        margin = (1 - _MIDDLE) / 2
        rows = slice(round(margin * height), round((1 - margin) * height))
        columns = slice(round(margin * width), round((1 - margin) * width))
        return field, np.ascontiguousarray(grey[rows, columns])
    if kind is Kind.FUNDUS and retina is not None:
        green = np.ascontiguousarray(thumb[:, :, 1])
        disc = retina.disc
        inside = np.zeros_like(green)
        cv2.circle(inside, (round(disc.x), round(disc.y)), round(disc.radius), 1, thickness=-1)
        half = _RETINA_SQUARE * disc.radius
        square = green[
            max(0, round(disc.y - half)) : round(disc.y + half),
            max(0, round(disc.x - half)) : round(disc.x + half),
        ]
        if min(square.shape) >= _SMALLEST:
            return green[inside == 1], np.ascontiguousarray(square)
    return grey, grey


def _longest_text(reading: NDArray[np.uint8]) -> int:
    """Return the letters of the longest line of text.

    In colour, white letters are looked for in the weakest channel and black ones in the strongest,
    so that yellow exudates and blue nuclei are none.
    """
    weakest = strongest = _enlarged(reading)
    if reading.ndim == 3:
        red, green, blue = cv2.split(weakest)
        weakest = cv2.min(cv2.min(red, green), blue)
        strongest = cv2.max(cv2.max(red, green), blue)
    lines = [*text_lines(weakest, bright=True), *text_lines(strongest, bright=False)]
    return max((line.letters for line in lines), default=0)


def _enlarged(reading: NDArray[Any]) -> NDArray[Any]:
    """Enlarge a small picture, so that letters of a few pixels come apart."""
    times = round(_READING_SIDE / max(reading.shape[:2]))
    if times < 2:
        return reading
    return cv2.resize(reading, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
