"""The region of the body is told word by word, and from codes that pydicom's dictionary knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr.codedict import codes

from medclf.dicom.region import (
    REGION_BY_CODE,
    Region,
    known_part,
    region_of,
    shows_front_of_eye,
)
from medclf.dicom.view import view_of_body_part

WORDS = ["CHEST", "lung", "BREAST", "eye", "Cornea", "LAT", "PA", "L", "r", "HEAD", "Jones", "12"]


@pytest.mark.parametrize(
    ("body_part", "modality", "expected"),
    [
        ("CHEST", "", Region.CHEST),
        ("Chest 2 views", "", Region.CHEST),
        ("LUNG LEFT", "", Region.CHEST),
        ("PORTABLE CHEST", "", Region.CHEST),
        ("CHEST ABDOMEN", "", Region.OTHER),
        ("THORACIC SPINE", "", Region.OTHER),
        ("HAND", "", Region.OTHER),
        ("BREAST", "", Region.BREAST),
        ("Mammo MLO", "", Region.BREAST),
        ("", "MG", Region.BREAST),
        ("CHEST", "MG", Region.CHEST),
        ("Both eyes", "", Region.EYE),
        ("OPTIC NERVE HEAD", "", Region.OTHER),
        ("HEAD", "", Region.OTHER),
        ("", "DX", None),
        ("123", "", None),
    ],
)
def test_a_body_part_means_a_region_only_with_every_word(body_part, modality, expected):
    assert region_of(body_part, modality=modality) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (codes.cid4009.Chest, Region.CHEST),
        (codes.cid4009.Breast, Region.BREAST),
        (codes.cid4009.Eye, Region.EYE),
        (codes.cid4209.Retina, Region.EYE),
        (codes.cid4209.FoveaCentralis, Region.EYE),
        (codes.cid4209.ChoroidOfEye, Region.EYE),
    ],
)
def test_codes_of_the_standard_are_known(code, expected):
    assert region_of(REGION_BY_CODE[code.value]) is expected


@pytest.mark.parametrize(
    "name", ["Cornea", "Iris", "Lens", "Sclera", "Eyelid", "Conjunctiva", "LacrimalSac"]
)
def test_what_lies_before_the_retina_is_told_from_it(name):
    assert shows_front_of_eye(getattr(codes.cid4209, name).meaning)
    assert not shows_front_of_eye("Retina")


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=4), st.sampled_from(" ,-^"))
def test_the_known_words_of_a_body_part_mean_what_the_text_means(words, between):
    text = between.join(words)
    known = known_part(text)
    assert region_of(known) is region_of(text)
    assert region_of(known, modality="MG") is region_of(text, modality="MG")
    assert view_of_body_part(known) is view_of_body_part(text)
    assert shows_front_of_eye(known) is shows_front_of_eye(text)
    assert "JONES" not in known
