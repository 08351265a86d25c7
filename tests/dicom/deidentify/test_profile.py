"""The tables say what PS3.15 Table E.1-1 and PS3.3 say."""

import pytest
from pydicom.datadict import tag_for_keyword

from medclf.dicom.deidentify.profile import lines_of, rule_for, type_of

CR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.4.1"


def test_the_table_has_every_single_attribute_of_edition_2026d():
    rows = [line.split("\t") for line in lines_of("profile.tsv")]
    assert len(rows) == len({row[0] for row in rows}) == 653
    actions = {action for row in rows for action in row[1].split("/")}
    assert actions == {"D", "Z", "X", "U", "U*"}


# Read by eye from the rendered table of the standard.
@pytest.mark.parametrize(
    ("keyword", "basic", "options"),
    [
        ("PatientName", "Z", {}),
        ("PatientBirthDate", "Z", {}),
        ("AccessionNumber", "Z", {}),
        ("StudyInstanceUID", "U", {}),
        ("SeriesDescription", "X", {"descriptors": "C"}),
        ("StationName", "X/Z/D", {"device": "K"}),
        ("DeviceSerialNumber", "X/Z/D", {"device": "K"}),
        ("AcquisitionDateTime", "X/Z/D", {"dates": "C"}),
        ("ContentDate", "Z/D", {"dates": "C"}),
        ("PatientAge", "X", {"patient": "K"}),
        ("ReferencedImageSequence", "X/Z/U*", {}),
        ("ContrastBolusAgent", "Z/D", {"descriptors": "C"}),
    ],
)
def test_rows_are_those_of_the_standard(keyword, basic, options):
    rule = rule_for(tag_for_keyword(keyword))
    assert rule is not None
    assert rule.basic == frozenset(basic.split("/"))
    assert rule.options == options


def test_what_is_not_listed_has_no_rule():
    assert rule_for(tag_for_keyword("Rows")) is None
    assert rule_for(tag_for_keyword("BodyPartExamined")) is None


@pytest.mark.parametrize(
    ("keyword", "parent", "sop_class", "expected"),
    [
        ("PatientName", 0, CR, "2"),
        ("DeviceSerialNumber", 0, CR, "3"),
        ("DeviceSerialNumber", 0, ENHANCED_MR, "1"),
        ("ContentDate", 0, ENHANCED_MR, "1"),
        ("Manufacturer", 0, CR, "2"),
        ("Manufacturer", 0, ENHANCED_MR, "1"),
        ("CodeMeaning", tag_for_keyword("AnatomicRegionSequence"), CR, "1"),
        ("CodeMeaning", 0x00091001, CR, ""),
    ],
)
def test_types_depend_on_object_and_sequence(keyword, parent, sop_class, expected):
    assert type_of(tag_for_keyword(keyword), parent=parent, sop_class=sop_class) == expected
