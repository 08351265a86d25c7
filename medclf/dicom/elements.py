"""Walking over the data elements of a DICOM data set without building anything.

The walk keeps its own stack instead of recursing, skips over values instead of
reading them, and checks every length against the bytes that are there. It reads
ambiguous encodings as pydicom 3 does (a wrong VR means implicit, UN of undefined
length is a sequence), so that both see the same elements.
"""

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from medclf.dicom.limits import Limits
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

UNDEFINED = 0xFFFFFFFF
_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_CHARACTER_SET = 0x00080005
# PS3.5 section 7.1.2: these VRs have two reserved bytes and a 32-bit length.
_LONG_VRS = frozenset(str(vr).encode() for vr in EXPLICIT_VR_LENGTH_32)


@dataclass(frozen=True, slots=True)
class Element:
    """Where the value of one element lies.

    Attributes:
        start: first byte of the value.
        length: bytes of the value; of all fragments together when encapsulated.
        encapsulated: whether the value is a sequence of fragments (PS3.5 section A.4).
    """

    start: int
    length: int
    encapsulated: bool = False


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found.

    Attributes:
        found: the top-level elements by tag; of a repeated one the last, as parsers have it.
        end: the position after the last one.
        character_sets: every Specific Character Set, nested ones included.
    """

    found: dict[int, Element]
    end: int
    character_sets: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """One open data set or sequence; `bound` is where the innermost known length ends."""

    is_sequence: bool
    bound: int
    defined: bool
    implicit: bool


def refused(reason: Reason, what: str, position: int) -> InstanceRefused:
    """Return the error that names a place in the file, never a value."""
    return InstanceRefused(reason, f"{what} at byte {position}.", position=position)


def looks_implicit(data: bytes, position: int, *, assumed: bool) -> bool:
    """Tell by the two bytes where a VR would stand whether a data set has VRs at all."""
    vr = data[position + 4 : position + 6]
    if len(vr) < 2:
        return assumed
    return not (0x40 < vr[0] < 0x5B and 0x40 < vr[1] < 0x5B)


def walk(
    data: bytes,
    *,
    start: int,
    implicit: bool,
    big_endian: bool,
    limits: Limits,
    only_group: int | None = None,
) -> Walked:
    """Visit every element of a data set, nested ones included.

    Args:
        data: the file, or an inflated data set.
        start: first byte of the data set.
        implicit: what the transfer syntax says; the bytes decide (`looks_implicit`).
        big_endian: what the transfer syntax says.
        limits: bounds on depth and number of elements.
        only_group: stop before the first top-level element of another group.

    Raises:
        InstanceRefused: TRUNCATED, MALFORMED or NESTED_TOO_DEEPLY.
    """
    return _Walk(data, big_endian=big_endian, limits=limits).run(
        start, implicit=implicit, only_group=only_group
    )


class _Walk:
    def __init__(self, data: bytes, *, big_endian: bool, limits: Limits) -> None:
        self.data = data
        self.size = len(data)
        self.limits = limits
        order = ">" if big_endian else "<"
        self.tag_and_short = struct.Struct(order + "HH2sH").unpack_from
        self.tag_and_length = struct.Struct(order + "HHL").unpack_from
        self.long = struct.Struct(order + "L").unpack_from
        self.found: dict[int, Element] = {}
        self.stack: list[_Frame] = []
        self.character_sets: list[Element] = []
        self.depth = 0
        self.seen = 0
        self.guessing = False

    def run(self, start: int, *, implicit: bool, only_group: int | None) -> Walked:
        implicit = looks_implicit(self.data, start, assumed=implicit)
        self.stack = [_Frame(is_sequence=False, bound=self.size, defined=True, implicit=implicit)]
        end = self._visit(start, only_group=only_group)
        return Walked(self.found, end, tuple(self.character_sets))

    def _visit(self, position: int, *, only_group: int | None = None) -> int:
        """Visit everything within what the stack holds; return where it ended."""
        while self.stack:
            frame = self.stack[-1]
            top = len(self.stack) == 1 and not self.guessing
            if frame.defined and position == frame.bound:
                self._close()
                continue
            if position + 8 > frame.bound:
                if top:  # a few stray bytes after the last element
                    break
                raise self._overrun(frame.bound, position)
            self._count(position)
            if frame.is_sequence:
                position = self._item(frame, position)
                continue
            if only_group is not None and top and self._tag(position) >> 16 != only_group:
                break
            position = self._element(frame, position, top=top)
        return position

    def _count(self, position: int) -> None:
        self.seen += 1
        if self.seen > self.limits.elements:
            raise refused(Reason.MALFORMED, f"More than {self.limits.elements} elements", position)

    def _tag(self, position: int) -> int:
        group, element, _ = self.tag_and_length(self.data, position)
        return int(group << 16 | element)

    def _overrun(self, bound: int, position: int) -> InstanceRefused:
        if bound >= self.size:
            return refused(Reason.TRUNCATED, "The file ends within the element", position)
        return refused(Reason.MALFORMED, "An element is longer than what holds it", position)

    def _close(self) -> None:
        if self.stack.pop().is_sequence:
            self.depth -= 1

    def _open_sequence(self, frame: _Frame, position: int, length: int, *, implicit: bool) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise refused(
                Reason.NESTED_TOO_DEEPLY,
                f"Sequences nest more than {self.limits.depth} deep",
                position,
            )
        self._open(frame, position, length, is_sequence=True, implicit=implicit)

    def _open(
        self, frame: _Frame, position: int, length: int, *, is_sequence: bool, implicit: bool
    ) -> None:
        defined = length != UNDEFINED
        bound = position + length if defined else frame.bound
        if bound > frame.bound:
            raise self._overrun(frame.bound, position)
        self.stack.append(_Frame(is_sequence, bound, defined, implicit))

    def _item(self, frame: _Frame, position: int) -> int:
        group, element, length = self.tag_and_length(self.data, position)
        tag = group << 16 | element
        position += 8
        if tag == _SEQUENCE_END and not frame.defined:
            self._close()
            return position
        if tag != _ITEM:
            raise refused(Reason.MALFORMED, "A sequence holds something else than items", position)
        implicit = frame.implicit or looks_implicit(self.data, position, assumed=False)
        self._open(frame, position, length, is_sequence=False, implicit=implicit)
        return position

    def _element(self, frame: _Frame, position: int, *, top: bool) -> int:
        group, element, vr, length = self.tag_and_short(self.data, position)
        tag = group << 16 | element
        begin = position
        position += 8
        if not frame.implicit and vr in _LONG_VRS:
            if position + 4 > frame.bound:
                raise self._overrun(frame.bound, begin)
            (length,) = self.long(self.data, position)
            position += 4
        elif frame.implicit or not b"AA" <= vr <= b"ZZ":
            vr = b""
            _, _, length = self.tag_and_length(self.data, begin)
        if tag == _ITEM_END and not top and not frame.defined:
            self._close()
            return position
        if group == 0xFFFE:
            raise refused(Reason.MALFORMED, "A delimiter stands where an element should", begin)
        if self._is_sequence(tag, vr, length, position):
            if top:
                self.found[tag] = Element(position, 0)
            self._open_sequence(frame, position, length, implicit=frame.implicit)
            return position
        if length == UNDEFINED:
            return self._fragments(frame, tag, position, top=top)
        if position + length > frame.bound:
            raise self._overrun(frame.bound, begin)
        if top:
            self.found[tag] = Element(position, length)
        if tag == _CHARACTER_SET:
            if not self.guessing:
                self.character_sets.append(Element(position, length))
            return int(position + length)
        if vr in (b"", b"UN") and length >= 8 and self._tag(position) == _ITEM:
            if self.guessing:
                self._open_sequence(frame, position, length, implicit=frame.implicit)
                return position
            self._guess(frame, position, length)
        return int(position + length)

    def _guess(self, frame: _Frame, position: int, length: int) -> None:
        """Walk into a value of unknown kind that begins as a sequence does.

        A parser with a dictionary of private elements may take it for one, so its depth and its
        number of elements count; if it is no sequence after all, it is left alone.
        """
        stack, depth = self.stack, self.depth
        self.stack, self.guessing = [], True
        try:
            self._open_sequence(frame, position, length, implicit=frame.implicit)
            self._visit(position)
        except InstanceRefused as error:
            if error.reason is Reason.NESTED_TOO_DEEPLY:
                raise
        finally:
            self.stack, self.depth, self.guessing = stack, depth, False

    def _is_sequence(self, tag: int, vr: bytes, length: int, position: int) -> bool:
        if vr == b"SQ":
            return True
        if vr not in (b"", b"UN"):
            return False
        if vr == b"UN" and length == UNDEFINED:  # PS3.5 section 6.2.2
            return True
        try:
            return dictionary_VR(tag) == "SQ"
        except KeyError:
            if length != UNDEFINED or position + 8 > self.size:
                return False
            return self._tag(position) == _ITEM

    def _fragments(self, frame: _Frame, tag: int, position: int, *, top: bool) -> int:
        """Skip over the items of encapsulated pixel data (PS3.5 section A.4)."""
        start, total = position, 0
        while position + 8 <= frame.bound:
            self._count(position)
            group, element, length = self.tag_and_length(self.data, position)
            position += 8
            if group << 16 | element == _SEQUENCE_END:
                if top:
                    self.found[tag] = Element(start, total, encapsulated=True)
                return position
            if group << 16 | element != _ITEM or length == UNDEFINED:
                raise refused(
                    Reason.MALFORMED, "Encapsulated data hold something else than fragments", start
                )
            if position + length > frame.bound:
                raise self._overrun(frame.bound, position)
            position += length
            total += length
        raise self._overrun(frame.bound, position)
