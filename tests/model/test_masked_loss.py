import numpy as np
import pytest
import torch

from medclf.model.fit_config import Weighting
from medclf.model.masked_loss import finding_correction, finding_weights, masked_cross_entropy
from medclf.model.part import UNKNOWN


def test_an_untold_finding_teaches_nothing_however_wild_its_score():
    scores = torch.tensor([[0.0, float("inf")], [2.0, -1e30]], requires_grad=True)
    truth = torch.tensor([[1, UNKNOWN], [UNKNOWN, UNKNOWN]])
    loss = masked_cross_entropy(scores, truth, weights=torch.ones(2, 2), told=1.0)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([np.log(2), 0.0])
    assert scores.grad.tolist() == [[-0.5, 0.0], [0.0, 0.0]]


def test_the_correction_undoes_the_weights_of_a_rare_finding():
    truth = np.array([[1]] * 10 + [[0]] * 90 + [[UNKNOWN]] * 50)
    weights = finding_weights(truth, Weighting.BALANCED)
    learned = 0.0  # the best constant score under balanced weights
    assert learned + finding_correction(weights)[0] == pytest.approx(np.log(10 / 90))
    assert np.array_equal(finding_correction(finding_weights(truth, Weighting.NONE)), [0.0])
