"""What a compressed frame says of itself, read before any decoder is trusted with it.

A decoder allocates what the codestream claims, not what DICOM's header says, and libjpeg guesses
colours from markers. Both are settled here from the marker segments alone (ITU-T T.81 annex B,
T.87 annex C, T.800 annex A).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

_SOI, _EOI, _SOS, _APP0, _APP1, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_LOSSLESS_FRAME = 0xC3
_LS_FRAME = 0xF7
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_RGB_NAMES = (b"RGB", b"rgb")
_EXIF = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112

_J2K_SIZ, _J2K_COD, _J2K_SOT = 0xFF51, 0xFF52, 0xFF90
_J2K_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"


class Coding(StrEnum):
    """Which algorithm the codestream uses, whatever the transfer syntax says."""

    JPEG_DCT = "jpeg"
    JPEG_LOSSLESS = "jpeg lossless"
    JPEG_LS = "jpeg-ls"
    JPEG_2000 = "jpeg 2000"


class Transform(StrEnum):
    """Whether the colours were transformed before coding."""

    NONE = "none"
    YBR = "ybr"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class Codestream:
    """One compressed frame's own account.

    Attributes:
        coding: the algorithm.
        rows: pixels down.
        columns: pixels across.
        components: samples for each pixel.
        precision: bits of one sample.
        transform: colour transform, from JFIF, Adobe and component names or from COD.
        complete: the end marker is there.
        signed: components are signed; only JPEG 2000 can say so.
        orientation: Exif orientation, 1 to 8; 1 where nothing is said.
    """

    coding: Coding
    rows: int
    columns: int
    components: int
    precision: int
    transform: Transform
    complete: bool
    signed: bool = False
    orientation: int = 1


def read_codestream(data: bytes) -> Codestream | None:
    """Read a JPEG, JPEG-LS or JPEG 2000 codestream's header; None when it is none of them."""
    if data[:2] == b"\xff\xd8":
        return _read_jpeg(data)
    if data[:4] == b"\xff\x4f\xff\x51":
        return _read_j2k(data, 2)
    if data.startswith(_J2K_BOX):
        start = data.find(b"\xff\x4f\xff\x51")
        return _read_j2k(data, start + 2) if start > 0 else None
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Walk JPEG marker segments up to the first scan: marker, payload, where it starts."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _STANDALONE:  # fill bytes, markers without payload
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or marker == _EOI:
            return
        yield marker, data[at + 4 : at + 2 + length], at
        if marker == _SOS:
            return
        at += 2 + length


def _read_jpeg(data: bytes) -> Codestream | None:
    frame: tuple[Coding, bytes] | None = None
    adobe: int | None = None
    jfif = False
    orientation = 1
    scan_at = len(data)
    for marker, payload, at in _segments(data):
        if marker in _DCT_FRAMES:
            frame = (Coding.JPEG_DCT, payload)
        elif marker == _LOSSLESS_FRAME:
            frame = (Coding.JPEG_LOSSLESS, payload)
        elif marker == _LS_FRAME:
            frame = (Coding.JPEG_LS, payload)
        elif marker == _APP0 and payload.startswith(b"JFIF"):
            jfif = True
        elif marker == _APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            adobe = payload[11]
        elif marker == _APP1 and payload.startswith(_EXIF):
            orientation = _exif_orientation(payload[len(_EXIF) :])
        elif marker == _SOS:
            scan_at = at
    if frame is None:
        return None
    coding, payload = frame
    if len(payload) < 6 or len(payload) < 6 + 3 * payload[5]:
        return None
    names = payload[6 : 6 + 3 * payload[5] : 3]
    if adobe is not None:
        transform = Transform.NONE if adobe == 0 else Transform.YBR
    elif names in _RGB_NAMES:
        transform = Transform.NONE
    else:
        transform = Transform.YBR if jfif else Transform.UNSAID
    return Codestream(
        coding=coding,
        rows=int.from_bytes(payload[1:3], "big"),
        columns=int.from_bytes(payload[3:5], "big"),
        components=payload[5],
        precision=payload[0],
        transform=transform,
        complete=data.rfind(b"\xff\xd9") > scan_at,
        orientation=orientation,
    )


def _exif_orientation(tiff: bytes) -> int:
    """Read tag 0x0112 of the first directory (CIPA DC-008 4.6.4); 1 when absent or damaged."""
    if tiff[:2] not in (b"II", b"MM"):
        return 1
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    directory = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[directory : directory + 2], order)
    for number in range(min(entries, len(tiff) // 12)):
        at = directory + 2 + 12 * number
        if int.from_bytes(tiff[at : at + 2], order) == _ORIENTATION_TAG:
            value = int.from_bytes(tiff[at + 8 : at + 10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def _read_j2k(data: bytes, at: int) -> Codestream | None:
    size: bytes | None = None
    multiple = False
    while at + 4 <= len(data):
        marker = int.from_bytes(data[at : at + 2], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        payload = data[at + 4 : at + 2 + length]
        if marker == _J2K_SIZ:
            size = payload
        elif marker == _J2K_COD and len(payload) >= 5:
            multiple = payload[4] == 1
        if marker == _J2K_SOT or length < 2:
            break
        at += 2 + length
    if size is None or len(size) < 37:
        return None
    right, bottom, left, top = (int.from_bytes(size[i : i + 4], "big") for i in (2, 6, 10, 14))
    return Codestream(
        coding=Coding.JPEG_2000,
        rows=bottom - top,
        columns=right - left,
        components=int.from_bytes(size[34:36], "big"),
        precision=(size[36] & 0x7F) + 1,
        transform=Transform.YBR if multiple else Transform.NONE,
        complete=data.rfind(b"\xff\xd9") > at,
        signed=bool(size[36] & 0x80),
    )
