"""The hostile set: files made to kill, exhaust or mislead whoever opens them.

Every family is a generator of `Hostile`, made on the spot. Real files are damaged in `damage`.
"""

import random
import struct
import zlib
from collections.abc import Iterator

import cv2
import imagecodecs
import numpy as np
from hostile.building import (
    BIG,
    DEFLATED,
    IMPLICIT,
    JPEG_LS,
    REFUSED,
    UNDEFINED,
    Hostile,
    body,
    deflated,
    element,
    fragments,
    header,
)
from hostile.identity import preambles, uids

from medclf.reasons import Reason

DEEP = 100_000
ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, UNDEFINED)
JPEG, JPEG_LL, JPEG_2000 = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 70, 90))
HTJ2K, RLE = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"


def _deep(tag: int, vr: str, *, implicit: bool = False, order: str = "<") -> bytes:
    item = struct.pack(order + "HHL", 0xFFFE, 0xE000, UNDEFINED)
    return (element(tag, vr, b"", length=UNDEFINED, implicit=implicit, order=order) + item) * DEEP


def _deep_defined(tag: int, vr: str, *, implicit: bool = False) -> bytes:
    """Nest with true lengths, written from the outside in: 100,000 joinings would be quadratic."""
    head = 8 if implicit else 12
    parts = []
    for left in range(DEEP, 0, -1):
        inside = (left - 1) * (head + 8)
        parts.append(element(tag, vr, b"", length=inside + 8, implicit=implicit))
        parts.append(struct.pack("<HHL", 0xFFFE, 0xE000, inside))
    return b"".join(parts)


def nesting() -> Iterator[Hostile]:
    """Sequences 100,000 deep, in every encoding and disguise."""
    files = {
        "SQ, undefined": header() + body(before=_deep(0x00081140, "SQ")),
        "SQ, defined": header() + body(before=_deep_defined(0x00081140, "SQ")),
        "UN, undefined": header() + body(before=_deep(0x00081140, "UN")),
        "UN, defined": header() + body(before=_deep_defined(0x00081140, "UN")),
        "private SQ, undefined": header() + body(before=_deep(0x00091001, "SQ")),
        "private UN, undefined": header() + body(before=_deep(0x00091001, "UN")),
        "private UN, defined": header() + body(before=_deep_defined(0x00091001, "UN")),
        "implicit, undefined": header(IMPLICIT)
        + body(implicit=True, before=_deep(0x00081140, "SQ", implicit=True)),
        "implicit, defined": header(IMPLICIT)
        + body(implicit=True, before=_deep_defined(0x00081140, "SQ", implicit=True)),
        "private implicit, undefined": header(IMPLICIT)
        + body(implicit=True, before=_deep(0x00091001, "SQ", implicit=True)),
        "private implicit, defined": header(IMPLICIT)
        + body(implicit=True, before=_deep_defined(0x00091001, "SQ", implicit=True)),
        "big endian": header(BIG)
        + body(order=">", before=_deep(0x00081140, "SQ", order=">")),
        "deflated": header(DEFLATED) + deflated(body(before=_deep(0x00081140, "SQ"))),
    }  # fmt: skip
    for name, data in files.items():
        yield Hostile("nesting", name, data, frozenset({Reason.NESTED_TOO_DEEPLY}))
    in_meta = element(0x00020102, "SQ", b"", length=UNDEFINED)
    yield Hostile("nesting", "in group 2", header() + (in_meta + ITEM) * DEEP, REFUSED)
    hidden = fragments(0, 16)[:-8] + _deep(0x00081140, "SQ")
    yield Hostile("nesting", "behind fragments", header(JPEG_LS) + body(pixels=hidden), REFUSED)


def lengths() -> Iterator[Hostile]:
    """Lengths of gigabytes, below zero, odd, over one another; and very many elements."""
    for vr, tag in (("OB", 0x7FE00010), ("UN", 0x00091001), ("SQ", 0x00081140), ("UT", 0x00400001)):
        for length in (1 << 31, 0xFFFFFFF0, 0xFFFFFFFE, (1 << 31) - 1, 1 << 24):
            lie = element(tag, vr, b"\0" * 16, length=length)
            data = header() + body(before=lie if tag != 0x7FE00010 else b"", pixels=lie)
            yield Hostile("lengths", f"{vr} {length:#x}", data, REFUSED)
    for length in (17, 15, 3, 1):
        data = header() + body(pixels=element(0x7FE00010, "OB", b"\0" * 16, length=length))
        yield Hostile("lengths", f"odd {length}", data, REFUSED)
    swallowed = element(0x00080060, "CS", b"", length=200)
    yield Hostile("lengths", "over the next elements", header() + body(before=swallowed), REFUSED)
    inner = struct.pack("<HHL", 0xFFFE, 0xE000, 1 << 30)
    data = header() + body(before=element(0x00081140, "SQ", inner))
    yield Hostile("lengths", "item of 1 GiB", data, REFUSED)
    short = element(0x00081140, "SQ", struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"\0" * 4)
    yield Hostile("lengths", "item of 4 bytes", header() + body(before=short), REFUSED)
    many = element(0x00080060, "CS", b"") * 1_000_000
    yield Hostile("lengths", "a million elements", header() + body(before=many), REFUSED)
    items = struct.pack("<HHL", 0xFFFE, 0xE000, 0) * 1_000_000
    data = header() + body(before=element(0x00081140, "SQ", items))
    yield Hostile("lengths", "a million items", data, REFUSED)
    for count in (200_000, 1_000_000):
        data = header(JPEG_LS) + body(pixels=fragments(*([0] * count), 2))
        yield Hostile("lengths", f"{count:,} empty fragments", data, REFUSED)


def bombs() -> Iterator[Hostile]:
    """Small files that inflate to gigabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(b"\0" * (1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = block * 80 + b"\x03\0"  # 1.25 GiB; each block stands alone after a full flush
    yield Hostile("bombs", "deflate", header(DEFLATED) + stream, frozenset({Reason.FILE_TOO_LARGE}))
    yield Hostile("bombs", "deflate, no end", header(DEFLATED) + block * 80, REFUSED)
    zeros = deflated(body()[:-16]) + stream
    yield Hostile("bombs", "deflate, two streams", header(DEFLATED) + zeros, REFUSED)
    image = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    packed = b"\x78\xda" + stream  # a zlib stream without its checksum is inflated all the same
    for kind, start in ((b"iCCP", b"x\0\0"), (b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\x01\0\0\0")):
        data = image[:33] + _chunk(kind, start + packed) + image[33:]
        yield Hostile("bombs", f"PNG {kind.decode()}", data)
    chunks = image[:33] + _chunk(b"tEXt", b"a\0b") * 100_000 + image[33:]
    yield Hostile("bombs", "PNG, 100,000 chunks", chunks)
    wide = struct.pack(">IIBBBBB", 30_000, 6_000, 8, 0, 0, 0, 0)
    data = image[:8] + _chunk(b"IHDR", wide) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")
    yield Hostile("bombs", "PNG of 180 million pixels", data)
    # Each RLE segment says how long it is; each run makes 128 bytes of two.
    segment = struct.pack("<16L", 1, 64, *([0] * 14)) + b"\x81\0" * 4_000_000
    yield Hostile("bombs", "RLE", _encapsulated(segment, RLE, 12_000, 12_000))
    tiff = _tiff({256: 60_000, 257: 60_000, 259: 8, 278: 60_000}, packed)
    yield Hostile("bombs", "TIFF", tiff, REFUSED)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _tiff(numbers: dict[int, int], strip: bytes) -> bytes:
    entries = {258: 8, 262: 1, 277: 1, 273: 8, 279: len(strip)} | numbers
    rows = [struct.pack("<HHLL", tag, 4, 1, n) for tag, n in sorted(entries.items())]
    directory = struct.pack("<H", len(rows)) + b"".join(rows) + struct.pack("<L", 0)
    return b"II*\0" + struct.pack("<L", 8 + len(strip)) + strip + directory


def _image(rows: int, columns: int, **more: int) -> dict[int, int]:
    bits = more.get("bits", 8)
    return {
        0x00280010: rows,
        0x00280011: columns,
        0x00280002: more.get("samples", 1),
        0x00280100: -(-bits // 8) * 8,
        0x00280101: bits,
        0x00280102: bits - 1,
        0x00280103: 0,
    }


GREY = element(0x00280004, "CS", b"MONOCHROME2 ")


def _encapsulated(frame: bytes, syntax: str, rows: int, columns: int) -> bytes:
    pixels = (
        element(0x7FE00010, "OB", b"", length=UNDEFINED)
        + struct.pack("<HHLHHL", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, len(frame) + len(frame) % 2)
        + frame + b"\0" * (len(frame) % 2)
        + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    )  # fmt: skip
    return header(syntax) + body(before=GREY, shorts=_image(rows, columns), pixels=pixels)


def sizes() -> Iterator[Hostile]:
    """Pictures of 65,535 by 65,535 and more, in headers and in codestreams."""
    too_many = frozenset({Reason.PIXELS_TOO_MANY})
    for bits in (8, 16, 32, 64):
        data = header() + body(before=GREY, shorts=_image(65_535, 65_535, bits=bits))
        yield Hostile("sizes", f"raw, {bits} bits", data, too_many)
    data = header() + body(before=GREY, shorts=_image(65_535, 65_535, samples=65_535))
    yield Hostile("sizes", "65,535 samples", data, too_many)
    for frames in ("2147483647", "-1", "0", "9" * 300, "1e9", "\\".join("12")):
        data = header() + body(before=GREY, shorts=_image(4, 5), frames=frames)
        yield Hostile("sizes", f"{frames[:12]} frames", data, REFUSED)
    data = header() + body(before=GREY, shorts=_image(11_000, 11_000, bits=64))
    yield Hostile("sizes", "under the samples, over the bytes", data, too_many)
    image = np.zeros((64, 64), np.uint8)
    streams = {
        "JPEG": (imagecodecs.jpeg8_encode(image), JPEG, _jpeg_size),
        "JPEG lossless": (imagecodecs.ljpeg_encode(image), JPEG_LL, _jpeg_size),
        "JPEG-LS": (imagecodecs.jpegls_encode(image), JPEG_LS, _jpeg_size),
        "JPEG 2000": (imagecodecs.jpeg2k_encode(image, codecformat="j2k"), JPEG_2000, _j2k_size),
        "HTJ2K": (imagecodecs.htj2k_encode(image), HTJ2K, _j2k_size),
    }
    for name, (frame, syntax, resize) in streams.items():
        huge = resize(frame, 65_535)
        yield Hostile(
            "sizes", f"{name} in a small header", _encapsulated(huge, syntax, 64, 64), REFUSED
        )
        data = _encapsulated(huge, syntax, 65_535, 65_535)
        yield Hostile("sizes", f"{name} and header", data, too_many)
        most = resize(frame, 14_000)  # within the budget: the decoder must run out of data
        yield Hostile("sizes", f"{name} of 14,000", _encapsulated(most, syntax, 14_000, 14_000))
        if resize is _j2k_size:
            far = _encapsulated(_j2k_size(frame, (1 << 31) - 1), syntax, 64, 64)
            yield Hostile("sizes", f"{name} of 2^31", far, REFUSED)
    jpeg = streams["JPEG"][0]
    yield Hostile("sizes", "JPEG file", _jpeg_size(jpeg, 65_535), too_many)
    yield Hostile("sizes", "JPEG file, 14,000", _jpeg_size(jpeg, 14_000))
    second = jpeg[:2] + jpeg[jpeg.index(b"\xff\xc0") :].replace(b"\xff\xc0", b"\xff\xc0", 1)
    yield Hostile("sizes", "JPEG file, two headers", _jpeg_size(second, 14_000) + jpeg[2:])
    yield Hostile("sizes", "progressive JPEG of many scans", _many_scans())
    png = cv2.imencode(".png", image)[1].tobytes()
    for side in ((1 << 31) - 1, 0xFFFFFFFF, 65_535):
        head = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
        data = png[:8] + _chunk(b"IHDR", head) + png[33:]
        yield Hostile("sizes", f"PNG of {side}", data, too_many)
    for side in ((1 << 31) - 1, 65_535, 14_000):
        data = _tiff({256: side, 257: side, 259: 1, 278: side}, b"\0" * 64)
        yield Hostile("sizes", f"TIFF of {side}", data, REFUSED)
    loop = b"II*\0\x08\0\0\0\x00\x00\x08\0\0\0"
    yield Hostile("sizes", "TIFF, a directory that is its own next", loop, REFUSED)
    yield Hostile("sizes", "TIFF, directories over one another", _tiff_overlapping(), REFUSED)
    data = b"II+\0\x08\0\0\0" + b"\xff" * 8
    yield Hostile("sizes", "BigTIFF, a directory at 2^64", data, REFUSED)
    many = struct.pack("<HHLL", 273, 4, 1 << 20, 8) * 65_535  # each says 4 MiB of offsets
    data = b"II*\0" + struct.pack("<L", 8 + (4 << 20)) + bytes(4 << 20)
    data += struct.pack("<H", 65_535) + many + struct.pack("<L", 0)
    yield Hostile("sizes", "TIFF, one long tag again and again", data, REFUSED)


def _tiff_overlapping() -> bytes:
    """Directories 14 bytes apart, of 65,535 entries each, that share nearly all of them.

    Each counts 65,535 entries; the two bytes of its count, an entry, and where the next one lies
    are the entries of those before it.
    """
    step, entries = 14, 65_535
    size = 2 + entries * 12 + 4
    data = bytearray(8 + 4096 * step + size)
    data[:8] = b"II*\0" + struct.pack("<L", 8)
    for number in range(4096):
        at = 8 + number * step
        struct.pack_into("<H", data, at, entries)
        following = at + step if number < 4095 else 0
        struct.pack_into("<L", data, at + size - 4, following)
    return bytes(data)


def _jpeg_size(stream: bytes, side: int) -> bytes:
    at = next(
        i
        for i in range(2, len(stream))
        if stream[i] == 0xFF and stream[i + 1] in (0xC0, 0xC3, 0xF7)
    )
    return stream[: at + 5] + struct.pack(">HH", side, side) + stream[at + 9 :]


def _j2k_size(stream: bytes, side: int) -> bytes:
    at = stream.index(b"\xff\x51") + 6
    return stream[:at] + struct.pack(">LL", side, side) + stream[at + 8 :]


def _many_scans() -> bytes:
    """A large progressive JPEG whose last scan comes again and again: time, not memory."""
    stream = imagecodecs.jpeg8_encode(np.zeros((8, 8), np.uint8))
    image = np.zeros((3000, 3000), np.uint8)
    made, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    if not made:
        return stream
    whole = encoded.tobytes()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * 2000 + b"\xff\xd9"


def tables() -> Iterator[Hostile]:
    """Lookup tables, windows, palettes and offset tables that lie."""
    shorts = _image(4, 4)

    def with_(*parts: bytes, photometric: bytes = b"MONOCHROME2 ") -> bytes:
        before = element(0x00280004, "CS", photometric) + b"".join(parts)
        return header() + body(before=before, shorts=shorts)

    item = struct.pack("<HHL", 0xFFFE, 0xE000, UNDEFINED)
    end = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    for name, descriptor, data in (
        ("65,536 entries of 2", (0, 0, 16), b"\0\0"),
        ("no entries", (1, 0, 16), b""),
        ("255 bits", (4, 0, 255), b"\0" * 8),
        ("first is -32768", (4, 0x8000, 8), b"\0" * 8),
    ):
        lut = element(0x00283002, "US", struct.pack("<3H", *descriptor)) + element(
            0x00283006, "OW", data
        )
        for kind, tag in (("modality", 0x00283000), ("VOI", 0x00283010)):
            sequence = element(tag, "SQ", item + lut + end, length=UNDEFINED)
            yield Hostile("tables", f"{kind} LUT, {name}", with_(sequence))
        palette = [element(0x00281101 + i, "US", struct.pack("<3H", *descriptor)) for i in range(3)]
        palette += [element(0x00281201 + i, "OW", data) for i in range(3)]
        yield Hostile("tables", f"palette, {name}", with_(*palette, photometric=b"PALETTE COLOR "))
    segmented = [element(0x00281101 + i, "US", struct.pack("<3H", 0, 0, 16)) for i in range(3)]
    runs = struct.pack("<3H", 1, 65_535, 7) * 2000  # linear segments: 131 million entries
    segmented += [element(0x00281221 + i, "OW", runs) for i in range(3)]
    yield Hostile(
        "tables", "segmented palette bomb", with_(*segmented, photometric=b"PALETTE COLOR ")
    )
    loop = struct.pack("<4H", 2, 65_535, 0, 0) * 2000  # indirect segments that name themselves
    segmented[3:] = [element(0x00281221 + i, "OW", loop) for i in range(3)]
    yield Hostile(
        "tables", "segmented palette loop", with_(*segmented, photometric=b"PALETTE COLOR ")
    )
    for name, window in (
        ("nan", b"nan "),
        ("1e308", b"1e308 "),
        ("zero", b"0 "),
        ("text", b"wide"),
    ):
        parts = (element(0x00281050, "DS", window), element(0x00281051, "DS", window))
        yield Hostile("tables", f"window {name}", with_(*parts))
        parts = (element(0x00281052, "DS", window), element(0x00281053, "DS", window))
        yield Hostile("tables", f"rescale {name}", with_(*parts))
    frame = imagecodecs.jpegls_encode(np.zeros((64, 64), np.uint8))
    frame += b"\0" * (len(frame) % 2)
    offsets = struct.pack("<1000L", *range(0xFFFFFC18, 0x100000000))
    pixels = element(0x7FE00010, "OB", b"", length=UNDEFINED)
    for part in (offsets, frame):
        pixels += struct.pack("<HHL", 0xFFFE, 0xE000, len(part)) + part
    pixels += struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    data = header(JPEG_LS) + body(before=GREY, shorts=_image(64, 64), pixels=pixels)
    yield Hostile("tables", "offset table beyond the end", data)


def formats() -> Iterator[Hostile]:
    """What is no medical image at all."""
    source = random.Random(7)
    yield Hostile("formats", "empty", b"", frozenset({Reason.FILE_EMPTY}))
    yield Hostile("formats", "GIF", b"GIF89a" + b"\0" * 800, frozenset({Reason.FORMAT_UNKNOWN}))
    yield Hostile("formats", "zeros", bytes(1 << 20), frozenset({Reason.FORMAT_UNKNOWN}))
    yield Hostile("formats", "noise", source.randbytes(1 << 16), REFUSED)
    yield Hostile("formats", "prefix only", bytes(128) + b"DICM", REFUSED)
    yield Hostile(
        "formats", "prefix and noise", bytes(128) + b"DICM" + source.randbytes(4096), REFUSED
    )
    yield Hostile("formats", "PNG signature only", b"\x89PNG\r\n\x1a\n", REFUSED)
    yield Hostile("formats", "JPEG signature only", b"\xff\xd8\xff", REFUSED)
    yield Hostile("formats", "JPEG of fill bytes", b"\xff\xd8" + b"\xff" * (1 << 20), REFUSED)
    text = element(0x00080070, "LO", b"\xff\xfe" * 4000, length=8000)
    for name in (b"punycode", b"unicode_escape", b"ISO 2022 IR 999 ", b"\\" * 50):
        charset = element(0x00080005, "CS", name)
        yield Hostile("formats", f"charset {name[:16]!r}", header() + body(before=charset + text))


def made_up() -> Iterator[Hostile]:
    """Everything that needs no real file."""
    for family in (nesting, lengths, bombs, sizes, preambles, uids, tables, formats):
        yield from family()


def small_files() -> Iterator[tuple[str, bytes]]:
    """Give small sound and hostile files, as seeds for a fuzzer."""
    yield "sound-explicit", header() + body()
    yield "sound-implicit", header(IMPLICIT) + body(implicit=True)
    yield "sound-big", header(BIG) + body(order=">")
    yield "sound-deflated", header(DEFLATED) + deflated(body())
    for hostile in made_up():
        if len(hostile.data) < 10_000:
            name = "".join(c if c.isalnum() else "-" for c in f"{hostile.family}-{hostile.name}")
            yield name, hostile.data
