"""The look at a DICOM file's bytes before any parser is trusted with them.

Parsers believe what a file says of itself: nested sequences exhaust their stack,
deflated data their memory, false lengths both. This scan believes nothing, takes
time by the number of elements and never touches pixel data. What it found is what
`medclf.dicom.parsing` goes by, so that the parser cannot see another file than the scan.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from medclf.dicom.elements import Element, walk
from medclf.dicom.limits import Limits
from medclf.dicom.preamble import PREAMBLE_BYTES, PREFIX, check_preamble
from medclf.dicom.uid import is_valid_uid
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

_START = PREAMBLE_BYTES + len(PREFIX)
_IMPLICIT_LITTLE = "1.2.840.10008.1.2"
_EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_NATIVE = frozenset({_IMPLICIT_LITTLE, "1.2.840.10008.1.2.1", _EXPLICIT_BIG, _DEFLATED})
# The pixels of these lie on a server (JPIP) or are a live stream (SMPTE ST 2110).
_ELSEWHERE = (
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205",
    "1.2.840.10008.1.2.7.",
)

_TRANSFER_SYNTAX = 0x00020010
_UIDS = {
    0x00080016: "SOP Class UID",
    0x00080018: "SOP Instance UID",
    0x0020000D: "Study Instance UID",
    0x0020000E: "Series Instance UID",
}
# Exports for research often leave these two out; a result object then cannot be made.
_MAY_BE_ABSENT = frozenset({0x0020000D, 0x0020000E})
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _BITS_ALLOCATED = 0x00280010, 0x00280011, 0x00280100
_PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
_PIECE_BYTES = 1 << 20
_ABSURD = 10**15  # a number with more digits says nothing to a person
# PS3.3 section C.7.6.3.1.2: two pixels share one Cb and one Cr.
_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})


@dataclass(frozen=True, slots=True)
class Scanned:
    """Where the parts of a sound file lie.

    Attributes:
        meta: the File Meta Information, group 0002.
        body: what holds the data set: the file itself, or what it inflates to.
        start: first byte of the data set in `body`.
        implicit: the transfer syntax has no VRs.
        big_endian: the transfer syntax has the high byte first.
        character_sets: every Specific Character Set in `body`.
    """

    meta: bytes = field(repr=False)
    body: bytes = field(repr=False)
    start: int
    implicit: bool
    big_endian: bool
    character_sets: tuple[Element, ...]


def scan(data: bytes, limits: Limits) -> Scanned:
    """Check the structure of a DICOM file and the claims of its image header.

    Args:
        data: a file with preamble and `DICM` prefix (PS3.10 section 7.1).
        limits: what is refused for its size.

    Raises:
        InstanceRefused: PREAMBLE_EXECUTABLE, TRUNCATED, MALFORMED, NESTED_TOO_DEEPLY,
            FILE_TOO_LARGE (inflated), UID_INVALID, PIXELS_MISSING, PIXELS_TOO_MANY or
            TRANSFER_SYNTAX_UNSUPPORTED.
    """
    check_preamble(data)
    meta = walk(
        data, start=_START, implicit=False, big_endian=False, limits=limits, only_group=0x0002
    )
    syntax = _transfer_syntax(data, meta.found)
    body, position = data, meta.end
    if syntax == _DEFLATED:
        body, position = _inflated(data, position, limits), 0
    if body[position : position + 2] == b"\0\0":
        raise InstanceRefused(
            Reason.MALFORMED, "The data set begins with group 0000, as no file's does."
        )
    implicit, big_endian = syntax == _IMPLICIT_LITTLE, syntax == _EXPLICIT_BIG
    walked = walk(body, start=position, implicit=implicit, big_endian=big_endian, limits=limits)
    _check_uids(body, walked.found)
    _check_pixels(body, walked.found, syntax=syntax, limits=limits)
    return Scanned(
        meta=data[_START : meta.end],
        body=body,
        start=position,
        implicit=implicit,
        big_endian=big_endian,
        character_sets=walked.character_sets,
    )


def check_budget(samples: int, *, bits: int, limits: Limits) -> None:
    """Refuse a picture that is too large to be decoded, by what its header claims.

    Args:
        samples: Rows × Columns × Samples × Frames.
        bits: of one sample as it lies in memory.
        limits: the budget.

    Raises:
        InstanceRefused: PIXELS_TOO_MANY.
    """
    size = (samples * bits + 7) // 8
    for found, limit, unit in (
        (samples, limits.pixels, "samples"),
        (size, limits.decoded_bytes, "bytes once decoded"),
    ):
        if found > limit:
            claim = f"{found}" if found < _ABSURD else "an absurd number of"
            raise InstanceRefused(
                Reason.PIXELS_TOO_MANY,
                f"The header claims {claim} {unit}; at most {limit} are accepted.",
                limit=limit,
            )


def _text(data: bytes, element: Element | None) -> str:
    if element is None or element.length > 1024:
        return ""
    value = data[element.start : element.start + element.length]
    return value.decode("latin-1").strip(" \0")


def _transfer_syntax(data: bytes, meta: Mapping[int, Element]) -> str:
    syntax = _text(data, meta.get(_TRANSFER_SYNTAX))
    if not syntax or syntax.startswith(_ELSEWHERE):
        raise InstanceRefused(
            Reason.TRANSFER_SYNTAX_UNSUPPORTED,
            f"The transfer syntax is {'of pixels kept elsewhere' if syntax else 'not named'}.",
        )
    if not is_valid_uid(syntax):
        raise InstanceRefused(Reason.UID_INVALID, "The Transfer Syntax UID is not a UID.")
    return syntax


def _inflated(data: bytes, position: int, limits: Limits) -> bytes:
    """Inflate a deflated data set (PS3.5 section A.5) up to the cap and no further."""
    packed = memoryview(data)[position:]
    size = _inflated_size(packed, limits.inflated_bytes)
    if size is None:
        raise InstanceRefused(
            Reason.FILE_TOO_LARGE,
            f"The data set inflates to more than {limits.inflated_bytes} bytes.",
            limit=limits.inflated_bytes,
        )
    # At once and at its true size: a buffer that grows would be there twice.
    return zlib.decompress(packed, -zlib.MAX_WBITS, bufsize=max(size, 1))


def _inflated_size(packed: memoryview, most: int) -> int | None:
    """Inflate piece by piece, keep nothing, and stop at the cap.

    Returns:
        Bytes once inflated; None when there are more than `most`.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    size, at = 0, 0
    pending: bytes | memoryview = b""
    try:
        while not stream.eof:
            if not pending:
                pending, at = packed[at : at + _PIECE_BYTES], at + _PIECE_BYTES
            piece = stream.decompress(pending, _PIECE_BYTES)
            pending = stream.unconsumed_tail
            size += len(piece)
            if size > most:
                return None
            if not piece and not pending and at >= len(packed):
                break
    except zlib.error as error:
        raise InstanceRefused(
            Reason.MALFORMED, "The deflated data set cannot be inflated."
        ) from error
    if not stream.eof:
        raise InstanceRefused(Reason.TRUNCATED, "The deflated data set ends too early.")
    return size


def _check_uids(data: bytes, found: Mapping[int, Element]) -> None:
    for tag, name in _UIDS.items():
        value = _text(data, found.get(tag))
        if not value and tag in _MAY_BE_ABSENT:
            continue
        if not is_valid_uid(value):
            state = "is not a UID" if value else "is missing"
            raise InstanceRefused(Reason.UID_INVALID, f"The {name} {state}.", attribute=name)


def _number(data: bytes, found: Mapping[int, Element], tag: int, *, big_endian: bool) -> int:
    """Read an unsigned short; 0 when absent."""
    element = found.get(tag)
    if element is None or element.length < 2:
        return 0
    value = data[element.start : element.start + 2]
    return int.from_bytes(value, "big" if big_endian else "little")


def _frames(data: bytes, found: Mapping[int, Element]) -> int:
    text = _text(data, found.get(_FRAMES))
    try:
        return max(1, int(text)) if text else 1
    except ValueError as error:
        raise InstanceRefused(Reason.MALFORMED, "Number of Frames is not a number.") from error


def _check_pixels(
    data: bytes, found: Mapping[int, Element], *, syntax: str, limits: Limits
) -> None:
    pixels = next((found[tag] for tag in _PIXELS if tag in found), None)
    if pixels is None or pixels.length == 0:
        raise InstanceRefused(Reason.PIXELS_MISSING, "The object carries no pixel data.")
    big_endian = syntax == _EXPLICIT_BIG
    rows, columns, samples, bits = (
        _number(data, found, tag, big_endian=big_endian)
        for tag in (_ROWS, _COLUMNS, _SAMPLES, _BITS_ALLOCATED)
    )
    if not rows or not columns or not samples or (bits != 1 and (bits % 8 or not 0 < bits <= 64)):
        raise InstanceRefused(
            Reason.MALFORMED,
            f"The image header is impossible: {rows} rows, {columns} columns, "
            f"{samples} samples, {bits} bits.",
            rows=rows,
            columns=columns,
        )
    claimed = rows * columns * samples * _frames(data, found)
    check_budget(claimed, bits=bits, limits=limits)
    if pixels.encapsulated == (syntax in _NATIVE):
        raise InstanceRefused(
            Reason.MALFORMED,
            "Pixel data and transfer syntax disagree on whether pixels are compressed.",
        )
    if pixels.encapsulated:
        return
    expected = (claimed * bits + 7) // 8
    if _text(data, found.get(_PHOTOMETRIC)) in _SUBSAMPLED:
        expected = expected * 2 // 3
    if pixels.length < expected:
        raise InstanceRefused(
            Reason.TRUNCATED,
            f"The pixel data have {pixels.length} bytes; the header calls for {expected}.",
            found=pixels.length,
            expected=expected,
        )
