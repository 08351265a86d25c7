import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.evaluate.reliability import (
    bin_edges,
    bin_index,
    brier,
    ece,
    gaps,
    reliability_bins,
    squared_errors,
)

forecasts = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80).map(
    lambda rows: (np.array([p for p, _ in rows]), np.array([y for _, y in rows]))
)


def naive_ece(probability, outcome, bins):
    total = 0.0
    edges = np.linspace(0, 1, bins + 1)
    for number in range(bins):
        top = probability <= 1 if number == bins - 1 else probability < edges[number + 1]
        inside = (probability >= edges[number]) & top
        if inside.any():
            total += inside.mean() * abs(outcome[inside].mean() - probability[inside].mean())
    return total


@given(forecasts)
def test_ece_equals_the_definition(forecast):
    assert ece(*forecast) == pytest.approx(naive_ece(*forecast, 15), abs=1e-12)


@given(forecasts, st.sampled_from(["width", "count"]))
def test_ece_lies_between_the_overall_gap_and_one(forecast, kind):
    probability, outcome = forecast
    found = ece(probability, outcome, kind=kind)
    assert abs(probability.mean() - outcome.mean()) - 1e-12 <= found <= 1


@given(forecasts)
def test_column_sums_of_gaps_give_the_ece(forecast):
    table = gaps(*forecast, bin_edges(forecast[0]))
    assert np.abs(table.sum(axis=0)).sum() / len(table) == pytest.approx(ece(*forecast))


@given(forecasts)
def test_reliability_bins_hold_every_case_once(forecast):
    bins = reliability_bins(*forecast)
    assert sum(item.count for item in bins) == len(forecast[0])
    for item in bins:
        assert item.lower - 1e-12 <= item.mean_probability <= item.upper + 1e-12
        assert item.low <= item.observed <= item.high


def test_ece_of_honest_coin_flips_is_zero():
    assert ece(np.full(10, 0.5), np.arange(10) < 5) == 0.0


def test_equal_probabilities_stay_in_one_adaptive_slice():
    probability = np.array([0.2] * 50 + [0.9])
    edges = bin_edges(probability, kind="count")
    assert len(set(bin_index(probability, edges)[:50].tolist())) == 1


def test_probabilities_at_the_ends_have_a_slice():
    assert bin_index(np.array([0.0, 1.0]), bin_edges(np.array([0.0, 1.0]))).tolist() == [0, 14]


def test_ece_without_cases_is_nan():
    assert np.isnan(ece(np.array([]), np.array([], dtype=np.bool_)))


def test_brier_equals_scikit_learn(reference):
    row = reference("figures")["binary"]
    truth = np.array(row["truth"], dtype=np.bool_)
    assert brier(np.array(row["scores"]), truth) == pytest.approx(
        row["figures"]["brier"], abs=1e-12
    )
    row = reference("figures")["multiclass"]
    errors = squared_errors(np.array(row["probabilities"]), np.array(row["truth"]), positive=None)
    assert errors.mean() == pytest.approx(row["figures"]["brier"], abs=1e-12)
