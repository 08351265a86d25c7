from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.dicom.admission import objection_to
from medclf.dicom.instance import Kind, open_instance
from medclf.reasons import Reason

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({}, None),
        ({"ViewPosition": "PA"}, None),
        ({"SOPClassUID": CT, "Modality": "CT"}, Reason.KIND_WRONG),
        ({"BodyPartExamined": "HAND"}, Reason.KIND_WRONG),
        ({"SOPClassUID": SECONDARY, "Modality": "OT"}, Reason.KIND_UNKNOWN),
        ({"ViewPosition": "LL"}, Reason.VIEW_UNSUPPORTED),
        ({"ViewPosition": "LATERAL"}, Reason.VIEW_UNSUPPORTED),
        ({"NumberOfFrames": 2, "PixelData": bytes(4800)}, Reason.MULTI_FRAME),
    ],
)
def test_the_header_decides_what_belongs_to_a_chest_study(
    tmp_path: Path,
    write_dicom: Callable[..., Path],
    elements: dict[str, object],
    reason: Reason | None,
) -> None:
    instance = open_instance(write_dicom(tmp_path / "a.dcm", **elements))
    objection = objection_to(instance, kind=Kind.XRAY)
    assert (objection and objection.reason) == reason


def test_a_chest_film_does_not_belong_to_a_fundus_study(
    tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    objection = objection_to(open_instance(write_dicom(tmp_path / "a.dcm")), kind=Kind.FUNDUS)
    assert objection is not None
    assert objection.reason is Reason.KIND_WRONG
    assert "CR" in objection.message


def test_a_png_is_taken_at_its_word_except_for_the_view_in_the_table(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    instance = open_instance(write_png(tmp_path / "a.png"))
    assert objection_to(instance, kind=Kind.FUNDUS) is None
    objection = objection_to(instance, kind=Kind.XRAY, view="LATERAL")
    assert objection is not None
    assert objection.reason is Reason.VIEW_UNSUPPORTED
