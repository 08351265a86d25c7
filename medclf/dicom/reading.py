"""Reading single attributes of a parsed data set without ever trusting their values.

pydicom converts a value when it is first asked for, so a file that parsed may
still raise on any attribute. Here a value that cannot be converted counts as
absent; the pixels and identifiers that matter were checked by the scan before.
"""

import struct

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

# What pydicom 3 raises while it converts damaged values, found by fuzzing:
# numbers (ValueError, ArithmeticError, struct.error, BytesLengthException), charsets (LookupError,
# UnicodeError), value representations (NotImplementedError, TypeError, AttributeError).
CONVERSION_FAULTS = (
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    OSError,
    EOFError,
    struct.error,
    BytesLengthException,
)


# Codes, dates and numbers as ASCII text (PS3.5 section 6.2). They are read from the raw bytes:
# pydicom's conversion would repeat a wrong value, such as a birth date, in a warning.
_ASCII_VRS = frozenset({"AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"})
_LONGEST_TEXT = 1024


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return the first value of an attribute as text; empty when absent or unreadable."""
    try:
        if dictionary_VR(keyword) in _ASCII_VRS:
            raw = dataset.get_item(keyword)
            if isinstance(raw, RawDataElement):
                plain = bytes(raw.value or b"")[:_LONGEST_TEXT].decode("ascii", "replace")
                return plain.split("\\")[0].strip(" \0")
        value = dataset.get(keyword)
        if value is None:
            return ""
        if not isinstance(value, str | bytes) and hasattr(value, "__getitem__"):
            value = value[0] if len(value) else ""
        return str(value).strip(" \0")
    except CONVERSION_FAULTS:
        return ""


def all_of(dataset: Dataset, keyword: str) -> str:
    """Return all values of an attribute as text, joined by backslashes as DICOM writes them."""
    try:
        values = dataset.get(keyword) or ""
        return values if isinstance(values, str) else "\\".join(str(value) for value in values)
    except CONVERSION_FAULTS:
        return ""


def number_of(dataset: Dataset, keyword: str, *, absent: int) -> int:
    """Return the first value of an attribute as a whole number, or `absent`."""
    try:
        return int(float(text_of(dataset, keyword)))
    except (ValueError, OverflowError):
        return absent


def item_of(dataset: Dataset | None, *keywords: str) -> Dataset | None:
    """Return the first item of a sequence, each further keyword one level down; None if absent."""
    for keyword in keywords:
        try:
            items = dataset.get(keyword) if dataset is not None else None
            item = items[0] if items else None
        except CONVERSION_FAULTS:
            return None
        dataset = item if isinstance(item, Dataset) else None
    return dataset


def code_of(dataset: Dataset, keyword: str) -> tuple[str, str]:
    """Return code value and meaning of a code sequence's first item, or two empty texts."""
    item = item_of(dataset, keyword)
    return ("", "") if item is None else (text_of(item, "CodeValue"), text_of(item, "CodeMeaning"))
