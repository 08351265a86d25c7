import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import EvaluationError
from medclf.evaluate.bootstrap import clustered, stratified
from medclf.evaluate.compare import (
    bootstrap_difference,
    delong_covariance,
    delong_difference,
    join_intervals,
)
from medclf.evaluate.evaluation import Estimate

# Few distinct values, so that ties are common; no reader repeats the other.
triples = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.booleans()), min_size=6, max_size=50
).filter(lambda rows: 2 <= sum(truth for *_, truth in rows) <= len(rows) - 2)


def columns(rows):
    first, second, truth = zip(*rows, strict=True)
    return np.array(first, float), np.array(second, float), np.array(truth, bool)


def naive_covariance(first, second, truth):
    """The definition, pair by pair."""
    won = []
    for scores in (first, second):
        x, y = scores[truth][:, None], scores[~truth][None, :]
        won.append((x > y) + 0.5 * (x == y))
    m, n = won[0].shape
    of_positives = np.cov([w.mean(axis=1) for w in won], ddof=1) / m
    return of_positives + np.cov([w.mean(axis=0) for w in won], ddof=1) / n


@pytest.mark.parametrize("number", [0, 1, 2])
def test_paired_delong_equals_proc(reference, number):
    row, stored = reference("proc_paired")["pairs"][number], reference("proc_auc")
    truth = np.array(stored["poor_outcome"], dtype=np.bool_)
    first, second = (np.array(stored["markers"][row[n]]["scores"]) for n in ("first", "second"))
    _, covariance = delong_covariance(first, second, truth)
    assert covariance[0, 1] == pytest.approx(row["covariance"], abs=1e-12)
    for confidence in (95, 90):
        found = delong_difference(first, second, truth, confidence=confidence / 100)
        assert found.estimate == pytest.approx(row["difference"], abs=1e-12)
        assert [found.low, found.high] == pytest.approx(row[f"delong_{confidence}"], abs=1e-12)
        assert found.p == pytest.approx(row["p"], rel=1e-9)


@pytest.mark.peer
def test_stored_pairs_are_what_proc_gives_today(program, reference):
    script = Path(__file__).resolve().parents[2] / "validation" / "reference" / "proc_paired.R"
    run = subprocess.run(
        [program("Rscript"), str(script)], capture_output=True, text=True, check=False
    )
    if "no package called" in run.stderr:
        pytest.skip("R is here but its package pROC is not (apt install r-cran-proc)")
    assert run.returncode == 0, run.stderr
    live = json.loads(run.stdout)["pairs"]
    for found, stored in zip(live, reference("proc_paired")["pairs"], strict=True):
        for key, value in stored.items():
            assert found[key] == (
                value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
            )


@given(triples)
def test_covariance_by_midranks_equals_the_pairwise_definition(rows):
    first, second, truth = columns(rows)
    found = delong_covariance(first, second, truth)[1]
    assert found == pytest.approx(naive_covariance(first, second, truth), abs=1e-12)


@given(triples)
def test_swapping_the_readers_mirrors_the_difference(rows):
    first, second, truth = columns(rows)
    one = delong_difference(first, second, truth)
    other = delong_difference(second, first, truth)
    assert one.estimate == pytest.approx(-other.estimate, abs=1e-12)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert one.p == pytest.approx(other.p, abs=1e-9, nan_ok=True)


@given(triples)
def test_interval_holds_the_difference_and_agrees_with_p(rows):
    found = delong_difference(*columns(rows))
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    if found.p < 0.049:
        assert found.low > 0 or found.high < 0
    if found.p > 0.051:
        assert found.low <= 0 <= found.high


def test_a_pair_sees_what_two_single_intervals_hide():
    generator = np.random.default_rng(3)
    truth = np.arange(400) < 200
    hard = generator.normal(size=400) * 3
    worse = hard + 2 * truth
    better = hard + 2.6 * truth + generator.normal(size=400) * 0.1
    found = delong_difference(better, worse, truth)
    assert found.p < 1e-6
    assert (
        join_intervals(Estimate(0.7, 0.65, 0.75, "", 400), Estimate(0.66, 0.61, 0.71, "", 400)).low
        < 0
        < found.low
    )


def test_two_readers_without_a_fault_differ_by_nothing_that_these_cases_could_show():
    truth = np.arange(40) < 20
    scores = truth.astype(float)
    found = delong_difference(scores, 2 * scores, truth)
    assert (found.estimate, found.p) == (0.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 20) - 1)
    assert found.high == -found.low
    assert "joined" in found.method


def test_a_single_positive_case_still_gives_an_interval():
    truth = np.arange(20) == 15
    found = delong_difference(np.arange(20.0), np.zeros(20), truth)
    assert found.low < found.estimate < found.high
    assert np.isnan(found.p)


def bootstrapped(apart, *, units=50):
    """Two figures that lie apart in every resample by what is given."""
    base = np.full(len(apart), 0.6)
    first = Estimate(0.6 + float(np.mean(apart)), 0.5, 0.9, "", units)
    second = Estimate(0.6, 0.4, 0.7, "", units)
    truth = np.arange(units) % 2
    return bootstrap_difference(
        first, second, (base + apart, base), resampling=stratified(truth, resamples=len(apart))
    )


def test_bootstrap_p_is_near_that_of_the_normal_test():
    apart = np.random.default_rng(0).normal(0.1, 0.05, 20_000)
    found = bootstrapped(apart)
    assert found.p == pytest.approx(0.0455, abs=0.006)
    assert (found.low, found.high) == pytest.approx((0.002, 0.198), abs=0.004)
    assert "paired stratified bootstrap" in found.method


def test_bootstrap_p_is_never_zero():
    assert bootstrapped(np.linspace(0.1, 0.2, 999)).p == pytest.approx(2 / 1000)


def test_resamples_that_show_no_spread_give_the_joined_intervals():
    found = bootstrapped(np.zeros(200))
    assert found.low < 0 < found.high
    assert found.p == 1.0


def test_clusters_widen_the_interval():
    generator = np.random.default_rng(5)
    point = Estimate(0.7, 0.6, 0.8, "", 60)
    apart = (generator.normal(0.6, 0.1, 500), generator.normal(0.5, 0.1, 500))
    names = tuple(f"patient-{i // 2}" for i in range(60))
    found = bootstrap_difference(point, point, apart, resampling=clustered(names, resamples=500))
    assert "30 whole clusters" in found.method


def test_replicates_of_other_resamples_are_refused():
    point = Estimate(0.7, 0.6, 0.8, "", 10)
    with pytest.raises(EvaluationError, match="paired"):
        bootstrap_difference(
            point,
            point,
            (np.zeros(3), np.zeros(4)),
            resampling=stratified(np.arange(10) % 2, resamples=3),
        )
