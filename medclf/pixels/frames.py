"""Where each frame lies in Pixel Data, so that one frame costs no look at the others.

Native frames follow each other without gaps (PS3.5 section 8.1.1). Compressed ones lie in
fragments (PS3.5 section A.4), told apart by the Extended or the Basic Offset Table, by one
fragment a frame, or by the end marker of each codestream.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from io import BytesIO
from typing import cast

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import parse_basic_offsets, parse_fragments

from medclf.errors import PixelsRefused
from medclf.reasons import Reason

_ITEM_HEADER = 8  # bytes: tag and length
_END_MARKER = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_PADDED_END = 16  # bytes; an end marker and the padding that may follow it lie within
_Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """The fragments of each compressed frame.

    Attributes:
        data: the value of Pixel Data, items and all.
        spans: for each frame the first byte of each fragment and the one after its last.
    """

    data: bytes = field(repr=False)
    spans: tuple[_Spans, ...] = field(repr=False)

    def frame(self, number: int) -> bytes:
        """Return a frame's bytes, a view where it lies in one fragment.

        A view reads as bytes do, and decoders take it; their stubs know no common name for both.
        """
        view = memoryview(self.data)
        parts = [view[start:stop] for start, stop in self.spans[number]]
        return cast(bytes, parts[0]) if len(parts) == 1 else b"".join(parts)


def index_frames(dataset: Dataset, *, frames: int) -> FrameIndex:
    """Find every frame of encapsulated Pixel Data.

    Args:
        dataset: with encapsulated Pixel Data that the scan has walked over.
        frames: what Number of Frames says.

    Raises:
        PixelsRefused: MALFORMED when tables, fragments and Number of Frames contradict, TRUNCATED
            when there are fewer fragments than frames.
    """
    data: bytes = dataset.PixelData
    stream = BytesIO(data)  # shares the bytes, where a slice would copy them
    basic = parse_basic_offsets(stream)
    first = _ITEM_HEADER + int.from_bytes(data[4:8], "little")
    items = _fragments(data, stream, first)
    extended = _extended(dataset)
    if extended is not None:
        return FrameIndex(data, _by_lengths(items, *extended, first=first, frames=frames))
    if frames == 1 and len(basic) <= 1:
        return FrameIndex(data, (items,))
    if basic:
        return FrameIndex(data, _by_offsets(items, basic, first=first, frames=frames))
    if len(items) == frames:
        return FrameIndex(data, tuple((item,) for item in items))
    return FrameIndex(data, _by_end_markers(data, items, frames=frames))


def _fragments(data: bytes, stream: BytesIO, first: int) -> _Spans:
    stream.seek(first)
    spans = []
    for offset in parse_fragments(stream)[1]:
        start = offset + _ITEM_HEADER
        length = int.from_bytes(data[start - 4 : start], "little")
        spans.append((start, start + length))
    if not spans:
        raise PixelsRefused(Reason.TRUNCATED, "Pixel Data holds no fragment.")
    return tuple(spans)


def _extended(dataset: Dataset) -> tuple[list[int], list[int]] | None:
    """Return offsets and lengths of PS3.3 section C.7.6.3.1.8; None when there are none."""
    offsets, lengths = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
    if not isinstance(offsets, bytes) or not isinstance(lengths, bytes):
        return None
    if not offsets or len(offsets) % 8 or len(offsets) != len(lengths):
        return None
    return np.frombuffer(offsets, "<u8").tolist(), np.frombuffer(lengths, "<u8").tolist()


def _by_lengths(
    items: _Spans, offsets: list[int], lengths: list[int], *, first: int, frames: int
) -> tuple[_Spans, ...]:
    _check_count(len(offsets), frames, "The Extended Offset Table")
    ends = dict(items)
    spans = []
    for offset, length in zip(offsets, lengths, strict=True):
        start = first + offset + _ITEM_HEADER
        if start not in ends or start + length > ends[start]:
            raise _beside("Extended Offset Table")
        spans.append(((start, start + length),))
    return tuple(spans)


def _by_offsets(
    items: _Spans, offsets: list[int], *, first: int, frames: int
) -> tuple[_Spans, ...]:
    _check_count(len(offsets), frames, "The Basic Offset Table")
    starts = [start for start, _ in items]
    wanted = [first + offset + _ITEM_HEADER for offset in offsets]
    if wanted != sorted(set(wanted)) or not set(wanted) <= set(starts):
        raise _beside("Basic Offset Table")
    edges = [*(bisect_left(starts, start) for start in wanted), len(items)]
    return tuple(items[edges[i] : edges[i + 1]] for i in range(frames))


def _by_end_markers(data: bytes, items: _Spans, *, frames: int) -> tuple[_Spans, ...]:
    """Let a frame end with the fragment that ends with an end marker."""
    if len(items) < frames:
        raise PixelsRefused(
            Reason.TRUNCATED,
            f"Pixel Data holds {len(items)} fragments; the header speaks of {frames} frames.",
            found=len(items),
            expected=frames,
        )
    found: list[_Spans] = []
    begun: list[tuple[int, int]] = []
    for start, stop in items:
        begun.append((start, stop))
        if _END_MARKER in data[max(start, stop - _PADDED_END) : stop]:
            found.append(tuple(begun))
            begun = []
    _check_count(len(found) + bool(begun), frames, "Pixel Data without a table")
    return tuple(found)


def _check_count(found: int, frames: int, what: str) -> None:
    if found != frames:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"{what} tells {found} frames; the header speaks of {frames}.",
            found=found,
            expected=frames,
        )


def _beside(table: str) -> PixelsRefused:
    return PixelsRefused(Reason.MALFORMED, f"The {table} points beside the fragments.")
