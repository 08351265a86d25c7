"""The Image Pixel attributes that say how stored values lie in the bytes (PS3.3 C.7.6.3)."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from medclf.dicom.reading import number_of, text_of
from medclf.errors import PixelsRefused
from medclf.reasons import Reason

_CONTAINERS = (1, 8, 16, 32)
GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
PALETTE = "PALETTE COLOR"


@dataclass(frozen=True, slots=True)
class PixelHeader:
    """How one frame's stored values lie in the bytes.

    Attributes:
        rows: pixels down.
        columns: pixels across.
        samples: 1 or 3 for each pixel.
        planar: colour planes one after the other instead of pixel by pixel.
        photometric: Photometric Interpretation.
        bits_allocated: size of one stored value: 1, 8, 16 or 32.
        bits_stored: of these, how many carry the value.
        high_bit: position of the value's highest bit.
        signed: two's complement.
        transfer_syntax: UID.
    """

    rows: int
    columns: int
    samples: int
    planar: bool
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    transfer_syntax: str

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns) or (rows, columns, 3)."""
        plane = (self.rows, self.columns)
        return plane if self.samples == 1 else (*plane, self.samples)


def read_header(dataset: Dataset, *, transfer_syntax: str) -> PixelHeader:
    """Read and check the Image Pixel Module.

    Raises:
        PixelsRefused: MALFORMED when a mandatory attribute is missing or contradicts another,
            PIXELS_UNDECODABLE for a colour space that no kind of picture uses.
    """
    bits_stored = number_of(dataset, "BitsStored", absent=0)
    header = PixelHeader(
        rows=number_of(dataset, "Rows", absent=0),
        columns=number_of(dataset, "Columns", absent=0),
        samples=number_of(dataset, "SamplesPerPixel", absent=1),
        planar=number_of(dataset, "PlanarConfiguration", absent=0) == 1,
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
        bits_allocated=number_of(dataset, "BitsAllocated", absent=0),
        bits_stored=bits_stored,
        high_bit=number_of(dataset, "HighBit", absent=bits_stored - 1),
        signed=number_of(dataset, "PixelRepresentation", absent=0) == 1,
        transfer_syntax=transfer_syntax,
    )
    _check(header)
    return header


def _check(header: PixelHeader) -> None:
    if header.rows < 1 or header.columns < 1:
        raise PixelsRefused(Reason.MALFORMED, "Rows or Columns are missing or zero.")
    if header.bits_allocated not in _CONTAINERS:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"Bits Allocated is {header.bits_allocated}; {_CONTAINERS} are known.",
            bits_allocated=header.bits_allocated,
        )
    if not header.bits_stored - 1 <= header.high_bit < header.bits_allocated or (
        header.bits_stored < 1
    ):
        raise PixelsRefused(
            Reason.MALFORMED,
            f"Bits Stored {header.bits_stored} with High Bit {header.high_bit} does not fit "
            f"Bits Allocated {header.bits_allocated}.",
        )
    known = GREY | COLOUR | {PALETTE}
    if header.photometric not in known:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"Photometric Interpretation is none of {', '.join(sorted(known))}.",
        )
    expected = 3 if header.photometric in COLOUR else 1
    if header.samples != expected or (header.signed and expected == 3):
        raise PixelsRefused(
            Reason.MALFORMED,
            f"{header.photometric} needs {expected} unsigned samples or a single one; "
            f"found {header.samples} samples, signed: {header.signed}.",
        )
