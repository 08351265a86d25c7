"""Each value representation lets through what its grammar knows and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.deidentify.keys import Keys
from medclf.dicom.deidentify.values import Patient, cleaned_value, retained, screened

KEYS = Keys(b"k" * 32)
STILL, MOVED = Patient(KEYS, None), Patient(KEYS, -400)
TAG = 0x00181030


@pytest.mark.parametrize(
    ("vr", "raw", "kept"),
    [
        ("DS", b"0.14\\0.14", b"0.14\\0.14"),
        ("DS", b"1e-3 ", b"1e-3"),
        ("DS", b"Smith", None),
        ("IS", b"12", b"12"),
        ("IS", b"12 Smith", None),
        ("AS", b"045Y", b"045Y"),
        ("AS", b"095Y", b"090Y"),
        ("AS", b"095D", b"095D"),
        ("AS", b"ninety", None),
        ("CS", b"CHEST ", b"CHEST"),
        ("CS", b"CHEST\\SMITH", None),
        ("LO", b"CHEST PA", b"CHEST PA"),
        ("LO", b"CHEST SMITH", None),
        ("ST", b"CHEST\\PA", b"CHEST\\PA"),
        ("US", b"\1\0", b"\1\0"),
        ("US", b"\1", None),
        ("DA", b"20240101", None),
        ("TM", b"1200", None),
        ("PN", b"Smith^John", None),
        ("AE", b"CHEST", None),
        ("UR", b"http://chest", None),
        ("UN", b"CHEST", None),
        ("OB", b"\0\0", None),
        ("UI", b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2"),
    ],
)
def test_what_no_rule_lists(vr, raw, kept):
    assert screened(raw, tag=TAG, vr=vr, patient=STILL) == kept


def test_dates_and_times_stay_only_where_dates_may():
    assert screened(b"20240101", tag=TAG, vr="DA", patient=MOVED) == b"20221127"
    assert screened(b"120000", tag=TAG, vr="TM", patient=MOVED) == b"120000"


def test_image_type_keeps_its_defined_values():
    raw = b"ORIGINAL\\PRIMARY\\SMITH\\AXIAL\\4711\\1957"
    told = screened(raw, tag=0x00080008, vr="CS", patient=STILL)
    assert told == b"ORIGINAL\\PRIMARY\\OTHER\\AXIAL"
    assert screened(b"SMITH\\PRIMARY", tag=0x00080008, vr="CS", patient=STILL) is None


def test_an_orientation_is_letters_of_directions():
    assert screened(b"PFL\\AR ", tag=0x00200020, vr="CS", patient=STILL) == b"PFL\\AR"
    assert screened(b"PAHL\\R", tag=0x00200020, vr="CS", patient=STILL) is None


def test_a_description_is_cut_down_to_its_harmless_words():
    told = cleaned_value(b"Chest PA Herr Smith", tag=TAG, vr="LO", patient=MOVED)
    assert told == b"Chest PA"
    assert cleaned_value(b"Herr Smith", tag=TAG, vr="LO", patient=MOVED) is None


def test_what_an_option_retains_must_still_be_plain_text():
    assert retained(b"ROOM 7", tag=TAG, vr="SH", patient=STILL) == b"ROOM 7"
    assert retained(b"R\xc3\xa4ume", tag=TAG, vr="SH", patient=STILL) is None
    assert retained(b"x" * 17, tag=TAG, vr="SH", patient=STILL) is None
    assert retained(b"a\r\nb", tag=TAG, vr="SH", patient=STILL) is None
    assert retained(b"20240101", tag=TAG, vr="DA", patient=STILL) is None


@given(
    st.binary(max_size=64),
    st.sampled_from(("LO", "SH", "ST", "LT", "UT", "UC", "CS", "DS", "IS", "AS", "DA", "DT")),
)
def test_whatever_comes_what_stays_is_ascii(raw, vr):
    for judge in (screened, cleaned_value, retained):
        told = judge(raw, tag=TAG, vr=vr, patient=MOVED)
        assert told is None or told.isascii()
