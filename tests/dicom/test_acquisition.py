"""Acquisition facts survive whatever a header holds, and name nobody."""

import dataclasses

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from medclf.dicom.acquisition import acquisition_of, age_in_years
from medclf.dicom.codes import code_item
from medclf.dicom.region import Region


def header(**values):
    dataset = Dataset()
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = 4, 5, 16
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def facts(**values):
    return acquisition_of(header(**values), transfer_syntax_uid="1.2.840.10008.1.2.1")


@pytest.mark.parametrize(
    ("text", "years"),
    [("045Y", 45.0), ("006M", 0.5), ("014D", 14 / 365.25), ("010W", 70 / 365.25), (" 45y", 45.0)],
)
def test_an_age_string_becomes_years(text, years):
    assert age_in_years(text) == pytest.approx(years)


@pytest.mark.parametrize("text", ["", "45", "Y", "0045Y", "abc", "-45Y"])
def test_what_is_no_age_string_is_unknown(text):
    assert age_in_years(text) is None


def test_age_falls_back_to_birth_and_study_date():
    assert facts(PatientBirthDate="19800101", StudyDate="20200101").age_years == pytest.approx(
        40, abs=0.01
    )


def test_a_placeholder_birth_date_gives_no_age():
    assert facts(PatientBirthDate="18000101", StudyDate="20200101").age_years is None


def test_an_unborn_patient_has_no_age():
    assert facts(PatientBirthDate="20300101", StudyDate="20200101").age_years is None


def test_view_and_body_part_are_told_from_codes_when_the_texts_are_absent():
    found = facts(
        ViewCodeSequence=[code_item("272479007", "SCT", "postero-anterior")],
        AnatomicRegionSequence=[code_item("51185008", "SCT", "Thorax")],
    )
    assert (found.view_position, found.body_part) == ("PA", "CHEST")


def test_an_unlisted_region_code_is_told_by_the_known_words_of_its_meaning():
    hand = facts(AnatomicRegionSequence=[code_item("85562004", "SCT", "Hand")])
    assert (hand.body_part, hand.region) == ("OTHER", Region.OTHER)
    lungs = facts(AnatomicRegionSequence=[code_item("74101002", "SCT", "Both lungs")])
    assert (lungs.body_part, lungs.region) == ("BOTH LUNGS", Region.CHEST)


def test_no_free_text_is_kept_as_modality_body_part_or_view():
    name = "Jones^Mary"
    unlisted = [code_item("1234", "99X", f"PA {name}")]
    frame, shared = Dataset(), Dataset()
    frame.AnatomicRegionSequence = unlisted
    shared.FrameAnatomySequence = [frame]
    for found in (
        facts(Modality="JONES", BodyPartExamined=name, ViewPosition=name),
        facts(AnatomicRegionSequence=unlisted, ViewCodeSequence=unlisted),
        facts(SharedFunctionalGroupsSequence=[shared], ViewPosition=f"PA {name}"),
    ):
        assert "JONES" not in repr(found).upper()
        assert found.region is Region.OTHER


@pytest.mark.parametrize(
    ("side", "expected"), [("L", "L"), ("R", "R"), ("B", ""), ("U", ""), ("", "")]
)
def test_only_left_and_right_are_sides(side, expected):
    assert facts(ImageLaterality=side).laterality == expected


def test_the_side_is_told_by_the_modifier_of_the_region_and_by_the_frame():
    region = code_item("5665001", "SCT", "Retina")
    region.AnatomicRegionModifierSequence = [code_item("7771000", "SCT", "Left")]
    assert facts(AnatomicRegionSequence=[region]).laterality == "L"
    assert facts(AnatomicRegionSequence=[region], ImageLaterality="B").laterality == ""
    anatomy, shared = Dataset(), Dataset()
    anatomy.FrameLaterality = "R"
    anatomy.AnatomicRegionSequence = [code_item("T-AA610", "SRT", "Retina")]
    shared.FrameAnatomySequence = [anatomy]
    found = facts(SharedFunctionalGroupsSequence=[shared])
    assert (found.laterality, found.body_part, found.region) == ("R", "RETINA", Region.EYE)


@pytest.mark.parametrize(
    ("values", "aspect"),
    [
        ({}, 1.0),
        ({"PixelSpacing": [0.2, 0.1]}, 2.0),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, 0.5),
        ({"PixelAspectRatio": [4, 3]}, 4 / 3),
        ({"PixelSpacing": [0.3, 0.2], "PixelAspectRatio": [1, 1]}, 1.5),
        ({"PixelSpacing": [0.139, 0.1395]}, 1.0),
        ({"PixelSpacing": [0, 0.1]}, 1.0),
        ({"PixelSpacing": [-0.1, -0.1]}, 1.0),
        ({"PixelSpacing": [100, 0.1]}, 1.0),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
    ],
)
def test_the_shape_of_a_pixel_is_told_and_absurd_ones_are_not_believed(values, aspect):
    assert facts(**values).pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize("raw", [b"0.2", b"abc\\0.1", b"1e999\\1", b"nan\\nan", b"1\\2\\3"])
def test_a_damaged_spacing_is_no_shape(raw):
    dataset = header()
    tag = Tag("PixelSpacing")
    dataset[tag] = RawDataElement(tag, "DS", len(raw), raw, 0, False, True)
    assert acquisition_of(dataset, transfer_syntax_uid="").pixel_aspect == 1.0


def test_a_profile_is_noted_where_the_optical_path_holds_it():
    path = Dataset()
    path.ICCProfile = b"profile"
    assert facts(OpticalPathSequence=[path]).icc_profile
    assert facts(ICCProfile=b"profile").icc_profile
    assert not facts().icc_profile


def test_intent_type_and_annotation_are_kept_as_the_standard_writes_them():
    found = facts(
        PresentationIntentType="For Processing",
        ImageType=["DERIVED", "PRIMARY", "", "Doe"],
        ConversionType="DF",
        BurnedInAnnotation="MAYBE",
    )
    assert found.presentation_intent == "FOR PROCESSING"
    assert found.image_type == "DERIVED\\PRIMARY\\"
    assert (found.conversion_type, found.burned_in_annotation) == ("DF", "")


def test_no_name_number_or_institution_is_kept():
    found = facts(
        PatientName="Doe^Jane",
        PatientID="4711",
        InstitutionName="St Elsewhere",
        ReferringPhysicianName="House",
        PatientBirthDate="19800102",
        StudyDate="20200101",
    )
    text = repr(dataclasses.asdict(found))
    assert not any(secret in text for secret in ("Doe", "4711", "Elsewhere", "House", "1980"))
