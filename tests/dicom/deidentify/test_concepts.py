"""A code is trusted when PS3.16 lists it, its meaning never."""

import pytest

from medclf.dicom.deidentify.concepts import REPLACEMENT, concept_for
from medclf.dicom.deidentify.options import BASIC, METHODS


@pytest.mark.parametrize(("code", "meaning"), [BASIC, *METHODS.values()])
def test_the_codes_of_methods_are_those_of_ps3_16(code, meaning):
    assert concept_for(code, "DCM").meaning == meaning


def test_old_snomed_codes_are_known():
    assert concept_for("T-D3000", "SRT").meaning == concept_for("51185008", "SCT").meaning
    assert concept_for("T-D3000", "SRT").value == "T-D3000"


@pytest.mark.parametrize(
    ("value", "scheme"), [("4711", "99LOCAL"), ("19570312", "SCT"), ("51185008", "SMITH"), ("", "")]
)
def test_any_other_code_is_replaced(value, scheme):
    assert concept_for(value, scheme) is REPLACEMENT
