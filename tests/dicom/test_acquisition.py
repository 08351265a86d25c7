"""Acquisition facts survive whatever a header holds, and name nobody."""

import dataclasses

import pytest
from pydicom.dataset import Dataset

from medclf.dicom.acquisition import acquisition_of, age_in_years
from medclf.dicom.codes import code_item


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


def test_an_unlisted_region_code_is_told_by_its_meaning():
    assert facts(AnatomicRegionSequence=[code_item("85562004", "SCT", "Hand")]).body_part == "HAND"


@pytest.mark.parametrize(
    ("side", "expected"), [("L", "L"), ("R", "R"), ("B", ""), ("U", ""), ("", "")]
)
def test_only_left_and_right_are_sides(side, expected):
    assert facts(ImageLaterality=side).laterality == expected


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
