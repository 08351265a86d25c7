"""The codes that a result object speaks: SNOMED CT and DCM where they have the concept.

What no public scheme names is written in medclf's own scheme, `99MEDCLF`, as PS3.3
section 8.2 asks: with its own identification in the object, so that nobody mistakes
it for somebody else's private code.
"""

import re

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

from medclf.dicom.region import Region
from medclf.opinion import Decision, Status
from medclf.reasons import Reason

PRIVATE_SCHEME = CodingSchemeIdentificationItem(
    designator="99MEDCLF", name="medclf labels, statuses and reasons"
)
_MEANING_LENGTH = 64  # VR LO

CERTAINTY = CodedConcept("111012", "DCM", "Certainty of Finding")
PERCENT = CodedConcept("%", "UCUM", "Percent")
PRESENCE = CodedConcept("705057003", "SCT", "Presence")
DEVICE = CodedConcept("121007", "DCM", "Device")
ARTIFICIAL_INTELLIGENCE = CodedConcept("123110", "DCM", "Artificial Intelligence")
STATUS = CodedConcept("STATUS", "99MEDCLF", "Status of the opinion")
REASON = CodedConcept("REASON", "99MEDCLF", "Reason why no opinion is given")

_PRESENCE = {
    Decision.POSITIVE: CodedConcept("52101004", "SCT", "Present"),
    Decision.NEGATIVE: CodedConcept("272519000", "SCT", "Absent"),
}
_STATUS_MEANING = {
    Status.OK: "Opinion given",
    Status.ABSTAINED: "Opinion withheld by the model",
    Status.REJECTED: "Image not one the model may read",
}
_CHEST_IMAGING = CodedConcept("413815006", "SCT", "Chest imaging")
_MAMMOGRAPHY = CodedConcept("71651007", "SCT", "Mammography")
_IMAGING = CodedConcept("363679005", "SCT", "Imaging")

# Labels as study files commonly spell them, lower case, words joined by `_`.
_FINDINGS = {
    "pneumonia": CodedConcept("233604007", "SCT", "Pneumonia"),
    "pneumothorax": CodedConcept("36118008", "SCT", "Pneumothorax"),
    "pleural_effusion": CodedConcept("60046008", "SCT", "Pleural effusion"),
    "effusion": CodedConcept("60046008", "SCT", "Pleural effusion"),
    "cardiomegaly": CodedConcept("287272002", "SCT", "Cardiomegaly"),
    "diabetic_retinopathy": CodedConcept("4855003", "SCT", "Diabetic retinopathy"),
    "adenocarcinoma": CodedConcept("254626006", "SCT", "Adenocarcinoma of lung"),
    "lung_adenocarcinoma": CodedConcept("254626006", "SCT", "Adenocarcinoma of lung"),
    "squamous": CodedConcept("254634000", "SCT", "Squamous cell carcinoma of lung"),
    "squamous_cell_carcinoma": CodedConcept("254634000", "SCT", "Squamous cell carcinoma of lung"),
    "normal": CodedConcept("17621005", "SCT", "Normal"),
}


def finding_code(label: str) -> CodedConcept:
    """Return the code of a label, from SNOMED CT where it says exactly the same.

    `referable_dr` stays private: diabetic retinopathy is not the same as the grade at
    which a patient is referred.
    """
    known = _FINDINGS.get(re.sub(r"[\s-]+", "_", label.strip().lower()))
    return known or CodedConcept(label, "99MEDCLF", label.replace("_", " ")[:_MEANING_LENGTH])


def presence_code(decision: Decision) -> CodedConcept:
    """Return Present or Absent."""
    return _PRESENCE[decision]


def status_code(status: Status) -> CodedConcept:
    """Return a status as a private code."""
    return CodedConcept(status.value, "99MEDCLF", _STATUS_MEANING[status])


def reason_code(reason: Reason) -> CodedConcept:
    """Return a reason as a private code; the value is the published one."""
    return CodedConcept(reason.value, "99MEDCLF", reason.value.replace("_", " ").capitalize())


def procedure_code(region: Region | None) -> CodedConcept:
    """Return what was reported on, as narrowly as the image's own header tells it."""
    match region:
        case Region.CHEST:
            return _CHEST_IMAGING
        case Region.BREAST:
            return _MAMMOGRAPHY
        case _:
            return _IMAGING
