"""Moving a date by whole days, so that the time between two images of a patient stays."""

import re
from datetime import datetime, timedelta

# PS3.5 section 6.2: VR DA, and its form before 1993 with full stops.
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
# VR DT; a day is needed to be moved, and the offset from UTC would tell the place.
_DATETIME = re.compile(r"(\d{8})(\d{0,6}(?:(?<=\d{6})\.\d{1,6})?)(?:[+-]\d{4})?", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?(\.\d{1,6})?)?", re.ASCII)
_OFFSET = re.compile(r"[+-](0\d|1[0-4])[0-5]\d", re.ASCII)


def shifted_date(text: str, days: int) -> str:
    """Move a Date; empty when it is none.

    >>> shifted_date("20240301", -1), shifted_date("2024.03.01", -1), shifted_date("JONES", -1)
    ('20240229', '20240229', '')
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return ""
    try:
        moved = datetime.strptime("".join(match.groups()), "%Y%m%d") + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved.year:04d}{moved:%m%d}"


def shifted_datetime(text: str, days: int) -> str:
    """Move a Date Time; empty when it is none or names no day.

    >>> shifted_datetime("20240301235959.5+0100", 1)
    '20240302235959.5'
    """
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        return ""
    day, clock = shifted_date(match[1], days), match[2]
    if not day or (clock and not is_time(clock)):
        return ""
    return day + clock


def is_time(text: str) -> bool:
    """Tell whether a text is a Time (PS3.5 section 6.2, VR TM).

    >>> is_time("235959.123456"), is_time("12"), is_time("3456"), is_time("noon")
    (True, True, False, False)
    """
    return _TIME.fullmatch(text.strip()) is not None


def is_offset(text: str) -> bool:
    """Tell whether a text is a Timezone Offset From UTC (PS3.3 section C.12.1.1.8)."""
    return _OFFSET.fullmatch(text.strip()) is not None
