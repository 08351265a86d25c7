"""A made-up picture that the model reads before the server says it is ready.

It warms every cache, so that the first patient does not wait, and fails the start when the
model cannot read at all. What the model says of it is not used.
"""

import cv2
import numpy as np

from medclf.dicom.instance import Kind, Limits
from medclf.opinion import Opinion, Status
from medclf.service.failure import Failure, failed
from medclf.service.reader import Reader
from medclf.service.reading import read_upload

_SIDE = 512


def self_test(reader: Reader, *, limits: Limits) -> Opinion:
    """Let the model read a picture of its kind.

    Raises:
        MedclfError: the model cannot read, refuses the picture, or its opinion is not of it.
    """
    opinion = read_upload([picture(reader.model.kind)], promised=None, reader=reader, limits=limits)
    if opinion.status is Status.REJECTED:
        told = ", ".join(reason.value for reason in opinion.reasons)
        raise failed(Failure.INTERNAL, f"The model refused the picture of its self-test: {told}.")
    return opinion


def picture(kind: Kind) -> bytes:
    """Return a PNG, 512 × 512, that has roughly the tones of its kind.

    Args:
        kind: `xray` gives 8-bit grey; `fundus` and `pathology` give 8-bit RGB.
    """
    row, column = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]  # (side, side) each
    waves = 0.5 + 0.25 * np.sin(37 * row + 5 * np.sin(11 * column)) + 0.25 * np.sin(23 * column)
    match kind:
        case Kind.FUNDUS:
            inside = row**2 + column**2 < 0.9**2
            tone = inside * (0.6 + 0.4 * waves)
            image = np.stack([0.9 * tone, 0.45 * tone, 0.15 * tone], axis=-1)
        case Kind.PATHOLOGY:
            image = np.stack([0.9 - 0.4 * waves, 0.7 - 0.5 * waves, 0.9 - 0.25 * waves], axis=-1)
        case _:
            lungs = ((np.abs(column) - 0.4) / 0.3) ** 2 + (row / 0.7) ** 2 < 1
            image = 0.75 - 0.5 * lungs + 0.2 * (waves - 0.5)
    levels = (image * 255).clip(0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".png", levels[..., ::-1] if levels.ndim == 3 else levels)
    return encoded.tobytes()
