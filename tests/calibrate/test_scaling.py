import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.calibrate.scaling import (
    HIGHEST,
    Temperature,
    fit_temperature,
    negative_log_likelihood,
)
from medclf.errors import CalibrationRefused


def draw(n=4000, k=3, *, temperature=1.0, seed=0):
    """Scores whose softmax at the given temperature is the true probability."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(size=(n, k)) * 1.5
    shares = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    truth = (generator.random((n, 1)) > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return honest * temperature, truth.astype(np.int64)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_made_the_scores_is_found(temperature):
    found = fit_temperature(*draw(temperature=temperature))
    assert found.value == pytest.approx(temperature, rel=0.06)
    assert found.note == ""


def test_fitted_temperature_beats_its_neighbours():
    logits, truth = draw(300, temperature=2.5)
    value = fit_temperature(logits, truth).value
    best = negative_log_likelihood(logits, truth, temperature=value)
    for other in (1.0, value * 0.99, value * 1.01):
        assert best <= negative_log_likelihood(logits, truth, temperature=other)


@given(st.floats(0.1, 10), st.integers(0, 1000))
def test_probabilities_add_up_and_keep_the_order(value, seed):
    logits = np.random.default_rng(seed).normal(size=(5, 4)) * 10
    probabilities = Temperature(value).apply(logits)
    assert probabilities.dtype == np.float64
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(5))
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


@given(st.integers(0, 1000))
def test_a_probability_does_not_depend_on_its_batch(seed):
    logits = np.random.default_rng(seed).normal(size=(7, 3)).astype(np.float32)
    together = Temperature(1.7).apply(logits)
    alone = np.concatenate([Temperature(1.7).apply(row[None]) for row in logits])
    assert (together == alone).all()


def test_scaling_all_scores_scales_the_temperature():
    logits, truth = draw(500)
    one, five = fit_temperature(logits, truth), fit_temperature(5 * logits, truth)
    assert five.value == pytest.approx(5 * one.value, rel=1e-4)


def test_perfect_separation_leaves_the_scores_alone_with_a_note():
    truth = np.arange(20) % 2
    found = fit_temperature(np.eye(2)[truth] * 0.5, truth)
    assert found.value == 1
    assert "separated perfectly" in found.note


def test_scores_that_point_the_wrong_way_end_at_the_upper_bound_with_a_note():
    truth = np.arange(20) % 2
    found = fit_temperature(np.eye(2)[1 - truth] * 3, truth)
    assert found.value == HIGHEST
    assert "not told apart" in found.note


@pytest.mark.parametrize(
    ("logits", "truth", "words"),
    [
        (np.zeros((4, 2)), np.zeros(4, dtype=np.int64), "1 of 2 classes"),
        (np.zeros((4, 2)), np.array([0, 1, 2, 0]), "numbered from 0"),
        (np.full((2, 2), np.nan), np.array([0, 1]), "not finite"),
        (np.zeros((4, 2)), np.array([0, 1]), "do not belong together"),
        (np.zeros((4, 1)), np.zeros(4, dtype=np.int64), "k ≥ 2"),
    ],
)
def test_unusable_cases_are_refused(logits, truth, words):
    with pytest.raises(CalibrationRefused, match=words):
        fit_temperature(logits, truth)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_temperature_is_refused(value):
    with pytest.raises(CalibrationRefused, match="finite number above 0"):
        Temperature(value)
