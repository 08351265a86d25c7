"""The parser sees what the scan saw: pydicom's own view on sound files, nothing more on others."""

import logging
import struct
import warnings
from io import BytesIO

import pydicom
import pytest
from pydicom.data import get_testdata_files

from medclf.dicom.instance import parse_instance, patient_key
from medclf.dicom.limits import Limits
from medclf.dicom.parsing import parse_dataset
from medclf.errors import InstanceRefused

LIMITS = Limits()
CANARY = "DOE^JOHN"


def same(data):
    try:
        ours = parse_dataset(data, LIMITS)
    except InstanceRefused:
        return None
    theirs = pydicom.dcmread(BytesIO(data))
    assert ours.file_meta == theirs.file_meta
    assert ours.original_encoding == theirs.original_encoding
    assert ours.original_character_set == theirs.original_character_set
    return ours == theirs


def test_the_data_set_is_the_one_that_pydicom_reads_by_itself():
    files = [path for path in get_testdata_files("*.dcm") if "/charset_files/" not in path]
    outcomes = []
    for path in files:
        with open(path, "rb") as stream:  # noqa: PTH123
            outcomes.append(same(stream.read()))
    assert outcomes.count(True) > 40
    assert outcomes.count(False) == 0


@pytest.mark.shared
def test_the_data_set_is_the_same_on_real_files(shared_data):
    files = [path.read_bytes() for path in (shared_data / "dicom").rglob("*.dcm")]
    outcomes = [same(data) for data in files if data[128:132] == b"DICM"]
    assert outcomes.count(True) > 80
    assert outcomes.count(False) == 0


def with_character_set(data, value):
    """Put a Specific Character Set before the first element of group 0008."""
    at = data.index(struct.pack("<HH", 0x0008, 0x0016))
    value += b" " * (len(value) % 2)
    return data[:at] + struct.pack("<HH2sH", 8, 5, b"CS", len(value)) + value + data[at:]


@pytest.mark.parametrize(
    "name",
    [CANARY.encode(), b"punycode", b"zlib", b"ISO_IR 999", b"\xff\xfe", b"\\\\\\", b"A" * 3000],
)
def test_an_unknown_character_set_neither_stops_nor_is_repeated(
    write_dicom, tmp_path, caplog, name
):
    path = write_dicom(tmp_path / "a.dcm", Manufacturer="Maker", PatientID="äöü-7")
    data = with_character_set(path.read_bytes(), name)
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        instance = parse_instance(data)
    assert instance.acquisition.manufacturer == "Maker"
    assert patient_key(instance, secret=b"s") != ""
    assert CANARY not in caplog.text + "".join(str(warning.message) for warning in told)


def test_a_known_character_set_is_still_used(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", Manufacturer="Maker")
    data = path.read_bytes().replace(b"Maker ", "Ж".encode("iso8859-5") + b"aker ")
    instance = parse_instance(with_character_set(data, b"ISO_IR 144"))
    assert instance.acquisition.manufacturer == "Жaker"


def test_group_two_cannot_make_the_parser_start_elsewhere(write_dicom, tmp_path):
    """pydicom alone rereads group 2 as implicit when its first VR is unknown, and goes astray."""
    data = write_dicom(tmp_path / "a.dcm").read_bytes()
    odd = data[:132] + data[132:].replace(b"UL\x04\x00", b"ZZ\x04\x00", 1)
    assert parse_dataset(odd, LIMITS).Rows == 40
