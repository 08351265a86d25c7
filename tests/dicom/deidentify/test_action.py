"""Compound actions become the one that keeps the object valid."""

import pytest
from pydicom.datadict import tag_for_keyword

from medclf.dicom.deidentify.action import Action, action_for
from medclf.dicom.deidentify.options import Deidentification

CR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.4.1"
NONE = Deidentification()
ALL = Deidentification(
    retain_device=True, modify_dates=True, clean_descriptors=True, retain_patient=True
)


@pytest.mark.parametrize(
    ("keyword", "sop_class", "options", "expected"),
    [
        ("StationName", CR, NONE, (Action.REMOVE, Action.REMOVE)),  # X/Z/D of Type 3
        ("DeviceSerialNumber", ENHANCED_MR, NONE, (Action.DUMMY, Action.DUMMY)),  # of Type 1
        ("ContentDate", CR, NONE, (Action.EMPTY, Action.EMPTY)),  # Z/D of Type 2C
        ("ContentDate", ENHANCED_MR, NONE, (Action.DUMMY, Action.DUMMY)),
        ("ContentDate", ENHANCED_MR, ALL, (Action.CLEAN, Action.DUMMY)),
        ("StationName", CR, ALL, (Action.KEEP, Action.REMOVE)),
        ("SeriesDescription", CR, ALL, (Action.CLEAN, Action.REMOVE)),
        ("PatientAge", CR, ALL, (Action.SCREEN, Action.REMOVE)),
        ("DateOfLastCalibration", CR, ALL, (Action.CLEAN, Action.REMOVE)),  # K and C: C decides
        ("StudyInstanceUID", CR, ALL, (Action.UID, Action.DUMMY)),
        ("ReferencedImageSequence", CR, NONE, (Action.UID, Action.REMOVE)),
        ("Manufacturer", CR, NONE, (Action.SCREEN, Action.EMPTY)),
        ("Manufacturer", CR, ALL, (Action.KEEP, Action.EMPTY)),
        ("BodyPartExamined", CR, NONE, (Action.SCREEN, Action.EMPTY)),  # Type 2 there
        ("ScanOptions", CR, NONE, (Action.SCREEN, Action.REMOVE)),
    ],
)
def test_the_type_decides_among_the_actions_of_a_row(keyword, sop_class, options, expected):
    tag = tag_for_keyword(keyword)
    assert action_for(tag, parent=0, sop_class=sop_class, options=options) == expected


def test_where_the_type_is_unknown_the_strongest_form_is_taken():
    tag = tag_for_keyword("StationName")
    assert action_for(tag, parent=0x00091001, sop_class=CR, options=NONE)[0] is Action.DUMMY
