from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.cohort.case import Case, Refusal
from medclf.cohort.examine import Examiner, table_pseudonym
from medclf.cohort.labels import LabelRow
from medclf.cohort.sources import Candidate
from medclf.dicom.codes import code_item
from medclf.dicom.instance import Instance, Kind, Limits, open_instance, patient_key
from medclf.reasons import Reason


def no_objection(instance: Instance) -> tuple[Reason, ...]:
    return ()


@pytest.fixture
def examiner(tmp_path: Path, secret: bytes) -> Callable[..., Examiner]:
    def make(**by_uid: LabelRow) -> Examiner:
        return Examiner(
            base=tmp_path,
            by_uid={row.sop_instance_uid: row for row in by_uid.values()},
            labelled=True,
            kind=Kind.XRAY,
            limits=Limits(),
            secret=secret,
            check=no_objection,
        )

    return make


def test_table_and_header_give_one_patient_one_pseudonym(
    tmp_path: Path, write_dicom: Callable[..., Path], secret: bytes
) -> None:
    instance = open_instance(write_dicom(tmp_path / "a.dcm", PatientID="12345"))
    assert table_pseudonym("12345", secret=secret) == patient_key(instance, secret=secret)
    assert table_pseudonym("12345", secret=b"another") != patient_key(instance, secret=secret)
    assert table_pseudonym("", secret=secret) == ""


def test_a_file_name_that_is_not_utf8_is_refused(examiner: Callable[..., Examiner]) -> None:
    outcome = examiner().examine(Candidate("caf\udce9.png", LabelRow(2, "x"))).outcome
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.MALFORMED


def test_a_path_row_and_a_uid_row_must_agree(
    tmp_path: Path, write_dicom: Callable[..., Path], examiner: Callable[..., Examiner]
) -> None:
    uid = open_instance(write_dicom(tmp_path / "a.dcm")).sop_instance_uid
    candidate = Candidate("a.dcm", LabelRow(2, "x"))
    agreeing = examiner(row=LabelRow(3, "x", sop_instance_uid=uid)).examine(candidate)
    assert isinstance(agreeing.outcome, Case)
    outcome = examiner(row=LabelRow(3, "y", sop_instance_uid=uid)).examine(candidate).outcome
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.LABEL_CONFLICT
    assert "Lines 2 and 3" in outcome.message


@pytest.mark.parametrize(
    ("by_path", "by_uid", "named"),
    [
        ({"findings": (1, 0)}, {"findings": (0, 1)}, "findings"),
        ({"part": "train"}, {"part": "test"}, "part"),
        ({"sex": "F", "age_years": 40.0}, {"sex": "M", "age_years": 60.0}, "sex, age_years"),
        ({"patient_id": "P1"}, {"patient_id": "P2"}, "patient_id"),
    ],
)
def test_a_path_row_and_a_uid_row_must_agree_in_all_they_say(
    tmp_path: Path,
    write_dicom: Callable[..., Path],
    examiner: Callable[..., Examiner],
    by_path: dict[str, object],
    by_uid: dict[str, object],
    named: str,
) -> None:
    uid = open_instance(write_dicom(tmp_path / "a.dcm")).sop_instance_uid
    label = "" if "findings" in by_path else "x"
    path = str(tmp_path / "a.dcm")
    candidate = Candidate("a.dcm", LabelRow(2, label, path=path, **by_path))
    row = LabelRow(3, label, sop_instance_uid=uid, **by_uid)
    outcome = examiner(row=row).examine(candidate).outcome
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.LABEL_CONFLICT
    assert f"Lines 2 and 3 of the table give it different values of {named}." in outcome.message


def test_a_file_of_another_instance_uid_than_recorded_is_refused(
    tmp_path: Path, write_dicom: Callable[..., Path], examiner: Callable[..., Examiner]
) -> None:
    write_dicom(tmp_path / "a.dcm")
    row = LabelRow(2, "x", sop_instance_uid="1.2.3")
    outcome = examiner().examine(Candidate("a.dcm", row)).outcome
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.FILE_CHANGED


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"AcquisitionDateTime": "20210309120000", "StudyDate": "20200101"}, "2021-03"),
        ({"AcquisitionDate": "20210411", "StudyDate": "20200101"}, "2021-04"),
        ({"StudyDate": "20200517"}, "2020-05"),
        ({"AcquisitionDate": "", "StudyDate": "20200517"}, "2020-05"),
        ({"AcquisitionDate": "00000000", "StudyDate": "20200517"}, "2020-05"),
        ({}, ""),
    ],
)
def test_the_header_tells_the_month_and_never_the_day(
    tmp_path: Path,
    write_dicom: Callable[..., Path],
    examiner: Callable[..., Examiner],
    elements: dict[str, str],
    expected: str,
) -> None:
    write_dicom(tmp_path / "a.dcm", **elements)
    found = examiner().examine(Candidate("a.dcm", LabelRow(2, "x"))).outcome
    said = examiner().examine(Candidate("a.dcm", LabelRow(2, "x", taken_on="1999-12"))).outcome
    assert isinstance(found, Case)
    assert isinstance(said, Case)
    assert (found.taken_on, said.taken_on) == (expected, "1999-12")


def test_findings_stand_in_for_a_label(
    tmp_path: Path, write_png: Callable[..., Path], examiner: Callable[..., Examiner]
) -> None:
    write_png(tmp_path / "a.png")
    outcome = examiner().examine(Candidate("a.png", LabelRow(2, "", findings=(-2, -1)))).outcome
    assert isinstance(outcome, Case)
    assert (outcome.label, outcome.findings) == ("", (-2, -1))


@pytest.mark.parametrize(
    ("elements", "view"),
    [
        ({"ViewPosition": "PA Jones"}, "PA"),
        ({"ViewPosition": "Jones"}, ""),
        ({"ViewCodeSequence": [code_item("1234", "99X", "Jones, Mary")]}, ""),
        ({"ViewPosition": "AP supine"}, "AP SUPINE"),
    ],
)
def test_the_view_of_a_case_holds_no_free_text_of_the_header(
    tmp_path: Path,
    write_dicom: Callable[..., Path],
    examiner: Callable[..., Examiner],
    elements: dict[str, object],
    view: str,
) -> None:
    write_dicom(tmp_path / "a.dcm", **elements)
    outcome = examiner().examine(Candidate("a.dcm", LabelRow(2, "x"))).outcome
    assert isinstance(outcome, Case)
    assert outcome.view == view
