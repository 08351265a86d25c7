"""Attributes are read without trusting their values, and without repeating them."""

import io
import warnings

import pydicom
import pytest
from pydicom.dataset import Dataset

from medclf.dicom.codes import code_item
from medclf.dicom.reading import all_of, code_of, number_of, text_of


def parsed(dataset):
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=False, little_endian=True)
    stream.seek(0)
    return pydicom.dcmread(stream, force=True)


@pytest.fixture
def damaged():
    dataset = Dataset()
    dataset.PatientBirthDate = "19800102"
    dataset.Rows = 4
    dataset.NumberOfFrames = 3
    dataset.PatientOrientation = ["L", "F"]
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=False, little_endian=True)
    return pydicom.dcmread(
        io.BytesIO(stream.getvalue().replace(b"19800102", b"1980/1/2")), force=True
    )


def test_a_wrong_date_is_never_repeated_in_a_warning(damaged):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert text_of(damaged, "PatientBirthDate") == "1980/1/2"


def test_numbers_and_lists_are_read(damaged):
    assert number_of(damaged, "Rows", absent=0) == 4
    assert number_of(damaged, "NumberOfFrames", absent=1) == 3
    assert number_of(damaged, "Columns", absent=7) == 7
    assert all_of(damaged, "PatientOrientation") == "L\\F"
    assert text_of(damaged, "PatientOrientation") == "L"


def test_what_is_absent_or_of_the_wrong_type_is_empty():
    dataset = parsed(Dataset())
    assert text_of(dataset, "Modality") == ""
    assert all_of(dataset, "PatientOrientation") == ""
    assert code_of(dataset, "ViewCodeSequence") == ("", "")


def test_a_code_is_read_as_value_and_meaning():
    dataset = Dataset()
    dataset.ViewCodeSequence = [code_item("399348003", "SCT", "antero-posterior")]
    assert code_of(parsed(dataset), "ViewCodeSequence") == ("399348003", "antero-posterior")
