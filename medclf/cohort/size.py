"""Numbers of bytes as people write them."""

import re

from medclf.errors import MisuseError

_UNITS = ("", "k", "M", "G", "T")


def parse_bytes(text: str, *, what: str) -> int:
    """Read a number of bytes.

    Args:
        text: digits, and one of kB, MB, GB, TB (powers of 1000) where wanted.
        what: names the number in the error.

    Raises:
        MisuseError: it is none.

    >>> parse_bytes("1.5 GB", what="the limit")
    1500000000
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise MisuseError(
            f"{what} is {text!r}, which is not a number of bytes.",
            advice="Write it as 50GB, 500MB or 50000000000.",
        )
    power = [unit.lower() for unit in _UNITS].index(found[2].lower())
    return int(float(found[1]) * 1000**power)


def in_words(size: int) -> str:
    """Return a number of bytes as a person would say it.

    >>> in_words(50_176), in_words(49_999_999_999)
    ('50.2 kB', '50.0 GB')
    """
    value, power = float(size), 0
    while round(value, 1) >= 1000 and power < len(_UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.1f} {_UNITS[power]}B" if power else f"{size} bytes"
