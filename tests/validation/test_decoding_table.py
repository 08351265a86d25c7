"""Every file that others decode is decoded here, and equal to what they give."""

from pathlib import Path

import pydicom
import pytest

from validation.decoding_table import as_csv, as_markdown, compare, compare_all, files

OWN = Path(pydicom.__file__).parent / "data" / "test_files"


def test_files_that_come_with_pydicom_are_equal_to_what_others_decode():
    rows = compare_all(path for path in sorted(OWN.glob("*.dcm")))
    assert [row.fault for row in rows if row.fault] == []
    assert sum("equal" in row.others.values() for row in rows) >= 50


@pytest.mark.shared
@pytest.mark.slow
def test_real_files_are_equal_to_what_others_decode(shared_data):
    rows = compare_all(files(shared_data / "dicom"))
    assert [row.fault for row in rows if row.fault] == []
    assert sum("equal" in row.others.values() for row in rows) >= 200
    assert sum(row.accepted == "yes" and bool(row.decoder) for row in rows) >= 200


def test_damaged_file_is_told_with_its_reason():
    row = compare(OWN / "MR_truncated.dcm")
    assert (row.accepted, row.decoder, row.why_not) == ("truncated", "", "truncated")


def test_tables_hold_every_file_and_no_place_of_this_machine():
    rows = compare_all(path for path in [OWN / "MR_small.dcm", OWN / "README.txt"])
    assert "data/test_files/MR_small.dcm" in as_csv(rows)
    assert "`format_unknown` 1" in as_markdown(rows)
    assert str(OWN) not in as_csv(rows) + as_markdown(rows)
