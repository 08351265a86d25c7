"""What the header of a PNG or JPEG file says, read without decoding a pixel."""

import struct

from medclf.dicom.acquisition import Acquisition
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

# PNG specification (W3C, third edition) section 11.2.1: colour type -> samples, meaning.
_PNG_COLOUR = {
    0: (1, "MONOCHROME2"),
    2: (3, "RGB"),
    3: (1, "PALETTE COLOR"),
    4: (2, "MONOCHROME2"),
    6: (4, "RGB"),
}
_PNG_DEPTHS = frozenset({1, 2, 4, 8, 16})

# ITU-T T.81 table B.1: start-of-frame markers are C0..CF without DHT, JPG and DAC.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_LS_FRAME = 0xF7  # ITU-T T.87: the same envelope, another codec
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_SEGMENTS = 100_000  # fill bytes included; cameras write a few dozen, and ICC at most 255
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_JPEG_PHOTOMETRIC = {1: "MONOCHROME2", 3: "YBR_FULL", 4: "CMYK"}


def png_acquisition(data: bytes) -> Acquisition:
    """Read the IHDR chunk.

    Raises:
        InstanceRefused: TRUNCATED or MALFORMED.
    """
    if len(data) < 33:  # signature 8, chunk length and type 8, IHDR 13, CRC 4
        raise InstanceRefused(Reason.TRUNCATED, "The PNG file ends within its header.")
    length, name, columns, rows, depth, colour = struct.unpack_from(">I4sIIBB", data, 8)
    if name != b"IHDR" or length != 13:
        raise InstanceRefused(Reason.MALFORMED, "The PNG file does not begin with IHDR.")
    if colour not in _PNG_COLOUR or depth not in _PNG_DEPTHS or not rows or not columns:
        raise InstanceRefused(
            Reason.MALFORMED,
            f"The PNG header is impossible: {columns}×{rows}, depth {depth}, colour {colour}.",
            rows=rows,
            columns=columns,
        )
    samples, photometric = _PNG_COLOUR[colour]
    return Acquisition(
        rows=rows, columns=columns, samples=samples, bits_stored=depth, photometric=photometric
    )


def jpeg_acquisition(data: bytes) -> Acquisition:
    """Walk the marker segments to the frame header (ITU-T T.81 section B.2.2).

    Raises:
        InstanceRefused: TRUNCATED, MALFORMED, or FORMAT_UNKNOWN for JPEG-LS.
    """
    position = 2
    for _ in range(_MOST_SEGMENTS):
        if position + 4 > len(data):
            raise InstanceRefused(Reason.TRUNCATED, "The JPEG file ends before its frame header.")
        if data[position] != 0xFF:
            raise InstanceRefused(Reason.MALFORMED, "The JPEG file breaks its marker structure.")
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _STANDALONE:
            position += 2
        elif marker == _JPEG_LS_FRAME:
            raise InstanceRefused(Reason.FORMAT_UNKNOWN, "The file is JPEG-LS, not JPEG.")
        elif marker in (_START_OF_SCAN, _END_OF_IMAGE):
            raise InstanceRefused(Reason.MALFORMED, "The JPEG file has no frame header.")
        elif marker in _START_OF_FRAME:
            return _frame_header(data, position)
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise InstanceRefused(
        Reason.MALFORMED, f"The JPEG file has no frame header within {_MOST_SEGMENTS} segments."
    )


def _frame_header(data: bytes, position: int) -> Acquisition:
    if position + 10 > len(data):
        raise InstanceRefused(Reason.TRUNCATED, "The JPEG file ends within its frame header.")
    bits, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 4)
    if not rows or not columns or samples not in _JPEG_PHOTOMETRIC or bits not in (8, 12):
        raise InstanceRefused(
            Reason.MALFORMED,
            f"The JPEG frame header is impossible: {columns}×{rows}, {samples} samples, "
            f"{bits} bits.",
            rows=rows,
            columns=columns,
        )
    return Acquisition(
        rows=rows,
        columns=columns,
        samples=samples,
        bits_stored=bits,
        photometric=_JPEG_PHOTOMETRIC[samples],
    )
