"""What the directory of a TIFF file says, read without decoding a pixel (TIFF 6.0; BigTIFF).

Offsets and counts are checked against the bytes that are there, directories are followed once
each, and no value is believed that would make a decoder allocate more than the file can fill.
"""

import struct
from dataclasses import dataclass

from medclf.dicom.acquisition import Acquisition
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_SUBFILE, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _STRIP_BYTES = 273, 274, 277, 279
_X_RESOLUTION, _Y_RESOLUTION, _PLANAR, _COLOUR_MAP = 282, 283, 284, 320
_TILE_WIDTH, _TILE_LENGTH, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_KEPT = frozenset(
    {
        *(_SUBFILE, _WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _ORIENTATION),
        *(_SAMPLES, _STRIP_BYTES, _X_RESOLUTION, _Y_RESOLUTION, _PLANAR, _COLOUR_MAP, _TILES),
        *(_TILE_WIDTH, _TILE_LENGTH, _TILE_BYTES, _EXTRA, _FORMAT),
    }
)
# BYTE, SHORT, LONG, RATIONAL and, in BigTIFF, LONG8: size in bytes and struct letter.
_TYPES = {1: (1, "B"), 3: (2, "H"), 4: (4, "L"), 5: (8, "LL"), 16: (8, "Q")}
_NOT_A_PAGE = 0b101  # NewSubfileType: a reduced copy, or a transparency mask
_MOST_PAGES = 4096
_MOST_TILE = 16  # times the picture, or 512 × 512; a decoder gets memory for a whole tile
_MOST_ENTRIES = 100_000  # of all directories together: they may lie over one another
_MOST_VALUES = 1 << 20  # of all tags together; strips and colour maps of real files stay far below
_MEANINGS = {0: "MONOCHROME1", 1: "MONOCHROME2", 2: "RGB", 3: "PALETTE COLOR", 5: "CMYK"}
_YBR = 6

_Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TiffHeader:
    """The first page, and how many there are.

    Attributes:
        rows: pixels down.
        columns: pixels across.
        samples: for each pixel, extra ones included.
        bits: of each sample.
        photometric: PhotometricInterpretation as TIFF numbers it.
        sample_format: 1 unsigned, 2 signed, 3 floating.
        extra: meaning of each extra sample: 1 premultiplied alpha, 2 alpha, 0 unknown.
        planar: planes one after the other.
        orientation: 1 to 8, as in Exif.
        colour_map: 3 × 2**bits entries of 16 bits, red first; empty without a palette.
        aspect: height of a pixel by its width; 1 where nothing is said.
        pages: reduced copies and masks not counted.
        compression: as TIFF numbers it.
        segments: first byte and one after the last of each strip or tile, within the file.
        index: number of its directory, from 0; reduced copies and masks may come before it.
    """

    rows: int
    columns: int
    samples: int
    bits: tuple[int, ...]
    photometric: int
    sample_format: tuple[int, ...]
    extra: tuple[int, ...]
    planar: bool
    orientation: int
    colour_map: tuple[int, ...]
    aspect: float
    pages: int
    compression: int
    segments: tuple[tuple[int, int], ...]
    index: int


def tiff_acquisition(data: bytes) -> Acquisition:
    """Read the facts of a TIFF file's first page.

    Raises:
        InstanceRefused: TRUNCATED or MALFORMED.
    """
    header = read_tiff(data)
    meaning = "YBR_FULL" if header.photometric == _YBR else _MEANINGS.get(header.photometric, "")
    return Acquisition(
        rows=header.rows,
        columns=header.columns,
        frames=header.pages,
        samples=header.samples,
        bits_stored=max(header.bits),
        photometric=meaning,
    )


def read_tiff(data: bytes) -> TiffHeader:
    """Read the first page's directory and count the others.

    Raises:
        InstanceRefused: TRUNCATED or MALFORMED.
    """
    directories = _Directories(data)
    first, index, pages = directories.walk()
    rows, columns = _one(first, _LENGTH, 0), _one(first, _WIDTH, 0)
    samples = _one(first, _SAMPLES, 1)
    bits = first.get(_BITS, (1,))
    if not rows or not columns or not 1 <= samples <= 8 or not bits or max(bits) > 64:
        raise InstanceRefused(
            Reason.MALFORMED,
            f"The TIFF header is impossible: {columns}×{rows}, {samples} samples, "
            f"{max(bits, default=0)} bits.",
            rows=rows,
            columns=columns,
        )
    tile = _one(first, _TILE_WIDTH, 1) * _one(first, _TILE_LENGTH, 1)
    if tile > _MOST_TILE * max(rows * columns, 512 * 512):
        raise InstanceRefused(Reason.MALFORMED, f"The TIFF header claims tiles of {tile} pixels.")
    if _PHOTOMETRIC not in first:
        raise InstanceRefused(Reason.MALFORMED, "The TIFF header does not say what samples mean.")
    return TiffHeader(
        rows=rows,
        columns=columns,
        samples=samples,
        bits=bits,
        photometric=_one(first, _PHOTOMETRIC, 0),
        sample_format=first.get(_FORMAT, (1,)),
        extra=first.get(_EXTRA, ()),
        planar=_one(first, _PLANAR, 1) == 2 and samples > 1,
        orientation=_one(first, _ORIENTATION, 1),
        colour_map=first.get(_COLOUR_MAP, ()),
        aspect=_aspect(first),
        pages=pages,
        compression=_one(first, _COMPRESSION, 1),
        segments=directories.segments(first),
        index=index,
    )


def _one(tags: _Tags, tag: int, absent: int) -> int:
    values = tags.get(tag, ())
    return values[0] if values else absent


def _aspect(tags: _Tags) -> float:
    """Return height by width; resolutions are pixels for a length, hence the other way round."""
    across, down = tags.get(_X_RESOLUTION, ()), tags.get(_Y_RESOLUTION, ())
    if len(across) < 2 or len(down) < 2 or not all((*across[:2], *down[:2])):
        return 1.0
    return (across[0] / across[1]) / (down[0] / down[1])


class _Directories:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        big = data[2:4] in (b"+\0", b"\0+")
        # Formats of: a directory's count of entries, an offset; bytes of one entry.
        self.count, self.offset, self.size = ("Q", "Q", 20) if big else ("H", "L", 12)
        self.start = 8 if big else 4
        self.entries = self.values = 0

    def walk(self) -> tuple[_Tags, int, int]:
        """Return the first page's tags, its directory's number and the number of pages.

        Where no directory is a page, the first is taken for one.
        """
        at = self._number(self.offset, self.start)
        seen: set[int] = set()
        first: _Tags | None = None
        index = pages = 0
        while at:
            if at in seen or len(seen) >= _MOST_PAGES:
                raise InstanceRefused(
                    Reason.MALFORMED, "The TIFF file's directories lead in a circle."
                )
            seen.add(at)
            tags, at = self._directory(at, whole=not pages)
            is_page = not _one(tags, _SUBFILE, 0) & _NOT_A_PAGE
            if first is None or (is_page and not pages):
                first, index = tags, len(seen) - 1
            pages += is_page
        if first is None:
            raise InstanceRefused(Reason.MALFORMED, "The TIFF file has no directory.")
        return first, index, max(1, pages)

    def segments(self, tags: _Tags) -> tuple[tuple[int, int], ...]:
        """Return where the strips or tiles lie, all within the file."""
        starts, lengths = tags.get(_STRIPS, ()), tags.get(_STRIP_BYTES, ())
        if not starts:
            starts, lengths = tags.get(_TILES, ()), tags.get(_TILE_BYTES, ())
        if not starts or len(starts) != len(lengths) or not all(lengths):
            raise InstanceRefused(
                Reason.MALFORMED, "The TIFF file does not say where all its strips or tiles lie."
            )
        found = tuple((a, a + length) for a, length in zip(starts, lengths, strict=True))
        if max(stop for _, stop in found) > len(self.data):
            raise _cut("a strip or tile")
        return found

    def _directory(self, at: int, *, whole: bool) -> tuple[_Tags, int]:
        entries = self._number(self.count, at)
        at += struct.calcsize(self.order + self.count)
        if at + entries * self.size > len(self.data):
            raise _cut("a directory")
        self.entries += entries
        if self.entries > _MOST_ENTRIES:
            raise InstanceRefused(Reason.MALFORMED, "The TIFF file has too many directory entries.")
        tags: _Tags = {}
        for number in range(entries):
            entry = at + number * self.size
            tag = self._number("H", entry)
            if tag in _KEPT and (whole or tag == _SUBFILE):
                tags[tag] = self._values(entry)
        return tags, self._number(self.offset, at + entries * self.size)

    def _values(self, entry: int) -> tuple[int, ...]:
        kind = self._number("H", entry + 2)
        count = self._number(self.offset, entry + 4)
        if kind not in _TYPES:
            return ()
        size, letters = _TYPES[kind]
        self.values += count
        if self.values > _MOST_VALUES:
            raise InstanceRefused(Reason.MALFORMED, "The TIFF file's tags claim too many values.")
        inline = struct.calcsize(self.order + self.offset)
        place = entry + 4 + inline
        if count * size > inline:
            place = self._number(self.offset, place)
        if place + count * size > len(self.data):
            raise _cut("a tag")
        return struct.unpack_from(f"{self.order}{letters * count}", self.data, place)

    def _number(self, letter: str, at: int) -> int:
        try:
            (value,) = struct.unpack_from(self.order + letter, self.data, at)
        except (struct.error, OverflowError) as error:  # an offset beyond 2**63
            raise _cut("a directory") from error
        return int(value)


def _cut(what: str) -> InstanceRefused:
    return InstanceRefused(Reason.TRUNCATED, f"The TIFF file ends within {what}.")
