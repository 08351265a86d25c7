"""What the cells of a labels table may say about age, sex, side, part and bytes.

Each reader takes the spellings that tables use and gives the one that medclf keeps;
a blank cell stays blank. A spelling it does not know is `Unreadable`, never a guess.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date

PARTS = ("train", "tune", "calibrate", "test")
"""The parts of a split, in the order in which a study uses them."""

HELD_OUT = "val"
"""What others call the part beside training and test; medclf needs two of it.

`medclf.cohort.held_out` shares it out between tune and calibrate.
"""

_PART = {part: part for part in PARTS} | dict.fromkeys(
    ("val", "valid", "validation", "dev"), HELD_OUT
)

_SEX = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O"}
# OD and OS are the ophthalmologist's right and left eye (oculus dexter, sinister).
_SIDE = {"r": "R", "right": "R", "od": "R", "l": "L", "left": "L", "os": "L"}
_UNTOLD = frozenset(("", "u", "unknown", "n/a", "na", "nan", "none", "-"))
# DICOM Age String (PS3.5 section 6.2) or a plain number; 90+ and >89 as HIPAA rounds them.
_AGE = re.compile(r">?\s*(\d{1,3}(?:\.\d+)?)\s*([YMWD]?)\+?", re.IGNORECASE)
_UNITS_A_YEAR = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}
_OLDEST_YEARS = 125.0  # nobody of a verified greater age but one (Calment, 122 years)
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")
_FIRST_YEAR = 1895  # no X-ray is older (Röntgen 1895)
NOT_TOLD = -2
NO_FINDING = "no finding"
_FINDING = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1, "-2": NOT_TOLD}
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


_FRONTAL = {"frontal": "", "lateral": "LATERAL"}


def read_part(text: str) -> str:
    """Return one of `PARTS` or `HELD_OUT`, or "" for a blank cell.

    >>> read_part("test"), read_part("valid")
    ('test', 'val')
    """
    return _choose(text, _PART, f"part ({', '.join(PARTS)} or val)")


def read_projection(text: str) -> str:
    """Return the view that a column of `frontal` and `lateral` tells: `LATERAL` or "".

    >>> read_projection("Lateral")
    'LATERAL'
    """
    return _choose(text, _FRONTAL, "projection (frontal or lateral)")


def read_month(text: str) -> str:
    """Return year and month as `YYYY-MM`; the day is left out on purpose.

    >>> read_month("2021-03-09"), read_month("2021-03")
    ('2021-03', '2021-03')
    """
    if text.casefold() in _UNTOLD:
        return ""
    match = _DATE.fullmatch(text)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3] or 1)) if match else None
    except ValueError:
        day = None
    if day is None or day.year < _FIRST_YEAR:
        raise Unreadable("date (YYYY-MM or YYYY-MM-DD)")
    return f"{day.year:04}-{day.month:02}"


def read_finding(text: str) -> int:
    """Return 1 (present), 0 (absent), -1 (uncertain) or -2 (not told).

    The numbers are those of CheXpert (Irvin et al. 2019, arXiv:1901.07031), which leaves a
    cell blank where the report does not speak of the finding.

    >>> [read_finding(text) for text in ("1.0", "0", "-1.0", "")]
    [1, 0, -1, -2]
    """
    if text == "":
        return NOT_TOLD
    try:
        return _FINDING[text]
    except KeyError:
        raise Unreadable("finding (1, 0, -1 or blank)") from None


def finding_text(value: int) -> str:
    """Return how a table tells a finding, so that `read_finding` gives it back.

    >>> [finding_text(value) for value in (1, 0, -1, -2)]
    ['1', '0', '-1', '']
    """
    return "" if value == NOT_TOLD else str(value)


def read_listed(text: str, findings: Sequence[str]) -> tuple[int, ...]:
    """Return 1 for each finding that a cell lists and 0 for the others; -2 for a blank cell.

    The way of ChestX-ray14 (Wang et al. 2017, arXiv:1705.02315).

    >>> read_listed("Mass|Edema", ["Edema", "Hernia", "Mass"]), read_listed("", ["Edema"])
    ((1, 0, 1), (-2,))
    """
    listed = {name.strip() for name in text.split("|")} - {""}
    if not listed:
        return (NOT_TOLD,) * len(findings)
    if any(name not in findings and name.casefold() != NO_FINDING for name in listed):
        raise Unreadable(f"list of {', '.join(findings)}")
    return tuple(int(name in listed) for name in findings)


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
