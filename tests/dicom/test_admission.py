from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.config import parse
from medclf.dicom.admission import AdmissionRules, objection_to
from medclf.dicom.codes import code_item
from medclf.dicom.instance import Kind, open_instance
from medclf.dicom.view import View
from medclf.errors import ConfigError
from medclf.reasons import Reason

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
DX_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
RAW = {"PresentationIntentType": "FOR PROCESSING"}
SIDEWAYS = {"ViewPosition": "CC", "PatientOrientation": ["P", "F"]}  # says little of a breast
MG = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2", "Modality": "MG", "BodyPartExamined": "BREAST"}


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
        ({"ViewPosition": "RAO"}, Reason.VIEW_UNSUPPORTED),
        ({"ViewPosition": "ERECT"}, None),
        ({"BodyPartExamined": "CHEST LAT"}, Reason.VIEW_UNSUPPORTED),
        ({"BodyPartExamined": ""}, None),
        ({"PatientOrientation": ["L", "F"]}, None),
        ({"PatientOrientation": ["A", "F"]}, Reason.VIEW_UNSUPPORTED),
        ({"ViewPosition": "PA", "PatientOrientation": ["P", "F"]}, Reason.VIEW_UNSUPPORTED),
        (
            {
                "ViewPosition": "PA",
                "ViewCodeSequence": [code_item("399067008", "SCT", "lateral")],
            },
            Reason.VIEW_UNSUPPORTED,
        ),
        ({"SOPClassUID": SECONDARY, "Modality": "CR"}, Reason.SECONDARY_CAPTURE),
        ({"SOPClassUID": DX_PROCESSING, "Modality": "DX"}, Reason.FOR_PROCESSING),
        (RAW, Reason.FOR_PROCESSING),
        ({"BurnedInAnnotation": "YES"}, None),
        (MG, Reason.KIND_WRONG),
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


@pytest.mark.parametrize(
    ("elements", "rules", "reason"),
    [
        ({"SOPClassUID": SECONDARY, "Modality": "CR"}, {"secondary_capture": True}, None),
        (
            {"SOPClassUID": SECONDARY, "Modality": "OT"},
            {"secondary_capture": True},
            Reason.KIND_UNKNOWN,
        ),
        ({"SOPClassUID": DX_PROCESSING, "Modality": "DX"}, {"for_processing": True}, None),
        ({"NumberOfFrames": 2, "PixelData": bytes(4800)}, {"frame": "first"}, None),
        ({"BurnedInAnnotation": "YES"}, {"burned_in": "refuse"}, Reason.BURNED_IN_TEXT),
        ({"BurnedInAnnotation": "NO"}, {"burned_in": "refuse"}, None),
        ({"BodyPartExamined": "HAND"}, {"region": "any"}, None),
        ({"ViewPosition": "LL"}, {"region": "any"}, None),
        ({"ViewPosition": "LL"}, {"views": ["frontal", "lateral"]}, None),
        ({"ViewPosition": "LL"}, {"region": "any", "views": ["frontal"]}, Reason.VIEW_UNSUPPORTED),
        (MG, {"region": "breast"}, None),
        ({**MG, "BodyPartExamined": ""}, {"region": "breast"}, None),
        (
            {**MG, **SIDEWAYS},
            {"region": "breast"},
            None,
        ),
        ({**MG, "ViewPosition": "MLO"}, {"region": "breast"}, None),
        ({**MG, "ViewPosition": "ML"}, {"region": "breast"}, Reason.VIEW_UNSUPPORTED),
        (
            {**MG, **RAW},
            {"region": "breast"},
            Reason.FOR_PROCESSING,
        ),
        ({}, {"region": "breast"}, Reason.KIND_WRONG),
        ({"BodyPartExamined": ""}, {"region": "breast"}, Reason.KIND_UNKNOWN),
    ],
)
def test_the_rules_of_a_study_decide_what_else_is_taken(
    tmp_path: Path,
    write_dicom: Callable[..., Path],
    elements: dict[str, object],
    rules: dict[str, object],
    reason: Reason | None,
) -> None:
    instance = open_instance(write_dicom(tmp_path / "a.dcm", **elements))
    admission = parse(rules, AdmissionRules, where="admission")
    objection = objection_to(instance, kind=Kind.XRAY, rules=admission)
    assert (objection and objection.reason) == reason


def test_the_usual_views_belong_to_the_region() -> None:
    assert AdmissionRules().accepted_views == (View.FRONTAL,)
    assert AdmissionRules(region="breast").accepted_views == (
        View.CRANIO_CAUDAL,
        View.MEDIO_LATERAL_OBLIQUE,
    )
    assert set(AdmissionRules(region="any").accepted_views) == set(View)


def test_a_view_that_is_none_is_refused_in_the_rules() -> None:
    with pytest.raises(ConfigError, match="views"):
        parse({"views": ["sideways"]}, AdmissionRules, where="admission")


def test_the_table_overrules_the_views_of_the_header(
    tmp_path: Path, write_dicom: Callable[..., Path]
) -> None:
    path = write_dicom(tmp_path / "a.dcm", ViewPosition="LL", PatientOrientation=["A", "F"])
    assert objection_to(open_instance(path), kind=Kind.XRAY, view="PA") is None


@pytest.mark.parametrize(
    "elements",
    [
        {"BodyPartExamined": "JONES MARY"},
        {"SOPClassUID": CT, "Modality": "CT", "BodyPartExamined": "JONES MARY"},
        {"SOPClassUID": CT, "Modality": "JONES"},
        {"Modality": "JONES"},
        {
            "BodyPartExamined": "",
            "AnatomicRegionSequence": [code_item("1234", "99X", "Jones, Mary")],
        },
        {"ViewPosition": "LL JONES"},
    ],
)
def test_no_free_text_of_the_header_reaches_the_message(
    tmp_path: Path, write_dicom: Callable[..., Path], elements: dict[str, object]
) -> None:
    objection = objection_to(
        open_instance(write_dicom(tmp_path / "a.dcm", **elements)), kind=Kind.XRAY
    )
    assert objection is not None
    assert "JONES" not in objection.message.upper()
    assert "MARY" not in objection.message.upper()


def test_the_advice_on_a_view_fits_every_study() -> None:
    advice = Reason.VIEW_UNSUPPORTED.advice.lower()
    assert not [view for view in View if view is not View.OTHER and view in advice.split()]
    assert "film" not in advice
