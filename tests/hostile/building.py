"""DICOM files byte by byte, so that any byte of them can be wrong."""

import struct
import zlib
from dataclasses import dataclass, field

from medclf.reasons import Reason

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
BIG, DEFLATED = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
JPEG_LS = "1.2.840.10008.1.2.4.80"
UNDEFINED = 0xFFFFFFFF
UIDS = {
    0x00080016: "1.2.840.10008.5.1.4.1.1.7",
    0x00080018: "1.2.3",
    0x0020000D: "1.2.4",
    0x0020000E: "1.2.5",
}
REFUSED = frozenset(Reason)
"""Any reason will do: what matters is that there is one."""


@dataclass(frozen=True)
class Hostile:
    """One file.

    Attributes:
        family: what kind of attack.
        name: which of its family.
        data: the bytes.
        reasons: by one of which it must be refused; empty where a legal picture may be left.
    """

    family: str
    name: str
    data: bytes = field(repr=False)
    reasons: frozenset[Reason] = frozenset()


def element(tag, vr, value, *, length=None, order="<", implicit=False):
    length = len(value) if length is None else length
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if implicit:
        return head + struct.pack(order + "L", length) + value
    if vr in ("SQ", "OB", "OW", "UN", "UT"):
        return head + vr.encode() + b"\0\0" + struct.pack(order + "L", length) + value
    return head + vr.encode() + struct.pack(order + "H", length) + value


def text(value):
    return value.encode() + b"\0" * (len(value) % 2)


def header(syntax=EXPLICIT):
    meta = element(0x00020010, "UI", text(syntax))
    return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<L", len(meta))) + meta


def body(*, order="<", implicit=False, before=b"", uids=None, pixels=None, **numbers):
    """Return a data set of a 4×4 image of 8 bits, with what a test changes."""
    shorts = {0x00280002: 1, 0x00280010: 4, 0x00280011: 4, 0x00280100: 8} | numbers.get(
        "shorts", {}
    )
    how = {"order": order, "implicit": implicit}
    parts = [element(tag, "UI", text(uid), **how) for tag, uid in (UIDS | (uids or {})).items()]
    parts += [element(tag, "US", struct.pack(order + "H", n), **how) for tag, n in shorts.items()]
    if "frames" in numbers:
        parts.append(element(0x00280008, "IS", text(numbers["frames"]), **how))
    last = element(0x7FE00010, "OB", b"\0" * 16, **how) if pixels is None else pixels
    return b"".join(parts) + before + last


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def fragments(*lengths, end=True):
    parts = [struct.pack("<HHL", 0xFFFE, 0xE000, n) + b"\0" * n for n in lengths]
    tail = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) if end else b""
    return element(0x7FE00010, "OB", b"".join(parts) + tail, length=UNDEFINED)
