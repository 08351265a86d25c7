"""Histograms of probabilities, with and without a threshold."""

import pytest

from medclf.report.figures.scores import scores

EDGES = (0.0, 0.5, 1.0)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.99, None])
def test_threshold_is_drawn_in_both_plots_where_known(threshold):
    svg = scores(
        EDGES, ((3, 1), (0, 4)), names=("normal", "ill"), threshold=threshold, label="both"
    )
    assert svg.count('class="goal"') == (0 if threshold is None else 2)
    assert svg.count("<rect") == 3


def test_empty_groups_leave_the_axes():
    svg = scores(EDGES, ((0, 0), (0, 0)), names=("a", "b"), threshold=None, label="none")
    assert svg.count("Cases") == 2
