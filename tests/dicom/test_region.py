"""The region of the body is told word by word, and from codes that pydicom's dictionary knows."""

import pytest
from pydicom.sr.codedict import codes

from medclf.dicom.region import REGION_BY_CODE, Region, region_of, shows_front_of_eye


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
