import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.errors import EvaluationError
from medclf.evaluate.proportion import clopper_pearson, lowest_plausible, wilson


def test_intervals_equal_statsmodels(reference):
    for row in reference("figures")["shares"]:
        for function, name in [(wilson, "wilson"), (clopper_pearson, "clopper_pearson")]:
            found = function(row["successes"], row["trials"], confidence=row["confidence"])
            assert [found.low, found.high] == pytest.approx(row[name], abs=1e-12)


def test_intervals_equal_the_published_table(reference):
    for row in reference("newcombe")["intervals"]:
        for function, name in [(wilson, "wilson"), (clopper_pearson, "clopper_pearson")]:
            found = function(row["successes"], row["trials"])
            assert [found.low, found.high] == pytest.approx(row[name], abs=5e-5)


@given(st.integers(0, 5000), st.integers(1, 5000), st.floats(0.5, 0.999))
def test_intervals_lie_in_the_unit_interval_and_hold_the_share(successes, trials, confidence):
    successes = min(successes, trials)
    for function in (wilson, clopper_pearson):
        found = function(successes, trials, confidence=confidence)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        assert found.n == trials


@given(st.integers(0, 300), st.integers(1, 300))
def test_intervals_mirror_when_success_and_failure_swap(successes, trials):
    successes = min(successes, trials)
    for function in (wilson, clopper_pearson):
        one, other = function(successes, trials), function(trials - successes, trials)
        assert one.low == pytest.approx(1 - other.high, abs=1e-9)


def test_no_trials_is_undefined_with_the_widest_interval():
    for function in (wilson, clopper_pearson):
        found = function(0, 0)
        assert math.isnan(found.estimate)
        assert (found.low, found.high, found.n) == (0.0, 1.0, 0)
        assert "undefined" in found.method


def test_lowest_plausible_is_the_exact_bound_without_failures():
    assert lowest_plausible(25, confidence=0.95) == pytest.approx(clopper_pearson(25, 25).low)


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(EvaluationError, match="cannot be"):
        wilson(successes, trials)


def test_confidence_given_in_percent_is_refused():
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        clopper_pearson(1, 2, confidence=95)
