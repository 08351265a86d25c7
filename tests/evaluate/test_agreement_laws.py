import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from medclf.evaluate.agreement import agreement_cells, quadratic_kappa

grades = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=60).filter(
    lambda rows: len({grade for row in rows for grade in row}) > 1
)


def kappa(truth, decided, weights):
    cells = agreement_cells(truth, decided, count=5)
    return quadratic_kappa((weights @ cells).reshape(-1, 5, 5))


@given(grades)
def test_kappa_equals_scikit_learn(rows):
    truth, decided = (np.array(column) for column in zip(*rows, strict=True))
    expected = cohen_kappa_score(truth, decided, labels=range(5), weights="quadratic")
    found = kappa(truth, decided, np.ones((1, len(truth))))
    assert np.isclose(found[0], expected, atol=1e-12)


@given(grades, st.integers(0, 2**32 - 1))
def test_a_weighting_equals_repeated_cases(rows, seed):
    truth, decided = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.random.default_rng(seed).integers(0, 4, len(truth))
    found = kappa(truth, decided, weights[None].astype(float))[0]
    again = np.repeat(truth, weights), np.repeat(decided, weights)
    expected = kappa(*again, np.ones((1, int(weights.sum()))))[0]
    assert np.isclose(found, expected, atol=1e-12, equal_nan=True)


def test_one_grade_for_all_tells_nothing():
    matrix = np.zeros((3, 3))
    matrix[1, 1] = 9
    assert np.isnan(quadratic_kappa(matrix))
