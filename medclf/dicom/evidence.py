"""The part of an image's header that a report about it inherits, made safe to copy.

Real headers miss attributes that a report must carry (type 2: present, maybe empty)
or hold values outside the standard. Those become empty here; nothing is invented.
"""

import re

from highdicom.sr import ImageLibrary
from pydicom.dataset import Dataset

from medclf.dicom.reading import CONVERSION_FAULTS, text_of

_BULK = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010})
# What a report always carries of patient and study (PS3.3 sections C.7.1.1 and C.7.2.1), and
# what a value must look like to be taken over.
_ALWAYS = {
    "PatientName": re.compile(".*"),
    "PatientID": re.compile(".*"),
    "AccessionNumber": re.compile(".*"),
    "StudyID": re.compile(".*"),
    "ReferringPhysicianName": re.compile(".*"),
    "PatientBirthDate": re.compile(r"\d{8}"),
    "StudyDate": re.compile(r"\d{8}"),
    "StudyTime": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
    "PatientSex": re.compile("[FMO]"),
}


def evidence_of(dataset: Dataset) -> Dataset:
    """Return the readable public attributes of a header, without the pixels."""
    evidence = Dataset()
    for tag in list(dataset.keys()):
        if tag.is_private or tag in _BULK:
            continue
        try:
            evidence.add(dataset[tag])
        except CONVERSION_FAULTS:
            continue
    for keyword, form in _ALWAYS.items():
        value = text_of(evidence, keyword)
        if keyword not in evidence or not form.fullmatch(value):
            setattr(evidence, keyword, "")
    return evidence


def library_view_of(evidence: Dataset) -> Dataset:
    """Return what an Image Library entry (PS3.16 TID 1601) can be made of.

    The spacing and orientation that TID 1603 and 1604 ask of X-rays and sections are
    missing from many real headers. Then the entry tells only what every image has.
    """
    try:
        ImageLibrary([evidence])
    except CONVERSION_FAULTS:
        plain = Dataset()
        for keyword in ("SOPClassUID", "SOPInstanceUID", "Rows", "Columns"):
            plain.add(evidence[keyword])
        plain.Modality = "OT"
        return plain
    return evidence
