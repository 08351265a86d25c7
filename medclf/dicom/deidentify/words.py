"""What may stay of a text: only what a list knows to be harmless.

A name cannot be recognised, a harmless word can. So everything goes that is not on the list:
names, numbers, dates, and many innocent words too.
"""

import re
from functools import cache

from medclf.dicom.deidentify.profile import lines_of

# A word is whatever stands between signs of ASCII; bytes above 127 (in whatever charset) and
# escapes belong to a word and so make it unknown.
_BETWEEN = re.compile(r"[\x00-\x1a\x1c-\x20!-/:-@\[-`{-\x7f]+")
_ESCAPE = "\x1b"  # ISO 2022: what follows may be another alphabet in the same bytes

_MANUFACTURER = 0x00080070
# Attributes of free text VRs that hold codes of PS3.3: Rescale Type, Modality LUT Type, and
# Position Reference Indicator.
_CODED = {
    0x00281054: frozenset({"HU", "US", "OD", "HU_MOD", "MGML", "PCT", "Z_EFF", "ED", "EDW"}),
    0x00283004: frozenset({"HU", "US", "OD", "MGML"}),
    0x00201040: frozenset({"SLIDE_CORNER", "CORNEAL_VERTEX_R", "CORNEAL_VERTEX_L"}),
}
# Stack ID numbers the stacks of an enhanced object (PS3.3 section C.7.6.16.2.2).
_STACK = 0x00209056


def cleaned(text: str) -> str:
    """Return the words of a text that are known to be harmless, in their order.

    >>> cleaned("CHEST PA, Dr Smith 12.3.1957")
    'CHEST PA'
    """
    return " ".join(word for word in _words(text) if word.lower() in _known())


def is_harmless(text: str, tag: int) -> bool:
    """Tell whether every word of a text is known; then it may stay as it is."""
    if tag in _CODED and text in _CODED[tag]:
        return True
    if tag == _STACK:
        return re.fullmatch(r"\d{1,3}", text, re.ASCII) is not None
    known = _known() | _makers() if tag == _MANUFACTURER else _known()
    words = _words(text)
    return bool(words) and all(word.lower() in known for word in words)


@cache
def code_strings() -> frozenset[str]:
    """Return the values of VR CS that PS3.3 defines."""
    return frozenset(lines_of("terms.txt"))


@cache
def _known() -> frozenset[str]:
    return _words_of("words.txt")


@cache
def _makers() -> frozenset[str]:
    return _words_of("makers.txt")


def _words_of(name: str) -> frozenset[str]:
    return frozenset(word for line in lines_of(name) for word in line.split())


def _words(text: str) -> list[str]:
    return [] if _ESCAPE in text else [word for word in _BETWEEN.split(text) if word]
