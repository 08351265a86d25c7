"""The kind of picture is told from SOP class, modality and body part."""

import pytest

from medclf.dicom.kind import (
    COMPUTED_RADIOGRAPHY,
    DIGITAL_XRAY_PRESENTATION,
    OPHTHALMIC_16_BIT,
    VL_WHOLE_SLIDE,
    Kind,
    kind_of,
)

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize(
    ("sop_class", "modality", "body_part", "expected"),
    [
        (DIGITAL_XRAY_PRESENTATION, "DX", "CHEST", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "Thorax PA", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "HAND", None),
        (COMPUTED_RADIOGRAPHY, "CR", "CHEST ABDOMEN", None),
        (COMPUTED_RADIOGRAPHY, "CT", "CHEST", None),
        (DIGITAL_XRAY_PRESENTATION + ".1", "DX", "CHEST", None),  # for processing
        (OPHTHALMIC_16_BIT, "OP", "", Kind.FUNDUS),
        (VL_WHOLE_SLIDE, "SM", "", Kind.PATHOLOGY),
        (SECONDARY_CAPTURE, "DX", "", Kind.XRAY),
        (SECONDARY_CAPTURE + ".4", "OP", "", Kind.FUNDUS),
        (SECONDARY_CAPTURE, "OT", "", None),
        (SECONDARY_CAPTURE, "", "", None),
        (CT, "CT", "CHEST", None),
        ("", "", "", None),
    ],
)
def test_kind_is_told_from_the_header(sop_class, modality, body_part, expected):
    found = kind_of(sop_class_uid=sop_class, modality=modality, body_part=body_part)
    assert found is expected
