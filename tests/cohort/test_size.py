import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.size import in_words, parse_bytes
from medclf.errors import MisuseError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("17", 17), ("20GB", 20 * 10**9), ("1.5 mb", 1_500_000), ("3k", 3000), ("2T", 2e12)],
)
def test_sizes_are_read_with_their_units(text: str, expected: int) -> None:
    assert parse_bytes(text, what="it") == expected


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "5 GiB", "1,5GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(MisuseError, match=r"The limit is .* not a number of bytes"):
        parse_bytes(text, what="The limit")


@given(st.integers(0, 10**15))
def test_words_are_read_back_within_rounding(size: int) -> None:
    words = in_words(size).replace(" bytes", "")
    assert parse_bytes(words, what="it") == pytest.approx(size, rel=0.051, abs=0)
