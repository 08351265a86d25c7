"""From which side a picture was taken, told by tag: view text, view code, patient orientation.

Three attributes may speak, and real systems fill any of them. Each is read for itself; who
judges compares them (`medclf.dicom.admission`).
"""

import re
from enum import StrEnum


class View(StrEnum):
    """The projections that medclf tells apart."""

    FRONTAL = "frontal"
    LATERAL = "lateral"
    OBLIQUE = "oblique"
    CRANIO_CAUDAL = "cc"
    MEDIO_LATERAL_OBLIQUE = "mlo"
    MEDIO_LATERAL = "ml"
    OTHER = "other"


# View Code Sequence: CID 4010 DX View and CID 4014 View for Mammography, as SNOMED CT and the
# older SNOMED-RT ids, to the text that View Position would hold.
VIEW_BY_CODE = {
    **dict.fromkeys(("399348003", "R-10206"), "AP"),
    **dict.fromkeys(("272479007", "R-10214", "R-40888"), "PA"),
    **dict.fromkeys(("399033003", "R-10202"), "FRONTAL"),
    **dict.fromkeys(("399173006", "R-10236"), "LL"),
    **dict.fromkeys(("399198007", "R-10232"), "RL"),
    **dict.fromkeys(("399067008", "R-102CD"), "LATERAL"),
    **dict.fromkeys(("30730003", "G-A145"), "SAGITTAL"),
    **dict.fromkeys(("399260004", "R-10224"), "ML"),
    **dict.fromkeys(("399352003", "R-10228"), "LM"),
    **dict.fromkeys(("399162004", "R-10242"), "CC"),
    **dict.fromkeys(("399196006", "R-10244"), "FB"),  # caudo-cranial, from below
    **dict.fromkeys(("399192008", "R-1024A"), "XCCL"),
    **dict.fromkeys(("399101009", "R-1024B"), "XCCM"),
    **dict.fromkeys(("399368009", "R-10226"), "MLO"),
    **dict.fromkeys(("399099002", "R-10230"), "LMO"),
    **dict.fromkeys(("399188001", "R-102D0"), "SIO"),
    **dict.fromkeys(("441555000", "R-40AAA"), "ISO"),
    **dict.fromkeys(("399135007", "R-10220"), "LAO"),
    **dict.fromkeys(("399356000", "R-40985"), "RAO"),
    **dict.fromkeys(("399006002", "R-10212"), "LPO"),
    **dict.fromkeys(("399038007", "R-10210"), "RPO"),
    **dict.fromkeys(("399312000", "R-10208"), "AP OBLIQUE"),
    **dict.fromkeys(("399059000", "R-10216"), "PA OBLIQUE"),
    **dict.fromkeys(("399182000", "R-102C1"), "OBLIQUE"),
    **dict.fromkeys(("399184004", "R-10238"), "LEFT OBLIQUE"),
    **dict.fromkeys(("399236003", "R-10234"), "RIGHT OBLIQUE"),
    **dict.fromkeys(("260427002", "R-40783"), "LATERAL OBLIQUE"),
    **dict.fromkeys(("260426006", "R-40782"), "MEDIAL OBLIQUE"),
    **dict.fromkeys(("399160007", "R-10204"), "FRONTAL OBLIQUE"),
    **dict.fromkeys(("399061009", "R-10241"), "AXIAL"),
    **dict.fromkeys(("399110001", "R-102C2"), "TANGENTIAL"),
    **dict.fromkeys(("399132005", "R-10252"), "FRONTAL AXIAL"),
    **dict.fromkeys(("399004004", "R-10246"), "OBLIQUE AXIAL"),
    **dict.fromkeys(("399225005", "R-10250", "399288005", "R-10248"), "OBLIQUE AXIAL"),
    **dict.fromkeys(("399325008", "R-10254"), "SAGITTAL OBLIQUE AXIAL"),
    **dict.fromkeys(("119376003", "G-8300", "127457009", "G-8310"), "SPECIMEN"),
}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Z]+", text.upper()))


# View Position (0018,5101), PS3.3 C.8.1.2 and C.8.11.5, and how tables and older machines write
# it. The first line that shares a word with the text decides: what spoils a frontal film comes
# before what makes one. A decubitus film is taken from the front, but of a patient on the side.
_WORDS: tuple[tuple[View, frozenset[str]], ...] = (
    (View.OTHER, _words("AXIAL LORDOTIC DECUBITUS DECUB SPECIMEN TANGENTIAL LLD RLD")),
    (View.OBLIQUE, _words("OBLIQUE OBL LAO RAO LPO RPO LLO RLO")),
    (View.LATERAL, _words("LL RL LAT LATERAL L R LLAT RLAT XTL SAGITTAL PROFILE")),
    (View.CRANIO_CAUDAL, _words("CC RCC LCC")),
    (View.MEDIO_LATERAL_OBLIQUE, _words("MLO RMLO LMLO")),
    (View.MEDIO_LATERAL, _words("ML LM RML LML")),
    (View.OTHER, _words("FB XCCL XCCM XCC LMO SIO ISO")),
    (View.FRONTAL, _words("PA AP FRONTAL FRONT")),
)
_SIDES = frozenset(("L", "R"))
# Words that stand beside a view without changing it.
_POSTURE = _words("SUPINE PRONE ERECT UPRIGHT STANDING SITTING PORTABLE BEDSIDE MOBILE")
VIEW_WORDS = frozenset[str]().union(_POSTURE, *(names for _, names in _WORDS))
"""Every word that is read as one of a view; others are free text, which may name a patient."""


def known_view(text: str) -> str:
    """Return the words of a view text that are known, in upper case; they name the same view.

    A side beside words that are not known is left out: alone it would mean a lateral view.

    >>> known_view("AP supine"), known_view("L-CC"), known_view("PA Jones"), known_view("L Jones")
    ('AP SUPINE', 'L CC', 'PA', '')
    """
    told = re.findall(r"[A-Z]+", text.upper())
    known = [word for word in told if word in VIEW_WORDS]
    return "" if len(set(told)) > 1 and _SIDES.issuperset(known) else " ".join(known)


def view_of_text(text: str) -> View | None:
    """Return the view that a text names, or None when it names none.

    >>> [view_of_text(text) for text in ("PA", "AP supine", "LL", "L-CC", "")]
    [<View.FRONTAL: 'frontal'>, <View.FRONTAL: 'frontal'>, <View.LATERAL: 'lateral'>,
     <View.CRANIO_CAUDAL: 'cc'>, None]
    """
    words = _words(text)
    if len(words) > 1:
        words -= _SIDES  # beside another word it is the side of the body, not the view
    return next((view for view, names in _WORDS if words & names), None)


def view_of_body_part(text: str) -> View | None:
    """Return LATERAL for a body part such as `CHEST LAT`, else None.

    A body part that names two views, such as `CHEST PA LAT`, speaks of the examination.

    >>> [view_of_body_part(text) for text in ("CHEST LAT", "CHEST PA/LAT", "CHEST", "LUNG L")]
    [<View.LATERAL: 'lateral'>, None, None, None]
    """
    words = _words(text) - _SIDES
    found = {view for view, names in _WORDS if words & names}
    return View.LATERAL if found == {View.LATERAL} else None


def view_of_orientation(orientation: str) -> View | None:
    r"""Return the view of an upright part of the body that Patient Orientation tells.

    The first letters say which way rows and columns run for the most part (PS3.3 section
    C.7.6.1.1.1): left-right with head-foot is a frontal picture, front-back with head-foot a
    lateral one.

    Args:
        orientation: (0020,0020), row and column direction joined by a backslash.

    >>> [view_of_orientation(text) for text in (r"L\F", r"A\F", r"F\P", r"L\P", "")]
    [<View.FRONTAL: 'frontal'>, <View.LATERAL: 'lateral'>, <View.LATERAL: 'lateral'>, None, None]
    """
    rows, _, columns = orientation.strip().upper().partition("\\")
    axes = {rows[:1], columns[:1]}
    if not axes & {"H", "F"}:
        return None
    if axes & {"L", "R"}:
        return View.FRONTAL
    return View.LATERAL if axes & {"A", "P"} else None
