"""Rebuilding a data set attribute by attribute, nested ones included, with its own stack.

Nothing is deleted from the original: a new data set is filled with what may stay. What
nobody thought of is therefore absent, not left over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from medclf.dicom.deidentify.action import Action, action_for
from medclf.dicom.deidentify.codestream import without_comments
from medclf.dicom.deidentify.concepts import concept_for
from medclf.dicom.deidentify.dummy import dummy_for
from medclf.dicom.deidentify.options import Deidentification
from medclf.dicom.deidentify.values import (
    Patient,
    cleaned_value,
    new_uids,
    retained,
    screened,
    text_in,
)
from medclf.dicom.reading import CONVERSION_FAULTS

Element: TypeAlias = DataElement | RawDataElement
Held: TypeAlias = Mapping[BaseTag, Element]

_UNDEFINED = 0xFFFFFFFF
_PIXEL_GROUP = 0x7FE0
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_CHARACTER_SET = 0x00080005  # what is written is ASCII and needs none
_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021
_THINGS = frozenset({0x00400512, 0x00400551})  # Container and Specimen Identifier
# Command, file meta, directory; signatures, encryption and what was there before a change
# (0400); curves (50xx), overlays (60xx); signatures and padding at the end.
_GROUPS_GONE = frozenset({0x0000, 0x0002, 0x0004, 0x0400, 0xFFFA, 0xFFFC, 0xFFFE})
_REPEATING_GONE = frozenset({0x5000, 0x6000})
_TEXTS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_BLANK_IS_EMPTY = _TEXTS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}
_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)  # short, long, URN
_SCHEME, _SCHEME_VERSION, _MEANING = 0x00080102, 0x00080103, 0x00080104


@dataclass(frozen=True, slots=True)
class Encoding:
    """How values are packed; the new data set keeps it, so that numbers pass untouched."""

    implicit: bool
    little_endian: bool


@dataclass(frozen=True, slots=True)
class Pixels:
    """What must be known of the pixels to find what is hidden beside them.

    Attributes:
        frames: pictures.
        plain_bytes: that they take when not compressed; what is behind them is no picture.
        marked: whether they are JPEG, JPEG-LS or JPEG 2000, which may hold comments.
    """

    frames: int
    plain_bytes: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """Rebuilds the data sets of one object.

    Attributes:
        options: of the profile.
        patient: whose object it is.
        sop_class: decides the Types.
        encoding: of the file.
        pixels: what the header says of them.
    """

    options: Deidentification
    patient: Patient
    sop_class: str
    encoding: Encoding
    pixels: Pixels

    def rebuild(self, source: Dataset) -> Dataset:
        """Return a new data set with what may stay of another.

        Raises:
            InstanceRefused: MALFORMED, because compressed pixels cannot be followed.
        """
        root = self._empty()
        open_sets = [(source, root, 0)]
        while open_sets:
            old, new, parent = open_sets.pop()
            # Taken before pydicom looks into sequences, for which it converts plain values.
            held = {tag: old.get_item(tag) for tag in list(old.keys())}
            coded = self._write_concept(held, new)
            for tag in held:
                if tag in coded or not _may_be_kept(tag):
                    continue
                if dictionary_VR(tag) == "SQ":
                    open_sets.extend(self._sequence(old, new, tag, parent))
                else:
                    self._write_leaf(held, new, tag, parent)
        return root

    def _empty(self) -> Dataset:
        made = Dataset()
        made.set_original_encoding(self.encoding.implicit, self.encoding.little_endian, "iso8859")
        return made

    def _put(self, new: Dataset, tag: int, vr: str, value: bytes) -> None:
        space = vr in _BLANK_IS_EMPTY and vr != "UI"  # PS3.5 section 6.2: how a value is padded
        value += (b" " if space else b"\0") * (len(value) % 2)
        new[BaseTag(tag)] = RawDataElement(
            BaseTag(tag),
            vr,
            len(value),
            value,
            0,
            self.encoding.implicit,
            self.encoding.little_endian,
        )

    def _sequence(
        self, old: Dataset, new: Dataset, tag: BaseTag, parent: int
    ) -> Iterator[tuple[Dataset, Dataset, int]]:
        """Open a sequence in the new data set; give the pairs of items that are to be filled."""
        action, blank = self._action(tag, parent)
        try:
            items = list(old[tag].value or ())
        except CONVERSION_FAULTS:
            items, action = [], blank
        if not all(isinstance(item, Dataset) for item in items):
            items, action = [], blank
        if action is Action.REMOVE:
            return
        made = [] if action is Action.EMPTY else [self._empty() for _ in items]
        new[tag] = DataElement(tag, "SQ", Sequence(made))
        yield from ((item, copy, int(tag)) for item, copy in zip(items, made, strict=False))

    def _action(self, tag: int, parent: int) -> tuple[Action, Action]:
        return action_for(tag, parent=parent, sop_class=self.sop_class, options=self.options)

    def _write_concept(self, held: Held, new: Dataset) -> frozenset[int]:
        """Write a coded concept (PS3.3 section 8.8) anew; return the tags that are done."""
        found = next((tag for tag in _CODE_VALUES if tag in held), None)
        if found is None or _SCHEME not in held:
            return frozenset()
        value = text_in(self._raw(held, found) or b"")
        concept = concept_for(value, text_in(self._raw(held, _SCHEME) or b""))
        vr = dictionary_VR(_CODE_VALUES[0] if len(concept.value) <= 16 else found)
        place = _CODE_VALUES[0] if len(concept.value) <= 16 else found
        self._put(new, place, vr, concept.value.encode())
        self._put(new, _SCHEME, "SH", concept.scheme_designator.encode())
        self._put(new, _MEANING, "LO", concept.meaning.encode())
        return frozenset({*_CODE_VALUES, _SCHEME, _SCHEME_VERSION, _MEANING})

    def _raw(self, held: Held, tag: int) -> bytes | None:
        """Return the bytes of a value; None when they are not those of a plain value."""
        element = held.get(BaseTag(tag))
        if not isinstance(element, RawDataElement):
            return None
        if element.is_little_endian is not self.encoding.little_endian:
            return None
        return element.value or b""

    def _write_leaf(self, held: Held, new: Dataset, tag: BaseTag, parent: int) -> None:
        vr = _representation(held[tag], implicit=self.encoding.implicit)
        raw = self._raw(held, tag)
        if vr is None:
            return
        if tag.group == _PIXEL_GROUP and parent:  # an icon, of whatever picture
            return
        if tag in _PIXELS and raw is not None:
            self._write_pixels(held[tag], new, vr, raw)
            return
        if raw is not None and vr in _BLANK_IS_EMPTY and not raw.strip(b" \0"):
            raw = b""
        if raw == b"":
            if self._action(tag, parent)[0] is not Action.REMOVE:
                self._put(new, tag, vr, b"")
            return
        action, blank = self._action(tag, parent)
        kept = None if raw is None else self._kept(raw, tag, vr, action, held)
        if kept is not None:
            self._put(new, tag, vr, kept)
        elif blank is Action.EMPTY:
            self._put(new, tag, vr, b"")
        elif blank is Action.DUMMY:
            old_text = text_in(raw or b"")
            value = dummy_for(tag=tag, vr=vr, keys=self.patient.keys, old=old_text)
            self._put(new, tag, vr, value)

    def _kept(self, raw: bytes, tag: int, vr: str, action: Action, held: Held) -> bytes | None:
        if tag == _PATIENT_ID and action is not Action.REMOVE:
            issuer = text_in(self._raw(held, _ISSUER) or b"")
            return self.patient.keys.patient(text_in(raw), issuer).encode()
        if tag in _THINGS:
            return self.patient.keys.identifier(text_in(raw)).encode()
        match action:
            case Action.UID:
                return new_uids(raw, self.patient.keys) if vr == "UI" else None
            case Action.KEEP:
                return retained(raw, tag=tag, vr=vr, patient=self.patient)
            case Action.CLEAN:
                return cleaned_value(raw, tag=tag, vr=vr, patient=self.patient)
            case Action.SCREEN:
                return screened(raw, tag=tag, vr=vr, patient=self.patient)
            case _:
                return None

    def _write_pixels(self, element: Element, new: Dataset, vr: str, raw: bytes) -> None:
        tag = element.tag
        if not isinstance(element, RawDataElement) or element.length != _UNDEFINED:
            self._put(new, tag, vr, raw[: self.pixels.plain_bytes])
            return
        value = without_comments(raw, frames=self.pixels.frames) if self.pixels.marked else raw
        new[tag] = RawDataElement(tag, "OB", _UNDEFINED, value, 0, self.encoding.implicit, True)


def _may_be_kept(tag: BaseTag) -> bool:
    """Tell whether a tag is public, of a group that may stay, and in the dictionary (PS3.6)."""
    if tag.is_private or tag.group in _GROUPS_GONE or tag.group & 0xFF00 in _REPEATING_GONE:
        return False
    if tag.element == 0 or tag == _CHARACTER_SET:
        return False
    try:
        dictionary_VR(tag)
    except KeyError:
        return False
    return True


def _representation(element: Element, *, implicit: bool) -> str | None:
    """Return the VR under which a value is judged and written; None when it may not stay.

    A file may name another VR than the dictionary, to hide a text as a number or by age. Text
    is judged by the dictionary's VR, anything else must agree with it.
    """
    told = str(element.VR or "UN")
    choices = dictionary_VR(element.tag).split(" or ")
    if told in choices:
        return told
    if told == "UN" or (told in _TEXTS and choices[0] in _TEXTS):
        return choices[0] if len(choices) == 1 or implicit else None
    return None
