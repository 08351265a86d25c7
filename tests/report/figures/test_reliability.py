"""The reliability diagram with many, few and no slices."""

from medclf.evaluate.evaluation import ReliabilityBin
from medclf.report.figures.reliability import reliability

SLICE = ReliabilityBin(0.2, 0.3, 12, 0.25, 0.5, 0.25, 0.75)


def test_each_slice_has_a_mark_a_whisker_and_a_bar():
    svg = reliability([SLICE, SLICE], label="two")
    assert svg.count("<circle") == 2
    assert svg.count('class="whisker"') == 6
    assert svg.count('class="bar"') == 2


def test_no_slice_leaves_the_axes():
    assert "Observed frequency" in reliability([], label="none")
