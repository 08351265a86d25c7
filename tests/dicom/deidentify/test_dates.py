"""A shift moves all dates by the same days, and nothing that is no date gets through."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.deidentify.dates import is_offset, is_time, shifted_date, shifted_datetime

DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
SHIFTS = st.integers(-3650, -365)


@given(DAYS, SHIFTS)
def test_a_date_moves_by_whole_days(day, shift):
    expected = f"{day + timedelta(days=shift):%Y%m%d}"
    assert shifted_date(f"{day:%Y%m%d}", shift) == expected
    assert shifted_date(f"{day:%Y.%m.%d}", shift) == expected
    assert shifted_datetime(f"{day:%Y%m%d}101112.123456-0500", shift) == expected + "101112.123456"


@given(st.text(max_size=12), SHIFTS)
def test_what_comes_out_is_a_date_or_nothing(text, shift):
    for told in (shifted_date(text, shift), shifted_datetime(text, shift)):
        assert told == "" or told.isascii()


@pytest.mark.parametrize("text", ["", "2024", "20241301", "SMITH", "20240101-20240201", "00000000"])
def test_what_is_no_date_is_dropped(text):
    assert shifted_date(text, -400) == ""


@pytest.mark.parametrize(
    "text", ["202401", "2024010125", "20240101SMITH", "20240101121212.5 Smith"]
)
def test_what_is_no_date_time_is_dropped(text):
    assert shifted_datetime(text, -400) == ""


def test_times_and_offsets_are_told_from_words():
    assert is_time("101112")
    assert not is_time("10:11 Smith")
    assert is_offset("-0500")
    assert not is_offset("-05:00")
