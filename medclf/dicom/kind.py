"""Which kind of picture an object holds, told from its header and never from its file name.

The SOP class decides first, the Modality must agree with it, and for X-rays the
body part must be the chest or unspecified. Everything else has no kind: the
caller then says what it found (`CT instead of X-ray`) from the modality.
"""

import re
from enum import StrEnum


class Kind(StrEnum):
    """The three kinds of picture that medclf reads."""

    XRAY = "xray"
    FUNDUS = "fundus"
    PATHOLOGY = "pathology"


COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
DIGITAL_XRAY_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
OPHTHALMIC_8_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
OPHTHALMIC_16_BIT = "1.2.840.10008.5.1.4.1.1.77.1.5.2"
VL_MICROSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.2"
VL_SLIDE_COORDINATES = "1.2.840.10008.5.1.4.1.1.77.1.3"
VL_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"

# Secondary Capture and its four multi-frame forms (PS3.4 B.5): any device may write them.
_SECONDARY_CAPTURE = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.[1-4])?")

_KIND_BY_SOP_CLASS = {
    COMPUTED_RADIOGRAPHY: Kind.XRAY,
    DIGITAL_XRAY_PRESENTATION: Kind.XRAY,
    OPHTHALMIC_8_BIT: Kind.FUNDUS,
    OPHTHALMIC_16_BIT: Kind.FUNDUS,
    VL_MICROSCOPIC: Kind.PATHOLOGY,
    VL_SLIDE_COORDINATES: Kind.PATHOLOGY,
    VL_WHOLE_SLIDE: Kind.PATHOLOGY,
}

_KIND_BY_MODALITY = {
    "CR": Kind.XRAY,
    "DX": Kind.XRAY,
    "OP": Kind.FUNDUS,
    "SM": Kind.PATHOLOGY,
    "GM": Kind.PATHOLOGY,
}

# Body Part Examined is free in practice: "CHEST", "THORAX PA", "Chest 2 views".
_CHEST = frozenset({"CHEST", "THORAX", "THORACIC", "LUNG", "LUNGS", "INTRATHORACIC"})
_BESIDE_CHEST = frozenset(
    {"PA", "AP", "LAT", "LATERAL", "LL", "VIEW", "VIEWS", "ENTIRE", "STRUCTURE", "OF", "CAVITY"}
)


def shows_chest(body_part: str) -> bool:
    """Tell whether a Body Part Examined means the chest or says nothing.

    >>> [shows_chest(part) for part in ("CHEST", "Thorax ap", "", "HAND", "CHEST ABDOMEN")]
    [True, True, True, False, False]
    """
    words = set(re.findall(r"[A-Z]+", body_part.upper()))
    return not words or (bool(words & _CHEST) and words <= _CHEST | _BESIDE_CHEST)


def kind_of(*, sop_class_uid: str, modality: str, body_part: str) -> Kind | None:
    """Return the kind of picture, or None when it is none of the three or cannot be told.

    Args:
        sop_class_uid: (0008,0016), PS3.4 annex B.5.
        modality: (0008,0060), PS3.3 section C.7.3.1.1.1; must agree with the SOP
            class unless empty.
        body_part: (0018,0015) or the meaning of the Anatomic Region Sequence.
    """
    by_modality = _KIND_BY_MODALITY.get(modality)
    if _SECONDARY_CAPTURE.fullmatch(sop_class_uid):
        kind = by_modality
    else:
        kind = _KIND_BY_SOP_CLASS.get(sop_class_uid)
        if modality and by_modality is not kind:
            kind = None
    if kind is Kind.XRAY and not shows_chest(body_part):
        return None
    return kind
