"""Rescale, lookup tables and windows as DICOM writes them (PS3.3 C.11.1 and C.11.2).

Own code where pydicom has functions of the same purpose: pydicom's tables wrap around when a
table of 8-bit entries meets wider values, and its windows answer in units of stored bits.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medclf.dicom.reading import text_of
from medclf.errors import PixelsRefused
from medclf.reasons import Reason


@dataclass(frozen=True, slots=True)
class Rescale:
    """Output units = slope * stored value + intercept (PS3.3 C.11.1.1.2)."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Map values of any shape; exact for whole numbers below 2**53."""
        mapped: NDArray[np.float64] = np.asarray(values, np.float64) * self.slope
        return mapped + self.intercept


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A Modality or VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1).

    Attributes:
        first: the value that the first entry stands for; below it the first entry holds, above
            the last the last.
        entries: (n,) float64.
        top: the highest entry that the table's bits can hold.
    """

    first: int
    entries: NDArray[np.float64] = field(repr=False)
    top: float

    def apply(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Look values of any shape up, rounded to whole numbers first."""
        at = np.rint(values).astype(np.int64) - self.first
        found: NDArray[np.float64] = np.take(self.entries, at, mode="clip")
        return found


@dataclass(frozen=True, slots=True)
class Window:
    """A window and its function (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Attributes:
        centre: in output units of the Modality LUT.
        width: in the same units; at least 1 for LINEAR, above 0 for the others.
        function: LINEAR, LINEAR_EXACT or SIGMOID.
    """

    centre: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map values of any shape to brightness in [0, 1]."""
        if self.function == "SIGMOID":
            exponent = np.clip(-4 * (values - self.centre) / self.width, -700, 700)
            curve: NDArray[np.float64] = 1 / (1 + np.exp(exponent))
            return curve
        centre, width = self.centre, self.width
        if self.function == "LINEAR":
            centre, width = centre - 0.5, width - 1
        if width == 0:
            return (values > centre).astype(np.float64)
        return ((values - centre) / width + 0.5).clip(0, 1)


def read_modality(dataset: Dataset) -> Rescale | LookupTable:
    """Read the Modality LUT: a table, a rescale, or nothing (slope 1).

    Raises:
        PixelsRefused: MALFORMED for a table that cannot be read, a slope of 0, or numbers that
            are not finite.
    """
    table = read_lookup(dataset, "ModalityLUTSequence")
    if table is not None:
        return table
    slope, intercept = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
    if slope is None or intercept is None:
        return Rescale()
    if slope == 0:
        raise PixelsRefused(Reason.MALFORMED, "Rescale Slope is 0: all values would be one.")
    return Rescale(slope, intercept)


def read_lookup(dataset: Dataset, keyword: str) -> LookupTable | None:
    """Read the first table of a LUT sequence; None when there is none.

    Raises:
        PixelsRefused: MALFORMED when descriptor and data do not fit.
    """
    sequence = dataset.get(keyword)
    if not sequence:
        return None
    item = sequence[0]
    descriptor = [int(number) for number in item.LUTDescriptor]
    count, first, bits = descriptor[0] or 1 << 16, descriptor[1], descriptor[2]
    data = item.LUTData
    if isinstance(data, bytes):
        width = "B" if len(data) < 2 * count else "<H" if _little_endian(dataset) else ">H"
        entries = np.frombuffer(
            data, width, count=min(count, len(data) // np.dtype(width).itemsize)
        )
    else:
        entries = np.atleast_1d(np.asarray(data))
    if entries.size < count or not 8 <= bits <= 16:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"{keyword} has {entries.size} entries of {bits} bits; {count} of 8 to 16 were "
            "announced.",
        )
    return LookupTable(first, entries[:count].astype(np.float64), float((1 << bits) - 1))


def read_window(dataset: Dataset) -> Window | None:
    """Read the first window; None when there is none or its width is not one that may be.

    A width of 0 is what some devices write for "no window".

    Raises:
        PixelsRefused: MALFORMED for an unknown VOI LUT Function or numbers that are not finite.
    """
    centre, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    if centre is None or width is None:
        return None
    function = text_of(dataset, "VOILUTFunction").upper() or "LINEAR"
    if function not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
        raise PixelsRefused(Reason.MALFORMED, "The VOI LUT Function is not one that DICOM defines.")
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    return Window(centre, width, function)


def _number(dataset: Dataset, keyword: str) -> float | None:
    text = text_of(dataset, keyword)
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        raise PixelsRefused(Reason.MALFORMED, f"{keyword} is not a finite number.")
    return number


def _little_endian(dataset: Dataset) -> bool:
    return dataset.original_encoding[1] is not False
