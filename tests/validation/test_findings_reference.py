"""Fourteen findings, three in ten cells not told: medclf against a reference by hand."""

import numpy as np
import pytest

from medclf.model.part import UNKNOWN
from validation.findings_reference import (
    FIGURES,
    figures_by_hand,
    figures_by_medclf,
    loss_by_hand,
    loss_by_medclf,
    made_up_scores,
    recover_marks,
)


def test_three_in_ten_cells_of_fourteen_findings_are_not_told():
    _, truth = made_up_scores()
    assert truth.shape[1] == 14
    assert (truth == UNKNOWN).mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("balanced", [False, True])
def test_the_masked_loss_and_its_gradient_are_those_computed_by_hand(balanced):
    scores, truth = made_up_scores()
    loss, gradient = loss_by_hand(scores, truth, balanced=balanced)
    own, slope = loss_by_medclf(scores, truth, balanced=balanced)
    assert own == pytest.approx(loss, rel=1e-6)
    assert np.allclose(slope, gradient, rtol=1e-4, atol=1e-9)
    assert (slope[truth == UNKNOWN] == 0).all()


def test_the_figures_of_each_finding_and_their_means_are_those_computed_by_hand():
    scores, truth = made_up_scores(200)
    probabilities = 1 / (1 + np.exp(-scores))
    table = figures_by_hand(probabilities, truth, threshold=0.5)
    found = figures_by_medclf(probabilities, truth, threshold=0.5)
    for k, own in enumerate(found.per_label.values()):
        assert [own[name].estimate for name in FIGURES] == pytest.approx(table[:, k])
    means = [found.metrics[name].estimate for name in FIGURES]
    assert means == pytest.approx(table.mean(axis=1))
    assert all(found.metrics[name].low < found.metrics[name].high for name in FIGURES)


def test_a_network_told_seven_cells_in_ten_recovers_every_mark():
    found = recover_marks(epochs=6)
    assert min(found.auc) > 0.97
