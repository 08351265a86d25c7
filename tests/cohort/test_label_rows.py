import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.cohort.label_rows import LabelRow, LabelRows, RowsByUid

text = st.text(st.characters(codec="utf-8"), max_size=8)
rows = st.builds(
    LabelRow,
    line=st.integers(0, 2**31 - 1),
    label=text,
    path=text,
    sop_instance_uid=text,
    age_years=st.none() | st.floats(0, 130),
    findings=st.lists(st.integers(-2, 1), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(st.lists(rows, max_size=12))
def test_rows_come_back_as_they_were(given_rows: list[LabelRow]) -> None:
    held = LabelRows.of(given_rows)
    assert list(held) == given_rows
    assert [held[place] for place in range(len(held))] == given_rows
    assert list(held[::-1]) == given_rows[::-1]


def test_more_rows_than_a_batch_keep_their_order() -> None:
    held = LabelRows.of(LabelRow(line, str(line)) for line in range(10_000))
    assert [row.line for row in held] == list(range(10_000))
    assert held[-1].label == "9999"
    with pytest.raises(IndexError):
        held[10_000]


@settings(deadline=None)
@given(st.lists(st.text("0123.", min_size=1, max_size=6), unique=True, max_size=20))
def test_every_uid_finds_its_row_and_no_other_is_found(uids: list[str]) -> None:
    named = [LabelRow(line, "x", sop_instance_uid=uid) for line, uid in enumerate(uids)]
    found = RowsByUid(LabelRows.of([*named, LabelRow(99, "y", path="/a", sop_instance_uid="9")]))
    assert {uid: found[uid].line for uid in uids} == {uid: n for n, uid in enumerate(uids)}
    assert sorted(found) == sorted(uids)
    assert found.get("9") is None
    assert found.get("") is None


def test_rows_differ_by_what_they_say_and_not_by_their_line() -> None:
    row = LabelRow(2, "x", sex="F", findings=(1,))
    assert row.differing(LabelRow(3, "x", sex="F", findings=(1,))) == ()
    assert row.differing(LabelRow(2, "y", sex="M", findings=(0,))) == ("label", "sex", "findings")
