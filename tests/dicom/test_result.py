"""An opinion becomes a valid structured report from which the same opinion can be read."""

import io
import itertools
import subprocess
from datetime import UTC, datetime, timedelta, timezone

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image

from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import Kind, open_instance, parse_instance
from medclf.dicom.result import NOT_RELEASED, ModelIdentity, opinion_sr
from medclf.dicom.vocabulary import CERTAINTY, PRESENCE, REASON, STATUS
from medclf.errors import DicomMisuse
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason

MODEL = ModelIdentity("chest", "1.2", "sha256:" + "ab" * 32, "A hospital")
NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
FINDINGS = (
    Finding("pneumonia", 0.1234567890123456, Decision.NEGATIVE, "youden", 0.3),
    Finding("referable_dr", 1 / 3, Decision.POSITIVE, "sensitivity>=0.95", 0.2),
)


def source(kind=Kind.XRAY, **changes):
    shape = (16, 12) if kind is Kind.XRAY else (16, 12, 3)
    facts = Facts(
        kind=kind,
        study_uid=uid_from("study"),
        series_uid=uid_from("series"),
        sop_instance_uid=uid_from("image"),
        taken_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        view="PA" if kind is Kind.XRAY else "",
    )
    subject = Subject(patient_id="P1", name="Müller^Zoë", sex="F")
    dataset = create_image(np.zeros(shape, np.uint8), subject=subject, facts=facts)
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return parse_instance(dataset_bytes(dataset))


def opinion_on(instance, **more):
    values = {"status": Status.OK, "findings": FINDINGS, "audit_sequence": 7} | more
    return Opinion(package=MODEL.digest, instance=instance.digest, **values)


def written(instance, opinion, now=NOW):
    numbers = itertools.count()
    document = opinion_sr(
        opinion, instance, model=MODEL, now=now, uid=lambda: uid_from(f"uid {next(numbers)}")
    )
    return dataset_bytes(document)


def read(data):
    return highdicom.sr.Comprehensive3DSR.from_dataset(pydicom.dcmread(io.BytesIO(data)))


def groups(document):
    root = highdicom.sr.MeasurementReport.from_sequence([document.content[0]])
    return root.get_image_measurement_groups()


def parameters(group):
    found = highdicom.sr.utils.find_content_items(
        group[0], name=highdicom.sr.CodedConcept("111002", "DCM", "Algorithm Parameters")
    )
    return dict(item.TextValue.split("=", 1) for item in found if "=" in item.TextValue)


ABSTAINED = {"status": Status.ABSTAINED, "findings": (), "reasons": (Reason.UNLIKE_TRAINING,)}
REJECTED = {
    "status": Status.REJECTED,
    "findings": (),
    "reasons": (Reason.KIND_WRONG, Reason.TRANSFER_SYNTAX_UNSUPPORTED),
}


@pytest.mark.peer
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("more", [{}, ABSTAINED, REJECTED])
def test_dciodvfy_finds_no_error(kind, more, program, tmp_path):
    verifier = program("dciodvfy")
    instance = source(kind)
    path = tmp_path / "sr.dcm"
    path.write_bytes(written(instance, opinion_on(instance, **more)))
    said = subprocess.run([verifier, "-new", str(path)], capture_output=True, check=False)
    assert b"Error" not in said.stderr + said.stdout


def test_probability_decision_and_package_come_back_equal():
    instance = source()
    found = groups(read(written(instance, opinion_on(instance))))
    assert len(found) == len(FINDINGS)
    for group, finding in zip(found, FINDINGS, strict=True):
        (certainty,) = group.get_measurements(name=CERTAINTY)
        assert certainty.value / 100 == pytest.approx(finding.probability, abs=1e-12)
        told = parameters(group)
        assert float(told["probability"]) == finding.probability
        assert float(told["threshold"]) == finding.threshold
        assert told["operating_point"] == finding.operating_point
        assert told["package"] == MODEL.digest
        assert told["audit_sequence"] == "7"
        assert group.tracking_identifier == finding.label
        (presence,) = group.get_qualitative_evaluations(name=PRESENCE)
        assert (
            presence.value.value
            == {
                Decision.POSITIVE: "52101004",
                Decision.NEGATIVE: "272519000",
            }[finding.decision]
        )


def test_the_pixel_rules_stand_among_the_parameters():
    instance = source()
    told = read(written(instance, opinion_on(instance, pixels="medclf-pixels/1")))
    assert all(parameters(group)["pixels"] == "medclf-pixels/1" for group in groups(told))


@pytest.mark.parametrize(
    ("body_part", "expected"),
    [("CHEST", "413815006"), ("BREAST", "71651007"), ("HAND", "363679005")],
)
def test_what_was_reported_on_follows_the_body_part(body_part, expected):
    instance = source(BodyPartExamined=body_part)
    document = read(written(instance, opinion_on(instance)))
    codes = [
        item.ConceptCodeSequence[0].CodeValue
        for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "121058"  # Procedure reported
    ]
    assert codes == [expected]


def test_known_labels_are_snomed_and_others_private():
    instance = source()
    first, second = groups(read(written(instance, opinion_on(instance))))
    assert (first.finding_type.value, first.finding_type.scheme_designator) == ("233604007", "SCT")
    assert second.finding_type.scheme_designator == "99MEDCLF"


@pytest.mark.parametrize("more", [ABSTAINED, REJECTED])
def test_no_opinion_is_a_report_with_reasons_and_no_certainty(more):
    instance = source()
    document = read(written(instance, opinion_on(instance, **more)))
    (group,) = groups(document)
    assert group.get_measurements() == []
    (status,) = group.get_qualitative_evaluations(name=STATUS)
    reasons = group.get_qualitative_evaluations(name=REASON)
    said = [item.value.value for item in (status, *reasons)]
    assert said == [more["status"].value, *(reason.value for reason in more["reasons"])]


def test_the_header_is_complete_unverified_and_preliminary_in_its_own_series():
    instance = source()
    document = read(written(instance, opinion_on(instance)))
    flags = (document.CompletionFlag, document.VerificationFlag, document.PreliminaryFlag)
    assert flags == ("COMPLETE", "UNVERIFIED", "PRELIMINARY")
    assert document.StudyInstanceUID == instance.study_uid
    assert document.SeriesInstanceUID == uid_from("uid 0")
    assert document.SOPInstanceUID == uid_from("uid 1")
    assert str(document.PatientName) == "Müller^Zoë"
    assert document.DeviceSerialNumber == MODEL.digest.removeprefix("sha256:")


def test_an_unreleased_package_is_flagged():
    instance = source()
    flagged = written(instance, opinion_on(instance))
    released = written(instance, opinion_on(instance, released=True))
    assert read(flagged).SeriesDescription == NOT_RELEASED
    assert NOT_RELEASED.encode() not in released


def test_the_same_opinion_gives_the_same_bytes():
    instance = source()
    assert written(instance, opinion_on(instance)) == written(instance, opinion_on(instance))


def test_the_time_is_told_in_the_zone_of_the_study():
    instance = source(TimezoneOffsetFromUTC="-0330")
    document = read(written(instance, opinion_on(instance)))
    assert (document.ContentTime, document.TimezoneOffsetFromUTC) == ("033809", "-0330")
    assert document.ObservationDateTime == "20260506033809-0330"
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert written(instance, opinion_on(instance), elsewhere) == written(
        instance, opinion_on(instance)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"ImagerPixelSpacing": None, "PatientOrientation": ""},
        {"PatientBirthDate": None, "StudyID": None, "AccessionNumber": None, "StudyTime": None},
        {"ReferringPhysicianName": None, "PatientName": None, "PatientID": None},
    ],
)
def test_a_poor_header_still_gives_a_report(changes):
    instance = source(**changes)
    assert len(groups(read(written(instance, opinion_on(instance))))) == 2


@pytest.mark.shared
def test_real_images_give_reports(shared_data):
    made = 0
    for name in ("dx_image.dcm", "sm_image.dcm", "ct_image.dcm", "RG1_J2KI.dcm", "966.dcm"):
        instance = open_instance(next((shared_data / "dicom").rglob(name)))
        made += len(groups(read(written(instance, opinion_on(instance, **REJECTED)))))
    assert made == 5


def test_a_picture_that_is_not_dicom_is_misuse():
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(stream, "PNG")
    instance = parse_instance(stream.getvalue())
    with pytest.raises(DicomMisuse, match="dicomize"):
        written(instance, opinion_on(instance))


def test_an_opinion_about_another_image_is_misuse():
    with pytest.raises(DicomMisuse):
        written(source(), opinion_on(source(InstanceNumber=2)))


def test_an_image_without_a_study_is_misuse():
    instance = source(StudyInstanceUID="")
    with pytest.raises(DicomMisuse):
        written(instance, opinion_on(instance))


def test_a_naive_time_is_misuse():
    instance = source()
    with pytest.raises(DicomMisuse):
        written(instance, opinion_on(instance), NOW.replace(tzinfo=None))
