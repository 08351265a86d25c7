import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from medclf.evaluate.average_precision import average_precision


@given(st.integers(0, 10_000))
def test_it_is_that_of_scikit_learn_with_ties_and_weights(seed):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 8, 40) / 8
    truth = generator.random(40) < 0.3
    truth[0] = True
    weights = generator.integers(0, 3, (2, 40)).astype(float)
    weights[:, 0] = 1
    own = average_precision(scores, truth, weights)
    for row, value in zip(weights, own, strict=True):
        assert value == pytest.approx(average_precision_score(truth, scores, sample_weight=row))


def test_without_a_positive_it_is_undefined():
    truth = np.array([True, False])
    weights = np.array([[0.0, 1.0]])
    assert np.isnan(average_precision(np.array([0.2, 0.4]), truth, weights)).all()
