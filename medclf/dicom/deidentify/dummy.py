"""Values that say nothing, for attributes that must have one."""

from medclf.dicom.deidentify.keys import Keys

_BY_VR = {
    "AE": b"REMOVED",
    "AS": b"000Y",
    "CS": b"UNKNOWN",
    "DA": b"20000101",
    "DS": b"0",
    "DT": b"20000101000000",
    "IS": b"0",
    "LO": b"REMOVED",
    "LT": b"REMOVED",
    "PN": b"REMOVED",
    "SH": b"REMOVED",
    "ST": b"REMOVED",
    "TM": b"000000",
    "UC": b"REMOVED",
    "UR": b"urn:removed",
    "UT": b"REMOVED",
}
# Code strings with enumerated values of their own (PS3.3 section C.7.6.1.1.2).
_BY_TAG = {0x00080008: b"DERIVED\\SECONDARY"}
_SIZE = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}


def dummy_for(*, tag: int, vr: str, keys: Keys, old: str) -> bytes:
    """Return a value consistent with its VR that tells nothing.

    Args:
        tag: of the attribute.
        vr: its value representation.
        keys: make a new UID, which must differ from object to object.
        old: the value that goes.
    """
    if vr == "UI":
        return keys.uid(f"dummy {old}").encode()
    return _BY_TAG.get(tag) or _BY_VR.get(vr) or bytes(_SIZE.get(vr, 2))
