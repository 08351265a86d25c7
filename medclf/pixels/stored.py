"""Stored values as they came out of the bytes, before any of them means anything."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medclf.pixels.header import PixelHeader


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One frame of stored values.

    Attributes:
        patterns: (rows, columns) or (rows, columns, 3), uint8, uint16 or uint32: the containers
            as they are, unused bits included, signed values in two's complement. float32 or
            float64 where the object holds floating-point pixels.
        shift: bits below the value inside a container.
        bits: bits of the value; its highest is the sign where `signed`.
        signed: two's complement.
        photometric: of `patterns`, after the decoder has undone what it undoes.
        decoder: name and version.
    """

    patterns: NDArray[Any] = field(repr=False)
    shift: int
    bits: int
    signed: bool
    photometric: str
    decoder: str

    @property
    def floating(self) -> bool:
        """Whether the values are floating-point numbers, which need no unpacking."""
        return self.patterns.dtype.kind == "f"

    def values_of(self, patterns: NDArray[Any]) -> NDArray[np.int64] | NDArray[np.float64]:
        """Unpack containers into values: shift, mask, sign (PS3.5 section 8.1.1).

        Returns:
            Of the same shape, int64; float64 where `floating`.
        """
        if self.floating:
            return patterns.astype(np.float64)
        values = (patterns.astype(np.int64) >> self.shift) & ((1 << self.bits) - 1)
        if self.signed:
            sign = 1 << (self.bits - 1)
            values = (values ^ sign) - sign
        return values

    @property
    def all_patterns(self) -> NDArray[Any] | None:
        """Every container there can be, or None when there are too many to tabulate."""
        if self.patterns.dtype.itemsize > 2:
            return None
        return np.arange(1 << (8 * self.patterns.dtype.itemsize), dtype=np.int64)


def as_stored(
    array: NDArray[Any],
    header: PixelHeader,
    *,
    decoder: str,
    photometric: str = "",
    bits: int = 0,
    shift: int = 0,
    signed: bool = False,
) -> Stored:
    """Wrap what a decoder returned; `bits` and `photometric` default to the header's.

    Values are signed when either the header or the codestream says so: positive values are the
    same both ways, and unsigned ones cannot have become negative.
    """
    return Stored(
        patterns=array if header.floating else array.view(f"u{array.dtype.itemsize}"),
        shift=shift,
        bits=min(bits or header.bits_stored, 8 * array.dtype.itemsize),
        signed=header.signed or signed,
        photometric=photometric or header.photometric,
        decoder=decoder,
    )
