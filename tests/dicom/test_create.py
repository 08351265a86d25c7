"""Made objects are valid, repeatable, and give back the very pixels they were made of."""

import subprocess
from datetime import UTC, date, datetime

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import parse_instance
from medclf.dicom.kind import Kind
from medclf.errors import DicomMisuse

WHO = Subject(
    patient_id="P-1", sex="F", birth_date=date(1980, 1, 2), age_years=45.9, name="Müller^Zoë"
)


def facts(kind, **more):
    return Facts(
        kind=kind,
        study_uid=uid_from("study"),
        series_uid=uid_from("series"),
        sop_instance_uid=uid_from("image"),
        taken_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        **more,
    )


def picture(bits=8, *, colour=False):
    shape = (31, 47, 3) if colour else (31, 47)
    dtype = np.uint8 if bits == 8 else np.uint16
    array = np.random.default_rng(bits).integers(0, 1 << bits, shape).astype(dtype)
    array.flat[:2] = (0, (1 << bits) - 1)
    return array


CASES = [
    (Kind.XRAY, "MONOCHROME2", 8, "PA", False),
    (Kind.XRAY, "MONOCHROME1", 8, "", False),
    (Kind.XRAY, "MONOCHROME1", 12, "AP", False),
    (Kind.XRAY, "MONOCHROME2", 16, "LL", False),
    (Kind.FUNDUS, "MONOCHROME2", 8, "", True),
    (Kind.FUNDUS, "MONOCHROME2", 8, "", False),
    (Kind.PATHOLOGY, "MONOCHROME2", 8, "", True),
]


def made(case, **more):
    kind, photometric, bits, view, colour = case
    array = picture(bits, colour=colour)
    told = facts(kind, photometric=photometric, bits_stored=bits, view=view, **more)
    return array, dataset_bytes(create_image(array, subject=WHO, facts=told))


@pytest.mark.peer
@pytest.mark.parametrize("case", CASES)
def test_dciodvfy_finds_no_error(case, program, tmp_path):
    verifier = program("dciodvfy")
    _, data = made(case, lossy_ratio=11.5, derivation="Converted from JPEG; spacing is nominal")
    path = tmp_path / "made.dcm"
    path.write_bytes(data)
    said = subprocess.run([verifier, "-new", str(path)], capture_output=True, check=False)
    assert b"Error" not in said.stderr + said.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_display_pipeline_gives_back_the_same_pixels(case):
    array, data = made(case)
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
    shown = dataset.pixel_array
    if case[0] is Kind.XRAY:
        shown = apply_voi_lut(apply_modality_lut(shown, dataset), dataset)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = (1 << case[2]) - 1 - shown
    assert np.abs(np.asarray(shown, np.float64) - array).max() < 1e-9


@pytest.mark.parametrize("case", CASES)
def test_what_is_made_reads_back_as_its_kind(case):
    _, data = made(case, station="ROOM1", laterality="")
    instance = parse_instance(data)
    assert instance.kind is case[0]
    assert instance.acquisition.view_position == case[3]
    assert instance.acquisition.site == "ROOM1"
    assert (instance.acquisition.sex, instance.acquisition.age_years) == ("F", 45.0)
    assert instance.acquisition.laterality == ""
    assert (instance.sop_instance_uid, instance.study_uid) == (uid_from("image"), uid_from("study"))


def test_the_same_facts_give_the_same_bytes():
    assert made(CASES[0])[1] == made(CASES[0])[1]


def test_a_baby_is_aged_in_months():
    dataset = create_image(
        picture(), subject=Subject(patient_id="P", age_years=0.5), facts=facts(Kind.XRAY)
    )
    assert dataset.PatientAge == "006M"


def test_an_odd_number_of_bytes_is_padded():
    dataset = create_image(np.zeros((3, 3), np.uint8), subject=WHO, facts=facts(Kind.XRAY))
    assert len(dataset.PixelData) == 10
    assert parse_instance(dataset_bytes(dataset)).acquisition.rows == 3


@pytest.mark.parametrize(
    ("array", "more"),
    [
        (np.zeros((4, 4), np.float32), {}),
        (np.zeros((4, 4, 3), np.uint8), {}),
        (np.zeros((4, 4, 4), np.uint8), {"kind": Kind.FUNDUS}),
        (np.zeros((0, 4), np.uint8), {}),
        (np.zeros((4, 4), np.uint16), {}),
        (np.zeros((4, 4), np.uint8), {"bits_stored": 12}),
        (np.full((4, 4), 4096, np.uint16), {"bits_stored": 12}),
        (np.zeros((4, 4), np.uint16), {"bits_stored": 16, "kind": Kind.FUNDUS}),
        (np.zeros((4, 4), np.uint8), {"photometric": "RGB"}),
        (np.zeros((4, 4), np.uint8), {"view": "SIDEWAYS"}),
        (np.zeros((4, 4), np.uint8), {"body_part": "HAND"}),
        (np.zeros((4, 4), np.uint8), {"laterality": "X"}),
        (np.zeros((4, 4), np.uint8), {"accession_number": "x" * 17}),
    ],
)
def test_what_does_not_fit_is_misuse(array, more):
    kind = more.pop("kind", Kind.XRAY)
    with pytest.raises(DicomMisuse):
        create_image(array, subject=WHO, facts=facts(kind, **more))


@pytest.mark.parametrize("patient_id", ["", "x" * 65, "a\\b"])
def test_a_patient_number_that_cannot_be_stored_is_misuse(patient_id):
    with pytest.raises(DicomMisuse):
        create_image(picture(), subject=Subject(patient_id=patient_id), facts=facts(Kind.XRAY))
