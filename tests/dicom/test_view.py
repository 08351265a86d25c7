"""Frontal, lateral and mammographic views are told apart by text, code and orientation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr.codedict import codes

from medclf.dicom.view import (
    VIEW_BY_CODE,
    View,
    known_view,
    view_of_body_part,
    view_of_orientation,
    view_of_text,
)

# What the members of CID 4010 mean to a study of frontal chest films or of mammograms.
EXPECTED = {
    "AnteroPosterior": View.FRONTAL,
    "PosteroAnterior": View.FRONTAL,
    "Frontal": View.FRONTAL,
    "LeftLateral": View.LATERAL,
    "RightLateral": View.LATERAL,
    "LateralProjection": View.LATERAL,
    "Sagittal": View.LATERAL,
    "LeftAnteriorOblique": View.OBLIQUE,
    "RightPosteriorOblique": View.OBLIQUE,
    "FrontalOblique": View.OBLIQUE,
    "LateralOblique": View.OBLIQUE,
    "AxialProjection": View.OTHER,
    "CranioCaudal": View.CRANIO_CAUDAL,
    "MedioLateralObliqueProjection": View.MEDIO_LATERAL_OBLIQUE,
    "MedioLateralProjection": View.MEDIO_LATERAL,
    "CaudoCranial": View.OTHER,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_view_code_means_its_view(name):
    code = getattr(codes.cid4010, name)
    assert view_of_text(VIEW_BY_CODE[code.value]) is EXPECTED[name]


def test_every_mammographic_code_is_known():
    for name in cid_concepts[4014]["SCT"]:
        assert getattr(codes.cid4014, name).value in VIEW_BY_CODE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PA", View.FRONTAL),
        ("ap", View.FRONTAL),
        ("AP PORTABLE", View.FRONTAL),
        ("PA ERECT L", View.FRONTAL),
        ("LL", View.LATERAL),
        ("LAT", View.LATERAL),
        ("L", View.LATERAL),
        ("PA LAT", View.LATERAL),
        ("LLD", View.OTHER),
        ("AP AXIAL", View.OTHER),
        ("AP LORDOTIC", View.OTHER),
        ("RAO", View.OBLIQUE),
        ("R-MLO", View.MEDIO_LATERAL_OBLIQUE),
        ("LCC", View.CRANIO_CAUDAL),
        ("XCCL", View.OTHER),
        ("ERECT", None),
        ("", None),
    ],
)
def test_a_text_names_a_view(text, expected):
    assert view_of_text(text) is expected


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (r"L\F", View.FRONTAL),
        (r"R\F", View.FRONTAL),
        (r"F\R", View.FRONTAL),
        (r"LA\FP", View.FRONTAL),
        (r"A\F", View.LATERAL),
        (r"P\F", View.LATERAL),
        (r"F\A", View.LATERAL),
        (r"PL\F", View.LATERAL),
        (r"L\P", None),
        (r"F\H", None),
        (r"\F", None),
        ("A", None),
        ("", None),
    ],
)
def test_an_orientation_tells_frontal_from_lateral(orientation, expected):
    assert view_of_orientation(orientation) is expected


def test_a_body_part_with_two_views_names_none():
    assert view_of_body_part("CHEST LATERAL") is View.LATERAL
    assert view_of_body_part("CHEST PA AND LAT") is None
    assert view_of_body_part("CHEST PA") is None


WORDS = ["PA", "ap", "LL", "CC", "mlo", "LAT", "OBLIQUE", "L", "r", "SUPINE", "Jones", "12"]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=4), st.sampled_from(" ,-^"))
def test_the_known_words_of_a_view_name_the_view_that_the_text_names(words, between):
    text = between.join(words)
    assert view_of_text(known_view(text)) is view_of_text(text)
    assert "JONES" not in known_view(text)


def test_the_text_of_every_code_names_a_view_by_its_known_words():
    for text in VIEW_BY_CODE.values():
        assert view_of_text(known_view(text)) is view_of_text(text) is not None
