"""Bytes become an instance or a refusal with a reason, whatever they are."""

import io
import os
import struct
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import (
    FileFormat,
    Kind,
    Limits,
    open_instance,
    parse_instance,
    patient_key,
)
from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused
from medclf.reasons import Reason


def image_bytes(patient_id="P1", name="Doe^Jane", **changes):
    facts = Facts(
        kind=Kind.XRAY,
        study_uid=uid_from("a"),
        series_uid=uid_from("b"),
        sop_instance_uid=uid_from("c"),
        taken_at=datetime(2026, 1, 1, tzinfo=UTC),
        view="PA",
    )
    dataset = create_image(
        np.arange(64, dtype=np.uint8).reshape(8, 8),
        subject=Subject(patient_id=patient_id, name=name),
        facts=facts,
    )
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset_bytes(dataset)


def png_bytes(columns=6, rows=5):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((rows, columns), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def reason_of(data, limits=None):
    with pytest.raises(InstanceRefused) as refusal:
        parse_instance(data, limits=limits or Limits())
    return refusal.value.reason


def test_a_dicom_image_is_read():
    data = image_bytes()
    instance = parse_instance(data)
    assert instance.format is FileFormat.DICOM
    assert instance.kind is Kind.XRAY
    assert instance.digest == digest_bytes(data)
    assert instance.study_uid == uid_from("a")
    assert instance.acquisition.view_position == "PA"


def test_a_png_has_no_kind_and_no_uids():
    instance = parse_instance(png_bytes())
    assert (instance.format, instance.kind, instance.dataset) == (FileFormat.PNG, None, None)
    assert (instance.acquisition.rows, instance.acquisition.columns) == (5, 6)
    assert instance.sop_instance_uid == ""


def test_another_modality_is_read_and_told():
    ct = image_bytes(SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
    instance = parse_instance(ct)
    assert (instance.kind, instance.acquisition.modality) == (None, "CT")


def test_no_bytes_are_an_empty_file():
    assert reason_of(b"") is Reason.FILE_EMPTY


def test_other_formats_are_unknown():
    assert reason_of(b"GIF89a" + b"\0" * 200) is Reason.FORMAT_UNKNOWN
    assert reason_of(b"\0" * 131) is Reason.FORMAT_UNKNOWN


def test_a_file_beyond_the_limit_is_too_large(tmp_path):
    path = tmp_path / "big.dcm"
    path.write_bytes(image_bytes() + b"\0" * 2000)
    with pytest.raises(InstanceRefused) as refusal:
        open_instance(path, limits=Limits(file_bytes=1024))
    assert refusal.value.reason is Reason.FILE_TOO_LARGE


def test_a_pipe_or_a_device_is_neither_waited_for_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "pipe", tmp_path / "endless", tmp_path / "loop", tmp_path / "a\0b"):
        with pytest.raises(InstanceRefused) as refusal:
            open_instance(path)
        assert refusal.value.reason is Reason.FILE_MISSING


def test_a_missing_file_or_a_folder_is_missing_and_unnamed(tmp_path):
    for path in (tmp_path / "Doe_Jane.dcm", tmp_path):
        with pytest.raises(InstanceRefused) as refusal:
            open_instance(path)
        assert refusal.value.reason is Reason.FILE_MISSING
        assert path.name not in str(refusal.value)


def test_a_png_that_claims_too_much_is_refused():
    data = bytearray(png_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    assert reason_of(bytes(data)) is Reason.PIXELS_TOO_MANY


def test_an_unknown_character_set_is_survived():
    data = image_bytes().replace(b"ISO_IR 192", b"ISO_IR 999")
    assert parse_instance(data).kind is Kind.XRAY


def test_errors_hold_no_patient_data():
    data = image_bytes(patient_id="SECRET4711", name="Hidden^Name")
    for length in range(0, len(data), 7):
        with pytest.raises(InstanceRefused) as refusal:
            parse_instance(data[:length])
        said = f"{refusal.value} {refusal.value.facts}"
        assert "SECRET4711" not in said
        assert "Hidden" not in said


def test_repr_holds_no_patient_data():
    assert "Doe" not in repr(parse_instance(image_bytes()))


def test_one_patient_has_one_key_and_another_secret_another():
    first, second = parse_instance(image_bytes()), parse_instance(image_bytes(InstanceNumber=2))
    other = parse_instance(image_bytes(patient_id="P2"))
    assert patient_key(first, secret=b"s") == patient_key(second, secret=b"s")
    assert patient_key(first, secret=b"s") != patient_key(other, secret=b"s")
    assert patient_key(first, secret=b"s") != patient_key(first, secret=b"t")
    assert len(patient_key(first, secret=b"s")) == 32


def test_the_issuer_tells_patients_apart():
    first = parse_instance(image_bytes(IssuerOfPatientID="A"))
    second = parse_instance(image_bytes(IssuerOfPatientID="B"))
    assert patient_key(first, secret=b"s") != patient_key(second, secret=b"s")


def test_a_picture_or_an_unnamed_patient_has_no_key():
    assert patient_key(parse_instance(png_bytes()), secret=b"s") == ""
    assert patient_key(parse_instance(image_bytes(PatientID="")), secret=b"s") == ""


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    with pytest.raises(InstanceRefused):
        parse_instance(data)
    with pytest.raises(InstanceRefused):
        parse_instance(b"\0" * 128 + b"DICM" + data)
