import pytest

from medclf.dicom.kind import COMPUTED_RADIOGRAPHY, kind_of
from medclf.dicom.modality import UNKNOWN_MODALITY, modality_of


@pytest.mark.parametrize("text", ["CR", "dx", "MG", "RG", "OP", "SM", "GM", "XC", "OT", "SC", "CT"])
def test_a_modality_stays(text: str) -> None:
    assert modality_of(text) == text.upper()


@pytest.mark.parametrize("text", ["JONES", "19570312", "CR JONES", "?"])
def test_what_is_no_modality_is_not_repeated(text: str) -> None:
    assert modality_of(text) == UNKNOWN_MODALITY


def test_an_unknown_modality_agrees_with_no_class_as_its_text_did_not() -> None:
    for modality in ("JONES", modality_of("JONES")):
        found = kind_of(sop_class_uid=COMPUTED_RADIOGRAPHY, modality=modality, body_part="")
        assert found is None
