"""Frames map values to places, and ticks are round."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from medclf.report.figures.axes import Frame, nice_ticks


def test_corners_of_the_range_are_corners_of_the_frame():
    frame = Frame(left=10, top=20, width=100, height=50)
    assert (frame.x(0.0), frame.y(0.0)) == (10, 70)
    assert (frame.x(1.0), frame.y(1.0)) == (110, 20)


@given(st.integers(1, 10_000_000))
def test_ticks_are_few_even_and_reach_the_top(top):
    ticks = nice_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert 2 <= len(ticks) <= 6
    steps = {after - before for before, after in pairwise(ticks)}
    assert len(steps) == 1
