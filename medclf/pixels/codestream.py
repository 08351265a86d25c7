"""What a compressed frame says of itself, read before any decoder is trusted with it.

A decoder allocates what the codestream claims, not what DICOM's header says, and libjpeg guesses
colours from markers. Both are settled here from the marker segments alone (ITU-T T.81 annex B,
T.87 annex C, T.800 annex A, T.814 annex A).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

_EOI, _SOS, _APP0, _APP1, _APP14 = 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_LOSSLESS_FRAME = 0xC3
# Hierarchical and arithmetic: T.81 table B.1 without DHT, JPG and DAC.
_OTHER_FRAMES = frozenset({0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_LS_FRAME = 0xF7
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_RGB_NAMES = (b"RGB", b"rgb")
_EXIF = b"Exif\0\0"
_ORIENTATION_TAG = 0x0112

_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_TAIL = 256  # bytes searched before the whole codestream is

_J2K_SIZ, _J2K_COD, _J2K_COC, _J2K_SOT = 0xFF51, 0xFF52, 0xFF53, 0xFF90
_HIGH_THROUGHPUT = 0x4000  # bit 14 of Rsiz: ITU-T T.814 annex A
_J2K_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"


class Coding(StrEnum):
    """Which algorithm the codestream uses, whatever the transfer syntax says."""

    JPEG_DCT = "jpeg"
    JPEG_LOSSLESS = "jpeg lossless"
    JPEG_OTHER = "jpeg, arithmetic or hierarchical"
    JPEG_LS = "jpeg-ls"
    JPEG_2000 = "jpeg 2000"
    HTJ2K = "high-throughput jpeg 2000"


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
        plain: picture and tiles of JPEG 2000 begin at 0, and its components are alike.
        reversible: the wavelet transform of JPEG 2000 is the one in whole numbers.
        accounted: the lengths that JPEG 2000's tile parts claim end at the end marker, so that
            no byte is missing; False for other codings, which claim none.
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
    plain: bool = False
    reversible: bool = False
    accounted: bool = False
    orientation: int = 1


def read_codestream(data: bytes) -> Codestream | None:
    """Read a JPEG, JPEG-LS or JPEG 2000 codestream's header; None when it is none of them."""
    if data[:2] == b"\xff\xd8":
        return _read_jpeg(data)
    if data[:4] == b"\xff\x4f\xff\x51":
        return _read_j2k(data, 2)
    if data[: len(_J2K_BOX)] == _J2K_BOX:
        start = bytes(data).find(b"\xff\x4f\xff\x51")
        return _read_j2k(data, start + 2) if start > 0 else None
    return None


def segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
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
        yield marker, bytes(data[at + 4 : at + 2 + length]), at
        if marker == _SOS:
            return
        at += 2 + length


def _read_jpeg(data: bytes) -> Codestream | None:
    frame: tuple[Coding, bytes] | None = None
    adobe: int | None = None
    jfif = False
    orientation = 1
    scan_at = len(data)
    for marker, payload, at in segments(data):
        if marker in _DCT_FRAMES:
            frame = (Coding.JPEG_DCT, payload)
        elif marker == _LOSSLESS_FRAME:
            frame = (Coding.JPEG_LOSSLESS, payload)
        elif marker in _OTHER_FRAMES:
            frame = (Coding.JPEG_OTHER, payload)
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
        complete=_last_end(data) > scan_at,
        orientation=orientation,
    )


def _last_end(data: bytes) -> int:
    """Return where the last end marker stands, -1 where there is none; padding may follow it."""
    tail = max(0, len(data) - _TAIL)
    found = bytes(data[tail:]).rfind(_END)
    return tail + found if found >= 0 else bytes(data).rfind(_END)


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
    multiple = reversible = False
    while at + 4 <= len(data):
        marker = int.from_bytes(data[at : at + 2], "big")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        payload = bytes(data[at + 4 : at + 2 + length])
        if marker == _J2K_SIZ:
            size = payload
        elif marker == _J2K_COD and len(payload) >= 10:
            multiple, reversible = payload[4] == 1, payload[9] == 1
        elif marker == _J2K_COC:  # some component has a transform of its own
            reversible = False
        if marker == _J2K_SOT or length < 2:
            break
        at += 2 + length
    if size is None or len(size) < 37:
        return None
    right, bottom, left, top = (int.from_bytes(size[i : i + 4], "big") for i in (2, 6, 10, 14))
    fast = bool(int.from_bytes(size[:2], "big") & _HIGH_THROUGHPUT)
    end = _last_end(data)
    return Codestream(
        coding=Coding.HTJ2K if fast else Coding.JPEG_2000,
        rows=bottom - top,
        columns=right - left,
        components=int.from_bytes(size[34:36], "big"),
        precision=(size[36] & 0x7F) + 1,
        transform=Transform.YBR if multiple else Transform.NONE,
        complete=end > at,
        signed=bool(size[36] & 0x80),
        plain=_is_plain(size),
        reversible=reversible,
        accounted=_tile_parts_end(data, at) == end,
    )


def _is_plain(size: bytes) -> bool:
    """Say whether a SIZ segment (T.800 A.5.1) is as every picture of a hospital has it."""
    offsets, tiles = size[10:18] + size[26:34], (size[18:22], size[22:26])
    components = {size[at : at + 3] for at in range(36, len(size), 3)}
    return (
        not any(offsets)
        and all(any(side) for side in tiles)
        and len(components) == 1
        and components.pop()[1:] == b"\1\1"
    )


def _tile_parts_end(data: bytes, at: int) -> int:
    """Add up the lengths that the tile parts claim (T.800 A.4.2); -1 where one claims none."""
    while int.from_bytes(data[at : at + 2], "big") == _J2K_SOT:
        length = int.from_bytes(data[at + 6 : at + 10], "big")  # Psot, from the marker on
        if length < 14:  # SOT and SOD; 0 means: up to the end marker
            return -1
        at += length
    return at
