"""Quadratic kappa and the median grade, against scikit-learn and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from medclf.evaluate.agreement import agreement_cells, median_grade, quadratic_kappa

_GRADES = 5
_pairs = st.lists(
    st.tuples(st.integers(0, _GRADES - 1), st.integers(0, _GRADES - 1)), min_size=3, max_size=60
)


@given(_pairs)
def test_kappa_equals_that_of_scikit_learn(pairs):
    truth, grades = (np.array(column) for column in zip(*pairs, strict=True))
    cells = agreement_cells(truth, grades, count=_GRADES)
    found = float(quadratic_kappa(cells.sum(axis=0).reshape(_GRADES, _GRADES)))
    if len({*truth.tolist(), *grades.tolist()}) < 2:
        assert math.isnan(found)  # one grade alone: chance explains all
        return
    expected = cohen_kappa_score(truth, grades, weights="quadratic", labels=range(_GRADES))
    assert found == pytest.approx(expected, abs=1e-12)


@given(_pairs, st.integers(1, 5))
def test_drawing_every_case_as_often_changes_nothing(pairs, times):
    truth, grades = (np.array(column) for column in zip(*pairs, strict=True))
    cells = agreement_cells(truth, grades, count=_GRADES)
    weights = np.array([[1.0] * len(truth), [float(times)] * len(truth)])
    one, many = quadratic_kappa((weights @ cells).reshape(-1, _GRADES, _GRADES))
    assert one == pytest.approx(many, abs=1e-9, nan_ok=True)


def test_reading_all_grades_backwards_is_minus_one():
    assert float(quadratic_kappa(np.array([[0.0, 3.0], [3.0, 0.0]]))) == -1.0


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6).map(lambda p: np.array(p) / np.sum(p)))
def test_median_grade_has_the_least_expected_distance(shares):
    (grade,) = median_grade(shares[None])
    costs = [float(shares @ np.abs(np.arange(len(shares)) - k)) for k in range(len(shares))]
    assert costs[grade] == pytest.approx(min(costs), abs=1e-9)
