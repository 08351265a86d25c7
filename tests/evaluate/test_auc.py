import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import EvaluationError
from medclf.evaluate.auc import auc, delong, delong_variance, rank, weighted_auc

# Few distinct values, so that ties are common.
pairs = st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: 2 <= sum(truth for _, truth in rows) <= len(rows) - 2
)


def columns(rows):
    scores, truth = zip(*rows, strict=True)
    return np.array(scores, dtype=np.float64), np.array(truth, dtype=np.bool_)


def naive_delong(scores, truth):
    """The definition, pair by pair: O(m n)."""
    x, y = scores[truth][:, None], scores[~truth][None, :]
    won = (x > y) + 0.5 * (x == y)
    m, n = won.shape
    variance = won.mean(axis=1).var(ddof=1) / m + won.mean(axis=0).var(ddof=1) / n
    return won.mean(), variance


@pytest.mark.parametrize("marker", ["s100b", "ndka", "wfns"])
def test_auc_and_delong_equal_proc(reference, marker):
    stored = reference("proc_auc")
    truth = np.array(stored["poor_outcome"], dtype=np.bool_)
    row = stored["markers"][marker]
    scores = np.array(row["scores"])
    assert delong_variance(scores, truth) == pytest.approx(
        (row["auc"], row["delong_variance"]), abs=1e-12
    )
    for confidence in (95, 90):
        found = delong(scores, truth, confidence=confidence / 100, scale="plain")
        assert [found.low, found.high] == pytest.approx(row[f"delong_{confidence}"], abs=1e-12)


@pytest.mark.peer
def test_stored_values_are_what_proc_gives_today(program, reference):
    rscript = program("Rscript")
    script = Path(__file__).resolve().parents[2] / "validation" / "reference" / "proc_auc.R"
    run = subprocess.run([rscript, str(script)], capture_output=True, text=True, check=False)
    if "no package called" in run.stderr:
        pytest.skip("R is here but its package pROC is not (apt install r-cran-proc)")
    assert run.returncode == 0, run.stderr
    live, stored = json.loads(run.stdout), reference("proc_auc")
    assert live["poor_outcome"] == stored["poor_outcome"]
    for name, row in stored["markers"].items():
        for key, value in row.items():
            assert live["markers"][name][key] == pytest.approx(value, rel=1e-12)


@given(pairs)
def test_delong_by_midranks_equals_the_pairwise_definition(rows):
    scores, truth = columns(rows)
    assert delong_variance(scores, truth) == pytest.approx(naive_delong(scores, truth), abs=1e-12)


@given(pairs)
def test_auc_does_not_change_under_monotone_maps(rows):
    scores, truth = columns(rows)
    assert auc(np.exp(scores / 7), truth) == auc(scores, truth)
    assert auc(scores**3, truth) == auc(scores, truth)


@given(pairs)
def test_auc_mirrors_when_labels_or_scores_swap(rows):
    scores, truth = columns(rows)
    assert auc(scores, ~truth) == pytest.approx(1 - auc(scores, truth), abs=1e-12)
    assert auc(-scores, truth) == pytest.approx(1 - auc(scores, truth), abs=1e-12)
    one, other = delong(scores, truth), delong(-scores, truth)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


@given(pairs)
def test_interval_is_finite_and_holds_the_auc(rows):
    scores, truth = columns(rows)
    for scale in ("logit", "plain"):
        found = delong(scores, truth, scale=scale)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert found.low < found.high


@given(pairs, st.integers(0, 2**32 - 1))
def test_weighted_auc_equals_the_auc_of_repeated_cases(rows, seed):
    scores, truth = columns(rows)
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(scores))).astype(np.float64)
    found = weighted_auc(rank(scores, truth), weights)
    for row, area in zip(weights.astype(np.int64), found, strict=True):
        drawn, true = np.repeat(scores, row), np.repeat(truth, row)
        if true.all() or not true.any():
            assert np.isnan(area)
        else:
            assert area == pytest.approx(auc(drawn, true), abs=1e-12)


def test_perfect_separation_gives_the_exact_binomial_bound():
    scores, truth = np.arange(30.0), np.arange(30) >= 20
    found = delong(scores, truth)
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    assert "perfect separation" in found.method
    mirrored = delong(-scores, truth)
    assert (mirrored.low, mirrored.high) == (0.0, pytest.approx(1 - found.low))


def test_equal_scores_give_one_half_with_a_real_interval():
    found = delong(np.full(40, 0.3), np.arange(40) < 10)
    assert found.estimate == 0.5
    assert found.low < 0.4
    assert found.high > 0.6
    assert "Hanley-McNeil" in found.method


def test_one_positive_still_gives_an_interval():
    found = delong(np.arange(20.0), np.arange(20) == 15)
    assert 0 < found.low < found.estimate < found.high < 1
    assert "Hanley-McNeil" in found.method


@pytest.mark.parametrize(("truth", "word"), [(True, "negative"), (False, "positive")])
def test_missing_class_is_named(truth, word):
    with pytest.raises(EvaluationError, match=f"no {word} case"):
        auc(np.arange(5.0), np.full(5, truth))


def test_nan_among_scores_is_refused():
    with pytest.raises(EvaluationError, match="not finite"):
        delong(np.array([0.1, np.nan]), np.array([True, False]))


def test_columns_of_different_length_are_refused():
    with pytest.raises(EvaluationError, match="one length"):
        auc(np.arange(3.0), np.array([True, False]))
