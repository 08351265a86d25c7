import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medclf.model.fit_config import FitConfig, Weighting
from medclf.model.loss import class_weights, make_objective, prior_correction
from medclf.model.task import Task


@given(st.lists(st.integers(1, 500), min_size=2, max_size=6))
def test_balanced_weights_give_every_class_the_same_say(counts):
    truth = np.repeat(np.arange(len(counts)), counts)
    weights = class_weights(truth, len(counts), Weighting.BALANCED)
    says = weights * np.array(counts)
    assert np.allclose(says, says[0])
    assert np.mean(weights[truth]) == pytest.approx(1)


def test_no_weighting_needs_no_correction():
    weights = class_weights(np.array([0, 0, 1]), 2, Weighting.NONE)
    assert np.array_equal(prior_correction(weights), np.zeros(2))


def test_the_correction_gives_back_the_population_odds():
    # The best constant scores under the weighted loss are equal; corrected, they are the odds.
    truth = np.array([0] * 90 + [1] * 10)
    weights = class_weights(truth, 2, Weighting.BALANCED)
    scores = torch.zeros(2, requires_grad=True, dtype=torch.float64)
    objective = make_objective(
        FitConfig(), truth, classes=2, task=Task.EXCLUSIVE, device=torch.device("cpu")
    )
    optimiser = torch.optim.LBFGS([scores], max_iter=100)

    def closure():
        optimiser.zero_grad()
        loss = objective(scores.expand(100, 2), torch.tensor(truth)).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    corrected = scores.detach().numpy() + prior_correction(weights)
    probability = np.exp(corrected) / np.exp(corrected).sum()
    assert probability == pytest.approx([0.9, 0.1], abs=1e-4)
