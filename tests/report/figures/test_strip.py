"""Strips stay within their scale and say what they show."""

import re

from hypothesis import given
from hypothesis import strategies as st

from medclf.report.figures.strip import WIDTH, common_scale, strip

SHARE = st.floats(0, 1)


@given(SHARE, SHARE, SHARE, st.sampled_from([(0.0, 1.0), (0.5, 1.0), (0.8, 1.0), (0.0, 0.1)]))
def test_nothing_is_drawn_outside_the_strip(low, estimate, high, scale):
    svg = strip(estimate, low, high, scale=scale, mark=0.9)
    for value in re.findall(r'(?:x1|x2|cx)="([^"]+)"', svg):
        assert 0 <= float(value) <= WIDTH


def test_an_undefined_figure_says_so():
    svg = strip(float("nan"), 0.0, 1.0, scale=(0.0, 1.0))
    assert ">not estimable<" in svg
    assert "whisker" not in svg


@given(st.lists(SHARE))
def test_the_common_scale_holds_every_lower_end(lows):
    low, high = common_scale(lows)
    assert high == 1.0
    assert all(value >= low for value in lows)
