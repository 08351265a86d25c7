import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.evaluate.bootstrap import cluster_index, clustered, draw, percentile, stratified
from medclf.evaluate.proportion import wilson


def weights_of(resampling, seed=0):
    return np.concatenate(list(draw(resampling, np.random.default_rng(seed))))


def interval(values, resampling, *, point=None, span=(0.0, 1.0), units=None):
    weights = weights_of(resampling)
    replicates = weights @ values / weights.sum(axis=1)
    return percentile(
        replicates,
        point=float(values.mean()) if point is None else point,
        confidence=0.95,
        resampling=resampling,
        n=len(values),
        units=resampling.units if units is None else units,
        span=span,
    )


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80))
def test_stratified_resamples_keep_every_class_count(truth):
    truth = np.array(truth)
    weights = weights_of(stratified(truth, resamples=20))
    assert weights.shape == (20, len(truth))
    for label in np.unique(truth):
        assert (weights[:, truth == label].sum(axis=1) == (truth == label).sum()).all()


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=60))
def test_clusters_are_drawn_whole(clusters):
    weights = weights_of(clustered(tuple(clusters), resamples=20))
    unit = cluster_index(tuple(clusters))
    for number in np.unique(unit):
        together = weights[:, unit == number]
        assert (together == together[:, :1]).all()
    first = [int(np.flatnonzero(unit == number)[0]) for number in np.unique(unit)]
    assert (weights[:, first].sum(axis=1) == len(first)).all()


def test_empty_cluster_names_are_clusters_of_their_own():
    assert cluster_index(("a", "", "a", "", "b")).tolist() == [0, 1, 0, 2, 3]


def test_same_seed_same_resamples_other_seed_others():
    plan = stratified(np.arange(50) < 20, resamples=30)
    assert (weights_of(plan, 1) == weights_of(plan, 1)).all()
    assert (weights_of(plan, 1) != weights_of(plan, 2)).any()


def test_number_of_resamples_is_kept_whatever_the_size():
    for n in (1, 700, 200_000):
        assert len(weights_of(stratified(np.zeros(n), resamples=3))) == 3


def test_bootstrap_of_a_share_agrees_with_wilson():
    values = (np.arange(400) < 120).astype(np.float64)
    found = interval(values, clustered(("",) * 400, resamples=4000))
    exact = wilson(120, 400)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_doubling_every_case_within_its_cluster_leaves_the_interval():
    generator = np.random.default_rng(3)
    values = generator.random(60)
    names = tuple(f"p{i}" for i in range(60))
    once = interval(values, clustered(names, resamples=500))
    twice = interval(np.repeat(values, 2), clustered(tuple(np.repeat(names, 2)), resamples=500))
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high), abs=1e-12)
    assert (once.n, twice.n) == (60, 120)
    assert "60 whole clusters" in twice.method


def test_single_cluster_gives_the_whole_span():
    found = interval(np.array([0.2, 0.4]), clustered(("p", "p"), resamples=50))
    assert (found.low, found.high) == (0.0, 1.0)
    assert "no spread" in found.method


def test_figure_without_any_error_gets_the_exact_bound():
    found = interval(np.ones(30), clustered(("",) * 30, resamples=50))
    assert found.low == pytest.approx(0.025 ** (1 / 30))
    assert found.high == 1.0
    none = interval(np.zeros(30), clustered(("",) * 30, resamples=50))
    assert (none.low, none.high) == (0.0, pytest.approx(1 - found.low))


def test_undefined_figure_gets_the_whole_span():
    found = interval(np.ones(30), clustered(("",) * 30, resamples=50), point=math.nan)
    assert math.isnan(found.estimate)
    assert (found.low, found.high) == (0.0, 1.0)


def test_interval_is_widened_to_hold_a_biased_figure():
    values = np.linspace(0.4, 0.6, 50)
    found = interval(values, clustered(("",) * 50, resamples=200), point=0.1)
    assert found.low == 0.1
    assert "widened" in found.method


def test_undefined_resamples_are_counted():
    plan = stratified(np.zeros(4), resamples=4)
    found = percentile(
        np.array([0.2, np.nan, 0.4, 0.3]),
        point=0.3,
        confidence=0.95,
        resampling=plan,
        n=4,
        units=4,
        span=(0.0, 1.0),
    )
    assert "1 resamples undefined" in found.method
    assert 0.2 <= found.low < found.high <= 0.4
