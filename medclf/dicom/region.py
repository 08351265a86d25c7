"""Which part of the body an object says it shows, from its text or its code.

Body Part Examined is free in practice ("CHEST", "THORAX PA", "Chest 2 views"), so it is
read word by word: a region holds only when every word belongs to it. "CHEST ABDOMEN" is
therefore no chest film.
"""

import re
from enum import StrEnum

from medclf.dicom.view import VIEW_WORDS


class Region(StrEnum):
    """The regions that medclf tells apart; `OTHER` is any that is none of them."""

    CHEST = "chest"
    BREAST = "breast"
    EYE = "eye"
    OTHER = "other"


# Anatomic Region Sequence: CID 4009 and 4031 (X-ray), CID 4209 (ophthalmic), as SNOMED CT and
# the older SNOMED-RT ids. What is not listed is told by its meaning.
REGION_BY_CODE = {
    "816094009": "CHEST",
    "51185008": "CHEST",
    "T-D3000": "CHEST",
    "43799004": "CHEST",
    "39607008": "LUNG",
    "T-28000": "LUNG",
    "76752008": "BREAST",
    "T-04000": "BREAST",
    "81745001": "EYE",
    "T-AA000": "EYE",
    "40638003": "BOTH EYES",
    "T-AA180": "BOTH EYES",
    "371398005": "EYE REGION",
    "T-D0801": "EYE REGION",
    "79652003": "EYEBALL",
    "T-AA770": "EYEBALL",
    "5665001": "RETINA",
    "T-AA610": "RETINA",
    "67046006": "FOVEA CENTRALIS",
    "T-AA621": "FOVEA CENTRALIS",
    "81016008": "OPTIC NERVE HEAD",
    "T-AA630": "OPTIC NERVE HEAD",
    "68703001": "CHOROID OF EYE",
    "T-AA310": "CHOROID OF EYE",
}


def _words(body_part: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Z]+", body_part.upper()))


_CHEST = frozenset(("CHEST", "THORAX", "THORACIC", "LUNG", "LUNGS", "INTRATHORACIC"))
_BREAST = frozenset(("BREAST", "BREASTS", "MAMMA", "MAMMO", "MAMMOGRAM", "MAMMOGRAPHY"))
_EYE = frozenset(("EYE", "EYES", "EYEBALL", "RETINA", "FUNDUS", "MACULA", "FOVEA", "CHOROID"))
# Eye photographs that show no retina: CID 4209 without its posterior members.
_FRONT_OF_EYE = _words(
    "ANTERIOR CILIARY CONJUNCTIVA CORNEA EYELID EYELIDS IRIS LACRIMAL LENS SCLERA"
)

# Words that stand beside a region without changing it: views, sides, posture, filling.
_ANYWHERE = _words(
    "PA AP LAT LATERAL LL RL VIEW VIEWS ENTIRE STRUCTURE REGION OF CAVITY LEFT RIGHT BOTH BILATERAL"
    " L R PORTABLE BEDSIDE MOBILE ERECT UPRIGHT SUPINE"
)
_BESIDE_BREAST = _words("CC MLO ML LM TOMO")
_BESIDE_EYE = _words("OD OS OU CENTRALIS OPTIC NERVE HEAD DISC POSTERIOR SEGMENT")
_KNOWN = VIEW_WORDS.union(
    _CHEST, _BREAST, _EYE, _FRONT_OF_EYE, _ANYWHERE, _BESIDE_BREAST, _BESIDE_EYE
)
_ELSEWHERE = "OTHER"  # belongs to no region, like the words that it stands for


def known_part(text: str) -> str:
    """Return the words of a body part that are known, in upper case, and OTHER for the others.

    Region and view are told from it as from the text, which is free and may name a patient.

    >>> known_part("Chest, PA"), known_part("HAND"), known_part("Chest Jones"), known_part("")
    ('CHEST PA', 'OTHER', 'CHEST OTHER', '')
    """
    told = re.findall(r"[A-Z]+", text.upper())
    known = [word for word in told if word in _KNOWN]
    return " ".join(known if len(known) == len(told) else [*known, _ELSEWHERE])


def region_of(body_part: str, *, modality: str = "") -> Region | None:
    """Return the region that a body part means, or None when nothing is said.

    Args:
        body_part: (0018,0015), or the meaning of the Anatomic Region Sequence.
        modality: MG takes breasts only, whatever else stays unsaid.

    >>> [region_of(part) for part in ("CHEST", "Thorax ap", "", "HAND")]
    [<Region.CHEST: 'chest'>, <Region.CHEST: 'chest'>, None, <Region.OTHER: 'other'>]
    >>> region_of("CHEST ABDOMEN"), region_of("", modality="MG")
    (<Region.OTHER: 'other'>, <Region.BREAST: 'breast'>)
    """
    words = _words(body_part)
    if not words:
        return Region.BREAST if modality == "MG" else None
    for region, names, beside in (
        (Region.CHEST, _CHEST, frozenset[str]()),
        (Region.BREAST, _BREAST, _BESIDE_BREAST),
        (Region.EYE, _EYE, _BESIDE_EYE),
    ):
        if words & names and words <= names | beside | _ANYWHERE:
            return region
    return Region.OTHER


def shows_chest(body_part: str) -> bool:
    """Tell whether a Body Part Examined means the chest or says nothing.

    >>> [shows_chest(part) for part in ("CHEST", "Thorax ap", "", "HAND", "CHEST ABDOMEN")]
    [True, True, True, False, False]
    """
    return region_of(body_part) in (None, Region.CHEST)


def shows_front_of_eye(body_part: str) -> bool:
    """Tell whether a body part names a part of the eye in front of the retina.

    >>> [shows_front_of_eye(part) for part in ("Cornea", "Anterior chamber of eye", "RETINA", "")]
    [True, True, False, False]
    """
    return bool(_words(body_part) & _FRONT_OF_EYE)
