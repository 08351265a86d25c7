import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from medclf.evaluate import classification

calls = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def counts_of(rows):
    table = np.array(rows, dtype=np.bool_)
    return classification.count(table[:, 0], table[:, 1])


def test_figures_equal_scikit_learn(reference):
    row = reference("figures")["binary"]
    truth = np.array(row["truth"], dtype=np.bool_)
    called = np.array(row["scores"]) >= row["threshold"]
    counts = classification.count(called, truth)
    names = ["sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy"]
    found = {name: float(getattr(classification, name)(counts)) for name in names}
    assert found == pytest.approx({name: row["figures"][name] for name in names}, abs=1e-12)
    table = classification.confusion(truth.astype(int), called.astype(int), classes=2)
    assert table.tolist() == row["confusion"]
    assert float(classification.mcc(table)) == pytest.approx(row["figures"]["mcc"], abs=1e-12)


@given(calls)
def test_sensitivity_becomes_specificity_when_both_columns_flip(rows):
    one, other = counts_of(rows), counts_of([(not c, not t) for c, t in rows])
    assert classification.sensitivity(one) == pytest.approx(
        classification.specificity(other), nan_ok=True
    )
    assert classification.ppv(one) == pytest.approx(classification.npv(other), nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_mcc_of_many_classes_equals_scikit_learn(rows):
    truth, decided = (np.array(column) for column in zip(*rows, strict=True))
    table = classification.confusion(truth, decided, classes=4)
    assert table.sum() == len(rows)
    assert float(classification.mcc(table)) == pytest.approx(
        metrics.matthews_corrcoef(truth, decided), abs=1e-9
    )


def test_nothing_to_divide_by_is_nan_not_zero():
    never_called = counts_of([(False, True), (False, False)])
    assert np.isnan(classification.ppv(never_called))
    assert float(classification.f1(never_called)) == 0.0
