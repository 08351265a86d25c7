import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from medclf.evaluate.agreement import median_grade, quadratic_kappa
from medclf.evaluate.assess import evaluate
from medclf.evaluate.classification import confusion
from medclf.evaluate.protocol import Task


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_quadratic_kappa_is_that_of_scikit_learn(seed, grades):
    generator = np.random.default_rng(seed)
    truth, given_ = generator.integers(0, grades, (2, 60))
    own = quadratic_kappa(confusion(truth, given_, classes=grades).astype(float))
    other = cohen_kappa_score(truth, given_, weights="quadratic", labels=range(grades))
    assert float(own) == pytest.approx(other)


def graded(n=200, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 4, n)
    logits = -((np.arange(4) - truth[:, None] - generator.normal(0, 0.8, n)[:, None]) ** 2)
    probabilities = np.exp(logits)
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def test_a_report_on_grades_tells_kappa_of_the_median_with_its_interval(make_cases, make_protocol):
    truth, probabilities = graded()
    cases = make_cases(truth, probabilities, ordered=True)
    found = evaluate(cases, make_protocol(task=Task.ORDINAL))
    kappa = found.metrics["quadratic_kappa"]
    median = median_grade(probabilities)
    assert kappa.estimate == pytest.approx(cohen_kappa_score(truth, median, weights="quadratic"))
    assert kappa.low < kappa.estimate < kappa.high
    assert found.confusion == tuple(map(tuple, confusion(truth, median, classes=4).tolist()))


def test_kappa_by_whole_patients_is_wider_where_pictures_of_one_repeat_each_other(
    make_cases, make_protocol
):
    truth, probabilities = graded(60)
    four = np.repeat(np.arange(60), 4)
    clusters = tuple(f"p{n}" for n in four)
    rules = make_protocol(task=Task.ORDINAL)
    alone = make_cases(truth[four], probabilities[four], ordered=True)
    together = make_cases(truth[four], probabilities[four], ordered=True, clusters=clusters)
    apart, bound = (
        evaluate(cases, rules).metrics["quadratic_kappa"] for cases in (alone, together)
    )
    assert bound.estimate == apart.estimate
    assert bound.high - bound.low > 1.5 * (apart.high - apart.low)
