"""Colour profiles keep their numbers and lose their words.

An ICC profile (ICC.1:2022) is needed to show a slide in its true colours, and it also names
its maker, the scanner's serial number and the day it was made.
"""

import struct

_HEADER_BYTES, _COUNT_BYTES, _ENTRY_BYTES = 128, 4, 12
_SIGNATURE = b"acsp"
_MOST_TAGS = 200
# Header fields of section 7.2 that say when, on what and by whom: date, manufacturer, model,
# creator, profile ID (a digest of the whole).
_TELLING = ((24, 36), (48, 56), (80, 100))
_WORDY = frozenset(
    {b"text", b"desc", b"mluc", b"dtim", b"ui08", b"data", b"dict", b"pseq", b"psid"}
)
_TYPE_BYTES = 8  # type signature and four reserved bytes


def without_words(raw: bytes) -> bytes | None:
    """Return a profile of the same length without words and dates; None when it is none."""
    if len(raw) < _HEADER_BYTES + _COUNT_BYTES or raw[36:40] != _SIGNATURE:
        return None
    (size,) = struct.unpack_from(">L", raw)
    (count,) = struct.unpack_from(">L", raw, _HEADER_BYTES)
    table = _HEADER_BYTES + _COUNT_BYTES
    if size > len(raw) or count > _MOST_TAGS or table + count * _ENTRY_BYTES > size:
        return None
    kept = bytearray(len(raw))
    kept[: table + count * _ENTRY_BYTES] = raw[: table + count * _ENTRY_BYTES]
    for start, end in _TELLING:
        kept[start:end] = bytes(end - start)
    for number in range(count):
        name, offset, length = struct.unpack_from(">4sLL", raw, table + number * _ENTRY_BYTES)
        if offset + length > size or length < _TYPE_BYTES:
            return None
        value = raw[offset : offset + length]
        if value[:4] in _WORDY:
            kept[offset : offset + length] = _emptied(value)
        elif name.isascii():
            kept[offset : offset + length] = value
    return bytes(kept)


def _emptied(value: bytes) -> bytes:
    """Return a wordy value without its words, in a form of the same length that readers take."""
    kind = value[:_TYPE_BYTES]
    if value.startswith(b"mluc") and len(value) >= 16:  # no records, of the usual 12 bytes
        return kind + struct.pack(">LL", 0, 12) + bytes(len(value) - 16)
    if value.startswith(b"desc") and len(value) >= 13:  # ICC.1:2001 section 6.5.17: length 1, NUL
        return kind + struct.pack(">L", 1) + bytes(len(value) - 12)
    return kind + bytes(len(value) - _TYPE_BYTES)
