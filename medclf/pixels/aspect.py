"""How tall a pixel is for its width: a picture drawn with square pixels may be distorted."""

import math

from pydicom.dataset import Dataset

from medclf.dicom.reading import all_of

# PS3.3 C.7.6.3.1.7: Pixel Aspect Ratio counts where no spacing is given, so the spacings come
# first. Each has the distance of rows, hence the pixel's height, before its width.
_KEYWORDS = (
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelAspectRatio",
)
_MOST = 16.0  # either way; beyond it is a slip of the pen, not a pixel


def pixel_aspect(dataset: Dataset) -> float:
    """Return height by width of one pixel; 1 where nothing, or nothing possible, is said."""
    for keyword in _KEYWORDS:
        parts = all_of(dataset, keyword).split("\\")
        try:
            height, width = (float(part) for part in parts)
        except ValueError:
            continue
        if height > 0 and width > 0 and math.isfinite(height) and math.isfinite(width):
            return likely(height / width)
    return 1.0


def likely(aspect: float) -> float:
    """Return an aspect that pixels may have, or 1 where it cannot be right."""
    return aspect if 1 / _MOST <= aspect <= _MOST else 1.0
