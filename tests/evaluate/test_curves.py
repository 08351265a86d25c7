import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from medclf.evaluate.auc import auc
from medclf.evaluate.curves import draw_curves, precision_recall_curve, roc_curve

rows = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=60).filter(
    lambda values: 0 < sum(truth for _, truth in values) < len(values)
)


def columns(values):
    return np.array([s / 20 for s, _ in values]), np.array([t for _, t in values])


@given(rows)
def test_area_below_the_roc_corners_is_the_auc(values):
    scores, truth = columns(values)
    curve = roc_curve(scores, truth)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(curve.tpr, curve.fpr) == pytest.approx(auc(scores, truth), abs=1e-12)


@given(rows)
def test_every_roc_threshold_gives_its_point(values):
    scores, truth = columns(values)
    curve = roc_curve(scores, truth)
    for fpr, tpr, threshold in zip(curve.fpr, curve.tpr, curve.threshold, strict=True):
        called = scores >= threshold
        assert called[truth].mean() == pytest.approx(tpr)
        assert called[~truth].mean() == pytest.approx(fpr)


@given(rows)
def test_precision_recall_points_are_scikit_learns(values):
    scores, truth = columns(values)
    curve = precision_recall_curve(scores, truth)
    precision, recall, threshold = metrics.precision_recall_curve(truth, scores)
    known = dict(zip(threshold, zip(recall[:-1], precision[:-1], strict=True), strict=True))
    for recall, precision, threshold in zip(
        curve.recall, curve.precision, curve.threshold, strict=True
    ):
        assert known[threshold] == pytest.approx((recall, precision))
    assert curve.recall[-1] == 1.0


def test_histogram_counts_each_true_class(overlapping):
    truth, scores = overlapping
    table = np.stack([1 - scores, scores], axis=1)
    curves = draw_curves(table, truth, labels=("normal", "finding"), column=1)
    assert sum(curves.histogram.counts["finding"]) == truth.sum()
    assert sum(curves.histogram.counts["normal"]) == (truth == 0).sum()
    assert len(curves.histogram.edges) == len(curves.histogram.counts["normal"]) + 1
