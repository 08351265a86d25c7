"""What the cells of a labels table may say about age, sex, side, part and bytes.

Each reader takes the spellings that tables use and gives the one that medclf keeps;
a blank cell stays blank. A spelling it does not know is `Unreadable`, never a guess.
"""

import re
from collections.abc import Mapping

PARTS = ("train", "tune", "calibrate", "test")
"""The parts of a split, in the order in which a study uses them."""

_SEX = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O"}
# OD and OS are the ophthalmologist's right and left eye (oculus dexter, sinister).
_SIDE = {"r": "R", "right": "R", "od": "R", "l": "L", "left": "L", "os": "L"}
_UNTOLD = frozenset(("", "u", "unknown", "n/a", "na", "nan", "none", "-"))
# DICOM Age String (PS3.5 section 6.2) or a plain number; 90+ and >89 as HIPAA rounds them.
_AGE = re.compile(r">?\s*(\d{1,3}(?:\.\d+)?)\s*([YMWD]?)\+?", re.IGNORECASE)
_UNITS_A_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}
_OLDEST_YEARS = 125.0  # nobody of a verified greater age but one (Calment, 122 years)
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class Unreadable(ValueError):
    """A cell that says something unknown; `wanted` tells what it should say."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


def _choose(text: str, spellings: Mapping[str, str], wanted: str) -> str:
    key = text.casefold()
    if key in _UNTOLD:
        return ""
    try:
        return spellings[key]
    except KeyError:
        raise Unreadable(wanted) from None


def read_sex(text: str) -> str:
    """Return F, M, O (PS3.3 section C.7.1.1) or "".

    >>> read_sex("female")
    'F'
    """
    return _choose(text, _SEX, "sex (F, M or O)")


def read_laterality(text: str) -> str:
    """Return L, R or "".

    >>> read_laterality("OD")
    'R'
    """
    return _choose(text, _SIDE, "side (L or R)")


def read_part(text: str) -> str:
    """Return one of `PARTS`, or "" for a blank cell."""
    return _choose(text, {part: part for part in PARTS}, f"part ({', '.join(PARTS)})")


def read_age_years(text: str) -> float | None:
    """Return an age in years, in [0, 125].

    >>> read_age_years("018M"), read_age_years("90+")
    (1.5, 90.0)
    """
    if text.casefold() in _UNTOLD:
        return None
    match = _AGE.fullmatch(text)
    years = float(match[1]) / _UNITS_A_YEAR[match[2].upper() or "Y"] if match else -1.0
    if not 0 <= years <= _OLDEST_YEARS:
        raise Unreadable("age in years")
    return years


def read_sha256(text: str) -> str:
    """Return `sha256:` and 64 hex digits, or "" for a blank cell."""
    if not text:
        return ""
    match = _SHA256.fullmatch(text.lower())
    if not match:
        raise Unreadable("SHA-256 of 64 hex digits")
    return f"sha256:{match[1]}"
