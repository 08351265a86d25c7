"""What may stay of one value, by its value representation; everything here fails closed.

A value is read as raw bytes and never converted by a library, whose warnings would repeat
it. What stays is ASCII, so that no character set is needed to read it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from medclf.dicom.deidentify.dates import is_offset, is_time, shifted_date, shifted_datetime
from medclf.dicom.deidentify.icc import without_words
from medclf.dicom.deidentify.keys import Keys
from medclf.dicom.deidentify.words import cleaned, code_strings, is_harmless
from medclf.dicom.uid import is_valid_uid

_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "SV": 8, "UV": 8, "AT": 4}
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
# Bulk data is kept where it can only be pixels or tables of numbers about them.
_BULK_GROUPS = frozenset({0x0028, 0x7FE0})
_ICC_PROFILE = 0x00282000
_NUMBERS = {
    # PS3.5 section 6.2; real files write a Decimal String longer than its 16 characters.
    "DS": re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})? *", re.ASCII),
    "IS": re.compile(r" *[+-]?\d{1,12} *", re.ASCII),
}
_NUMBER_CHARACTERS = 32
_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_OLDEST_YEARS = 89  # 45 CFR 164.514(b)(2)(i)(C): older ages are told as one group
_PRINTABLE = re.compile(r"[\x20-\x5b\x5d-\x7e]*", re.ASCII)
_LONGEST = {"SH": 16, "LO": 64, "AE": 16, "ST": 1024, "LT": 10240}
_WHOLE = frozenset({"LT", "ST", "UT"})  # a backslash is a character there (PS3.5 section 6.2)
_IMAGE_TYPE = 0x00080008
# Context Identifier and Template Identifier: numbers of PS3.16, written as code strings.
_NUMBERED = frozenset({0x0008010F, 0x0040DB00})
# Patient Orientation: up to three of anterior, posterior, right, left, head, foot (C.7.6.1.1.1).
_ORIENTATION, _DIRECTION = 0x00200020, re.compile(r"[APRLHF]{1,3}")
_TIMEZONE_OFFSET = 0x00080201


@dataclass(frozen=True, slots=True)
class Patient:
    """Whose object this is, as far as values depend on it.

    Attributes:
        keys: derive new UIDs and pseudonyms.
        shift_days: how far dates move; None when they may not stay at all.
    """

    keys: Keys
    shift_days: int | None


def text_in(raw: bytes) -> str:
    """Return a value as text, a character a byte, so that nothing of any charset fails."""
    return raw.decode("latin-1").strip(" \0")


def screened(raw: bytes, *, tag: int, vr: str, patient: Patient) -> bytes | None:
    """Return a value that no rule lists, if it is recognisably harmless; else None."""
    if vr in _SIZES:
        return raw if len(raw) % _SIZES[vr] == 0 else None
    if vr in _BULK:
        return _bulk(raw, tag)
    text = text_in(raw)
    if vr in _WHOLE:
        return text.encode() if is_harmless(text, tag) else None
    if vr == "CS":
        return _code_strings(text, tag)
    keep = _screens(tag, patient).get(vr)
    return None if keep is None else _each(text, keep)


def cleaned_value(raw: bytes, *, tag: int, vr: str, patient: Patient) -> bytes | None:
    """Return what is left of a value that an option cleans; None when nothing is."""
    text = text_in(raw)
    if tag == _TIMEZONE_OFFSET:
        return text.encode() if is_offset(text) else None
    if vr in ("LO", "SH", "UC"):
        parts = [cleaned(part)[: _LONGEST.get(vr)].strip() for part in text.split("\\")]
        return "\\".join(parts).encode() if all(parts) else None
    if vr in _WHOLE:
        return cleaned(text)[: _LONGEST.get(vr)].encode() or None
    return screened(raw, tag=tag, vr=vr, patient=patient) if vr not in _BULK else None


def retained(raw: bytes, *, tag: int, vr: str, patient: Patient) -> bytes | None:
    """Return a value that an option retains, if it is what its VR allows; else None."""
    text = text_in(raw)
    if vr == "AS":
        return _each(text, _capped_age)
    if vr == "UI":
        return _each(text, lambda uid: uid if is_valid_uid(uid) else "")
    if vr in ("LO", "SH", "UC", *_WHOLE):
        plain = text if vr in _WHOLE else text.replace("\\", " ")
        fits = all(len(part) <= _LONGEST.get(vr, len(text)) for part in text.split("\\"))
        return text.encode() if fits and _PRINTABLE.fullmatch(plain) else None
    return screened(raw, tag=tag, vr=vr, patient=patient) if vr not in _BULK else None


def new_uids(raw: bytes, keys: Keys) -> bytes | None:
    """Return new UIDs for all values; None when there is none."""
    return _each(text_in(raw), lambda uid: keys.uid(uid) if uid else "")


def _each(text: str, keep: Callable[[str], str]) -> bytes | None:
    """Apply a rule to every value; all must stay, for their number may mean something."""
    parts = text.split("\\")
    told = [keep(part.strip(" \0")) for part in parts]
    if not any(told) or any(part and not left for part, left in zip(parts, told, strict=True)):
        return None
    return "\\".join(told).encode()


def _screens(tag: int, patient: Patient) -> Mapping[str, Callable[[str], str]]:
    def harmless(text: str) -> str:
        return text if is_harmless(text, tag) else ""

    def number(form: re.Pattern[str]) -> Callable[[str], str]:
        return lambda text: text if len(text) <= _NUMBER_CHARACTERS and form.fullmatch(text) else ""

    days = patient.shift_days
    found: dict[str, Callable[[str], str]] = {
        **{vr: number(form) for vr, form in _NUMBERS.items()},
        **dict.fromkeys(("LO", "SH", "UC"), harmless),
        "AS": _capped_age,
        "UI": lambda uid: patient.keys.uid(uid) if uid else "",
    }
    if days is not None:
        found["DA"] = lambda text: shifted_date(text, days)
        found["DT"] = lambda text: shifted_datetime(text, days)
        found["TM"] = lambda text: text if is_time(text) else ""
    return found


def _capped_age(text: str) -> str:
    match = _AGE.fullmatch(text)
    if match is None:
        return ""
    years = match[2] == "Y" and int(match[1]) > _OLDEST_YEARS
    return f"{_OLDEST_YEARS + 1:03d}Y" if years else text


def _code_strings(text: str, tag: int) -> bytes | None:
    if tag in _NUMBERED:
        return text.encode() if re.fullmatch(r"\d{1,5}", text, re.ASCII) else None
    parts = [part.strip() for part in text.split("\\")]
    known = code_strings()
    if tag == _ORIENTATION:
        known = frozenset(part for part in parts if _DIRECTION.fullmatch(part))
    if tag == _IMAGE_TYPE:
        parts = _image_type(parts)
    return "\\".join(parts).encode() if _all_known(parts, known) else None


def _image_type(parts: list[str]) -> list[str]:
    """Replace what a maker added: two values are defined for all, two for enhanced objects."""
    known = code_strings()
    parts[2:4] = [part if part in known or not part else "OTHER" for part in parts[2:4]]
    parts[4:] = [part if part in known else "" for part in parts[4:]]
    while len(parts) > 4 and not parts[-1]:
        parts.pop()
    return parts


def _all_known(parts: Iterable[str], known: frozenset[str]) -> bool:
    told = [part for part in parts if part]
    return bool(told) and all(part in known for part in told)


def _bulk(raw: bytes, tag: int) -> bytes | None:
    if tag >> 16 not in _BULK_GROUPS:
        return None
    return without_words(raw) if tag == _ICC_PROFILE else raw
