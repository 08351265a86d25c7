"""Compressed pictures carry comments of their own; they go, the picture stays bit for bit.

JPEG and JPEG-LS have comment and application segments (ITU-T T.81 section B.2.4, Exif among
them), JPEG 2000 comment segments (ISO/IEC 15444-1 section A.9.2) and boxes around them.
They are filled with zeros in place, so that no length or offset changes.
"""

import re
import struct
from collections.abc import Iterator

from medclf.errors import InstanceRefused
from medclf.reasons import Reason

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_JPEG, _JPEG_2000, _BOXES = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_COMMENT, _SCAN, _END, _START = 0xFE, 0xDA, 0xD9, 0xD8
_ALONE = frozenset({0x01, _START, *range(0xD0, 0xD8)})
# APP0 (JFIF), APP8 (the colour transform of JPEG-LS) and APP14 (Adobe) tell how to decode.
_DECODING = {0xE0: b"JFIF\0", 0xE8: b"mrfx", 0xEE: b"Adobe"}
_DECODING_BYTES = 16  # longer ones hold more: a thumbnail, a text
# After the scan header: FF 00 is data, FF D0 to D7 restarts; JPEG-LS stuffs a bit (FF 00 to 7F).
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_J2K_COMMENT, _J2K_TILE, _J2K_DATA, _J2K_END = 0xFF64, 0xFF90, 0xFF93, 0xFFD9
_WORDY_BOXES = frozenset({b"xml ", b"uuid", b"uinf", b"url "})


def without_comments(value: bytes) -> bytes:
    """Return encapsulated pixel data (PS3.5 section A.4) without comments in its streams.

    Args:
        value: all items, the offset table first, without or with the closing delimiter.

    Raises:
        InstanceRefused: MALFORMED, because the fragments cannot be followed.
    """
    fragments = list(_fragments(value))
    if any(len(fragment) % 2 for fragment in fragments):
        # Against PS3.5 section A.4. Made even here, so that the table's offsets hold no more.
        fragments = [bytearray(), *fragments[1:]]
    for fragment in fragments[1:]:
        _wipe(fragment, 0, len(fragment))
    parts: list[bytes | bytearray] = []
    for fragment in fragments:
        fragment += bytes(len(fragment) % 2)
        parts += [struct.pack("<HHL", _ITEM >> 16, _ITEM & 0xFFFF, len(fragment)), fragment]
    return b"".join(parts)


def _fragments(value: bytes) -> Iterator[bytearray]:
    position = 0
    while position + 8 <= len(value):
        group, element, length = struct.unpack_from("<HHL", value, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END:
            return
        if tag != _ITEM or position + length > len(value):
            raise InstanceRefused(Reason.MALFORMED, "The fragments of the pixels are damaged.")
        yield bytearray(value[position : position + length])
        position += length


def _wipe(data: bytearray, start: int, end: int) -> None:
    if data.startswith(_JPEG, start):
        _wipe_jpeg(data, start, end)
    elif data.startswith(_JPEG_2000, start):
        _wipe_jpeg_2000(data, start, end)
    elif data.startswith(_BOXES, start):
        _wipe_boxes(data, start, end)


def _zero(data: bytearray, start: int, end: int) -> None:
    if end > start:
        data[start:end] = bytes(end - start)


def _wipe_jpeg(data: bytearray, position: int, end: int) -> None:
    while position + 4 <= end:
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _ALONE:
            position += 2
            continue
        if marker == _END:
            _zero(data, position + 2, end)
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        after = min(end, position + 2 + length)
        if marker == _COMMENT or 0xE0 <= marker <= 0xEF:
            known = data.startswith(_DECODING.get(marker, b"\0none"), position + 4)
            _zero(data, position + 4 + (_DECODING_BYTES if known else 0), after)
        position = after
        if marker == _SCAN:
            found = _MARKER.search(data, position, end)
            position = found.start() if found else end


def _wipe_jpeg_2000(data: bytearray, position: int, end: int) -> None:
    position += 2  # SOC
    tile_end = 0
    while position + 4 <= end:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _J2K_END:
            _zero(data, position + 2, end)
            return
        if marker == _J2K_DATA:
            if tile_end <= position:  # to the end of the stream
                return
            position = tile_end
            continue
        if marker == _J2K_TILE and position + 10 <= end:
            (size,) = struct.unpack_from(">L", data, position + 6)
            tile_end = position + size if size else 0
        if marker == _J2K_COMMENT:
            _zero(data, position + 6, min(end, position + 2 + length))
        if marker < 0xFF00 or length < 2:
            return
        position += 2 + length


def _wipe_boxes(data: bytearray, position: int, end: int) -> None:
    while position + 8 <= end:
        length, name = struct.unpack_from(">L4s", data, position)
        after = min(end, position + length) if length else end
        if name in _WORDY_BOXES:
            _zero(data, position + 8, after)
        elif name == b"jp2c":
            _wipe_jpeg_2000(data, position + 8, after)
        if length == 1 or after <= position:  # a length of 64 bits is not needed for a fragment
            raise InstanceRefused(Reason.MALFORMED, "The boxes of a JP2 picture are damaged.")
        position = after
