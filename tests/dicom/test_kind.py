"""The kind of picture is told from SOP class, modality and body part."""

import pytest

from medclf.dicom.kind import (
    COMPUTED_RADIOGRAPHY,
    DIGITAL_XRAY_PRESENTATION,
    DIGITAL_XRAY_PROCESSING,
    MAMMOGRAPHY_PRESENTATION,
    MAMMOGRAPHY_PROCESSING,
    OPHTHALMIC_16_BIT,
    VL_PHOTOGRAPHIC,
    VL_WHOLE_SLIDE,
    Kind,
    is_for_processing,
    kind_of,
)

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CT = "1.2.840.10008.5.1.4.1.1.2"
BREAST_TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12.1"


@pytest.mark.parametrize(
    ("sop_class", "modality", "body_part", "expected"),
    [
        (DIGITAL_XRAY_PRESENTATION, "DX", "CHEST", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "Thorax PA", Kind.XRAY),
        (COMPUTED_RADIOGRAPHY, "CR", "HAND", Kind.XRAY),  # the region is for admission to judge
        (COMPUTED_RADIOGRAPHY, "CT", "CHEST", None),
        (DIGITAL_XRAY_PROCESSING, "DX", "CHEST", Kind.XRAY),
        (MAMMOGRAPHY_PRESENTATION, "MG", "BREAST", Kind.XRAY),
        (MAMMOGRAPHY_PROCESSING, "MG", "", Kind.XRAY),
        (BREAST_TOMOSYNTHESIS, "MG", "BREAST", None),
        (ANGIOGRAPHY, "XA", "CHEST", None),
        (OPHTHALMIC_16_BIT, "OP", "Cornea", None),
        (VL_PHOTOGRAPHIC, "OP", "", Kind.FUNDUS),
        (VL_PHOTOGRAPHIC, "XC", "RETINA", Kind.FUNDUS),
        (VL_PHOTOGRAPHIC, "XC", "Right eye", Kind.FUNDUS),
        (VL_PHOTOGRAPHIC, "", "RETINA", Kind.FUNDUS),
        (VL_PHOTOGRAPHIC, "CR", "EYE", None),
        (VL_PHOTOGRAPHIC, "XC", "EYELID", None),
        (VL_PHOTOGRAPHIC, "XC", "SKIN", None),
        (VL_PHOTOGRAPHIC, "XC", "", None),
        (OPHTHALMIC_16_BIT, "OP", "", Kind.FUNDUS),
        (VL_WHOLE_SLIDE, "SM", "", Kind.PATHOLOGY),
        (SECONDARY_CAPTURE, "DX", "", Kind.XRAY),
        (SECONDARY_CAPTURE, "RG", "", Kind.XRAY),
        (SECONDARY_CAPTURE + ".4", "OP", "", Kind.FUNDUS),
        (SECONDARY_CAPTURE + ".1", "DX", "", None),  # a single bit a pixel
        (SECONDARY_CAPTURE, "OT", "", None),
        (SECONDARY_CAPTURE, "", "", None),
        (CT, "CT", "CHEST", None),
        ("", "", "", None),
    ],
)
def test_kind_is_told_from_the_header(sop_class, modality, body_part, expected):
    found = kind_of(sop_class_uid=sop_class, modality=modality, body_part=body_part)
    assert found is expected


@pytest.mark.parametrize(
    ("sop_class", "intent", "expected"),
    [
        (DIGITAL_XRAY_PROCESSING, "", True),
        (MAMMOGRAPHY_PROCESSING, "FOR PRESENTATION", True),
        (DIGITAL_XRAY_PRESENTATION, "FOR PROCESSING", True),
        (DIGITAL_XRAY_PRESENTATION, "FOR PRESENTATION", False),
        (COMPUTED_RADIOGRAPHY, "", False),
    ],
)
def test_raw_detector_data_is_told_by_class_or_by_intent(sop_class, intent, expected):
    assert is_for_processing(sop_class_uid=sop_class, presentation_intent=intent) is expected
