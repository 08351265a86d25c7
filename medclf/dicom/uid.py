"""Unique identifiers: what DICOM allows, and how medclf makes its own repeatably."""

import hashlib
import re

# PS3.5 section 9.1: components of digits without leading zeros, joined by dots, 64 at most.
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_UID_LENGTH = 64


def is_valid_uid(text: str) -> bool:
    """Tell whether a text is a UID by PS3.5 section 9.1.

    >>> is_valid_uid("1.2.840.10008.1.2"), is_valid_uid("1.02"), is_valid_uid("../1.2")
    (True, False, False)
    """
    return len(text) <= _UID_LENGTH and _UID.fullmatch(text) is not None


def uid_from(seed: str) -> str:
    """Make a UID from a text: the same text gives the same UID, on every machine.

    The form is `2.25.` and a UUID as a decimal number (PS3.5 section B.2); the UUID is of
    version 8 (RFC 9562 section 5.8), its bits from SHA-256.

    >>> uid_from("medclf")
    '2.25.288125274094510917056269908242796756636'
    """
    bits = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "big")
    bits = bits & ~(0xF << 76) | 0x8 << 76  # version
    bits = bits & ~(0x3 << 62) | 0x2 << 62  # variant
    return f"2.25.{bits}"


# Names this implementation in every file it writes (PS3.10 section 7.1); never to change.
IMPLEMENTATION_CLASS_UID = uid_from("medclf implementation class")
IMPLEMENTATION_VERSION_NAME = "MEDCLF_1"
