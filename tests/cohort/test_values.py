import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.values import (
    Unreadable,
    read_age_years,
    read_finding,
    read_laterality,
    read_month,
    read_part,
    read_sex,
    read_sha256,
)


@pytest.mark.parametrize(
    ("text", "years"),
    [("", None), ("63", 63.0), ("063Y", 63.0), ("6M", 0.5), ("90+", 90.0), ("> 89", 89.0)],
)
def test_ages_are_read_as_tables_and_headers_write_them(text: str, years: float | None) -> None:
    assert read_age_years(text) == years


@given(st.integers(0, 125))
def test_every_whole_age_reads_as_itself(years: int) -> None:
    assert read_age_years(str(years)) == years


@pytest.mark.parametrize("text", ["old", "-3", "1850", "63 years or so", "1e2"])
def test_an_unknown_age_is_never_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        read_age_years(text)


def test_sex_side_and_part_take_their_spellings() -> None:
    assert [read_sex(text) for text in ("f", "Male", "O", "unknown", "")] == ["F", "M", "O", "", ""]
    assert [read_laterality(text) for text in ("OD", "os", "left", "")] == ["R", "L", "L", ""]
    assert [read_part(text) for text in ("Train", "")] == ["train", ""]


def test_other_spellings_are_unreadable() -> None:
    for read, text in ((read_sex, "x"), (read_laterality, "both?"), (read_part, "holdout")):
        with pytest.raises(Unreadable):
            read(text)


def test_a_digest_is_read_with_and_without_its_algorithm() -> None:
    assert read_sha256("A" * 64) == read_sha256("sha256:" + "a" * 64) == "sha256:" + "a" * 64
    assert read_sha256("") == ""
    with pytest.raises(Unreadable):
        read_sha256("abc")


@pytest.mark.parametrize(
    "text", ["2020-13", "2020-02-30", "1700-01", "20200101", "05/2020", "2020"]
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        read_month(text)


@pytest.mark.parametrize("text", ["2", "yes", "nan", "0.5", "1,0"])
def test_what_is_no_finding_is_not_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        read_finding(text)
