"""The Image Pixel attributes that say how stored values lie in the bytes (PS3.3 C.7.6.3).

Integer pixels, and the floating-point ones of parametric maps (PS3.3 C.7.6.24 and C.7.6.25).
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from medclf.dicom.reading import number_of, text_of
from medclf.errors import PixelsRefused
from medclf.reasons import Reason

_CONTAINERS = (1, 8, 16, 32)
_FLOATING = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
# PS3.3 section C.7.6.3.1.2; the PARTIAL ones are retired, and old ultrasound still has them.
COLOUR = frozenset(
    {
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_PARTIAL_420",
        "YBR_PARTIAL_422",
        "YBR_RCT",
        "YBR_ICT",
    }
)
SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
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
        bits_allocated: size of one stored value: 1, 8, 16 or 32; 32 or 64 where `floating`.
        bits_stored: of these, how many carry the value.
        high_bit: position of the value's highest bit.
        signed: two's complement.
        transfer_syntax: UID.
        frames: at least 1.
        floating: IEEE 754 numbers in Float or Double Float Pixel Data.
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
    frames: int = 1
    floating: bool = False

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
    depth = next((bits for keyword, bits in _FLOATING.items() if keyword in dataset), 0)
    floating = depth > 0 and "PixelData" not in dataset
    # Bits Stored and High Bit say nothing of floating-point numbers, and need not be there.
    bits_stored = depth if floating else number_of(dataset, "BitsStored", absent=0)
    header = PixelHeader(
        rows=number_of(dataset, "Rows", absent=0),
        columns=number_of(dataset, "Columns", absent=0),
        samples=number_of(dataset, "SamplesPerPixel", absent=1),
        planar=number_of(dataset, "PlanarConfiguration", absent=0) == 1,
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
        bits_allocated=number_of(dataset, "BitsAllocated", absent=0),
        bits_stored=bits_stored,
        high_bit=depth - 1 if floating else number_of(dataset, "HighBit", absent=bits_stored - 1),
        signed=not floating and number_of(dataset, "PixelRepresentation", absent=0) == 1,
        transfer_syntax=transfer_syntax,
        frames=max(1, number_of(dataset, "NumberOfFrames", absent=1)),
        floating=floating,
    )
    _check(header)
    return header


def _check(header: PixelHeader) -> None:
    if header.rows < 1 or header.columns < 1:
        raise PixelsRefused(Reason.MALFORMED, "Rows or Columns are missing or zero.")
    if header.floating and header.bits_allocated != header.bits_stored:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"Bits Allocated is {header.bits_allocated}; floating-point pixels have "
            f"{header.bits_stored}.",
            bits_allocated=header.bits_allocated,
        )
    if not header.floating and header.bits_allocated not in _CONTAINERS:
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
