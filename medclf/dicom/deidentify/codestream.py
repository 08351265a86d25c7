"""Compressed pictures carry comments of their own; they go, the picture stays bit for bit.

JPEG and JPEG-LS have comment and application segments (ITU-T T.81 section B.2.4, Exif among
them), JPEG 2000 comment segments (ISO/IEC 15444-1 section A.9.2) and boxes around them.
They are filled with zeros in place, so that no length or offset changes.
"""

import re
import struct
from collections.abc import Iterator, Sequence

from medclf.errors import InstanceRefused
from medclf.reasons import Reason

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_JPEG, _JPEG_2000, _BOXES = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_SCAN, _END, _START = 0xDA, 0xD9, 0xD8
_ALONE = frozenset({0x01, _START, *range(0xD0, 0xD8)})
# Frames, tables, scans and restarts (T.81 table B.1), LSE of JPEG-LS (T.87); every other segment
# is a comment, an application's or reserved.
_NEEDED = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xE0), 0xF7, 0xF8})
# APP0 (JFIF), APP8 (the colour transform of JPEG-LS) and APP14 (Adobe) tell how to decode.
_DECODING = {0xE0: b"JFIF\0", 0xE8: b"mrfx", 0xEE: b"Adobe"}
_DECODING_BYTES = 16  # longer ones hold more: a thumbnail, a text
# After the scan header: FF 00 is data, FF D0 to D7 restarts; JPEG-LS stuffs a bit (FF 00 to 7F).
_MARKER = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
_J2K_COMMENT, _J2K_DATA, _J2K_END = 0xFF64, 0xFF93, 0xFFD9
# In packets no byte above 8F follows FF (section B.10.1), so this is the next tile or the end;
# the length of a tile, which real files get wrong, is not needed.
_J2K_NEXT = re.compile(rb"\xff[\x90\xd9]")
_WORDY_BOXES = frozenset({b"xml ", b"uuid", b"uinf", b"url "})


def without_comments(value: bytes, *, frames: int) -> bytes:
    """Return JPEG, JPEG-LS or JPEG 2000 pixel data without words in its streams.

    Args:
        value: all items (PS3.5 section A.4), the offset table first.
        frames: pictures in it.

    Raises:
        InstanceRefused: MALFORMED, because fragments or streams cannot be followed.
    """
    table, *fragments = list(_fragments(value)) or [bytearray()]
    for first, last in _pictures(fragments, frames):
        stream = bytearray().join(fragments[first:last])
        _wipe(stream, 0, len(stream))
        start = 0
        for fragment in fragments[first:last]:
            fragment[:] = stream[start : start + len(fragment)]
            start += len(fragment)
    if any(len(fragment) % 2 for fragment in fragments):
        # Against PS3.5 section A.4. Made even here, so that the table's offsets hold no more.
        table = bytearray()
    parts: list[bytes | bytearray] = []
    for fragment in (table, *fragments):
        fragment += bytes(len(fragment) % 2)
        parts += [struct.pack("<HHL", _ITEM >> 16, _ITEM & 0xFFFF, len(fragment)), fragment]
    return b"".join(parts)


def _pictures(fragments: Sequence[bytearray], frames: int) -> Iterator[tuple[int, int]]:
    """Give the first fragment of each picture and the one after its last."""
    if frames == 1:
        starts = [0]
    elif len(fragments) == frames:
        starts = list(range(frames))
    else:
        starts = [
            number
            for number, fragment in enumerate(fragments)
            if fragment.startswith((_JPEG, _JPEG_2000, _BOXES))
        ]
    if not fragments or starts[:1] != [0]:
        raise _damaged()
    yield from zip(starts, [*starts[1:], len(fragments)], strict=True)


def _damaged() -> InstanceRefused:
    return InstanceRefused(Reason.MALFORMED, "The compressed pixels are damaged.")


def _fragments(value: bytes) -> Iterator[bytearray]:
    position = 0
    while position + 8 <= len(value):
        group, element, length = struct.unpack_from("<HHL", value, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END:
            return
        if tag != _ITEM or position + length > len(value):
            raise _damaged()
        yield bytearray(value[position : position + length])
        position += length


def _wipe(data: bytearray, start: int, end: int) -> None:
    if data.startswith(_JPEG, start):
        _wipe_jpeg(data, start, end)
    elif data.startswith(_JPEG_2000, start):
        _wipe_jpeg_2000(data, start, end)
    elif data.startswith(_BOXES, start):
        _wipe_boxes(data, start, end)
    else:
        raise _damaged()


def _zero(data: bytearray, start: int, end: int) -> None:
    if end > start:
        data[start:end] = bytes(end - start)


def _wipe_jpeg(data: bytearray, position: int, end: int) -> None:
    while position + 2 <= end:
        if data[position] != 0xFF:
            raise _damaged()
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
        if position + 4 > end:
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        after = min(end, position + 2 + length)
        if marker not in _NEEDED:
            known = data.startswith(_DECODING.get(marker, b"\0none"), position + 4)
            _zero(data, position + 4 + (_DECODING_BYTES if known else 0), after)
        position = after
        if marker == _SCAN:
            found = _MARKER.search(data, position, end)
            position = found.start() if found else end
    raise _damaged()  # without its end nothing tells the picture from what stands behind it


def _wipe_jpeg_2000(data: bytearray, position: int, end: int) -> None:
    position += 2  # SOC
    while position + 4 <= end:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _J2K_END:
            _zero(data, position + 2, end)
            return
        if marker == _J2K_DATA:
            found = _J2K_NEXT.search(data, position + 2, end)
            position = found.start() if found else end
            continue
        if marker < 0xFF00 or length < 2:
            raise _damaged()
        after = min(end, position + 2 + length)
        if marker == _J2K_COMMENT:
            _zero(data, position + 6, after)
        position = after


def _wipe_boxes(data: bytearray, position: int, end: int) -> None:
    while position + 8 <= end:
        length, name = struct.unpack_from(">L4s", data, position)
        after = min(end, position + length) if length else end
        if name in _WORDY_BOXES:
            _zero(data, position + 8, after)
        elif name == b"jp2c":
            _wipe_jpeg_2000(data, position + 8, after)
        if length == 1 or after <= position:  # a length of 64 bits is not needed for a fragment
            raise _damaged()
        position = after
