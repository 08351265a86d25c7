"""Coded concepts: the code says what is meant, so the text beside it need not be trusted.

A code that PS3.16 lists is kept and its meaning written anew from the list. Any other
could be anything, a patient's number under a hospital's own scheme too, and is replaced.
"""

from collections.abc import Mapping
from functools import cache

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code, snomed_mapping  # type: ignore[attr-defined]

# SNOMED-RT and SNOMED 3 codes were renamed to SNOMED CT (PS3.16 section 8.1); old files hold them.
_OLD_SNOMED = frozenset({"SRT", "SNM3", "99SDM"})
_MEANING_CHARACTERS = 64  # VR LO

REPLACEMENT = Code("REMOVED", "99MEDCLF", "Removed")
"""Stands for a concept that is not in PS3.16."""


def concept_for(value: str, scheme: str) -> Code:
    """Return a concept with the meaning that PS3.16 gives it, or `REPLACEMENT`.

    >>> concept_for("51185008", "SCT").meaning, concept_for("4711", "99LOCAL").meaning
    ('Thoracic structure (body structure)', 'Removed')
    """
    found = _known().get((scheme, value))
    if found is None and scheme in _OLD_SNOMED:
        found = _known().get(("SCT", snomed_mapping["SRT"].get(value, "")))
    if found is None:
        return REPLACEMENT
    return Code(value, scheme, found)


@cache
def _known() -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for scheme in codes.schemes():
        for concept in getattr(codes, scheme).concepts.values():
            meaning = concept.meaning.encode("ascii", "ignore").decode()[:_MEANING_CHARACTERS]
            found.setdefault((scheme, concept.value), meaning)
    return found
