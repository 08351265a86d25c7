"""The card's figures are those of the reports, and know that pictures of one patient are alike."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from medclf.calibrate.threshold import OperatingPoint
from medclf.evaluate.agreement import median_grade
from medclf.evaluate.auc import delong
from medclf.evaluate.proportion import wilson
from medclf.study.part_figures import figures_on_part

BINARY = ("auc", "sensitivity", "specificity")


def scored(n=80, classes=2, seed=0):
    generator = np.random.default_rng(seed)
    truth = np.arange(n) % classes
    steps = np.arange(classes) - truth[:, None] - generator.normal(0, 0.9, n)[:, None]
    shares = np.exp(-(steps**2))
    return shares / shares.sum(axis=1, keepdims=True), truth


@pytest.fixture
def point():
    return OperatingPoint(
        name="half", label="sick", threshold=0.5, rule="", sensitivity=0, specificity=0, n=0
    )


def of_two(shares, truth, units, point):
    return figures_on_part(
        BINARY, shares, truth, [point], units, labels=("well", "sick"), positive="sick"
    )


def test_cases_of_different_patients_get_the_closed_forms(point):
    shares, truth = scored()
    found = of_two(shares, truth, np.arange(80), point)
    called, sick = shares[:, 1] >= 0.5, truth == 1
    assert found["auc"] == delong(shares[:, 1], sick)
    assert found["sensitivity"] == wilson(int((called & sick).sum()), 40)
    assert found["specificity"] == wilson(int((~called & ~sick).sum()), 40)
    assert list(found) == list(BINARY)


def test_four_pictures_of_a_patient_tell_hardly_more_than_one(point):
    shares, truth = scored()
    once = of_two(shares, truth, np.arange(80), point)
    four = np.repeat(np.arange(80), 4)
    apart = of_two(shares[four], truth[four], np.arange(320), point)
    together = of_two(shares[four], truth[four], four, point)
    for name in BINARY:
        assert together[name].estimate == pytest.approx(once[name].estimate)
        width = {
            key: found[name].high - found[name].low
            for key, found in (("once", once), ("apart", apart), ("together", together))
        }
        assert width["together"] > 1.5 * width["apart"]
        assert width["together"] == pytest.approx(width["once"], rel=0.2)


def test_grades_get_kappa_and_accuracy_of_the_median():
    shares, truth = scored(classes=4)
    found = figures_on_part(
        ("accuracy", "quadratic_kappa"),
        shares,
        truth,
        [],
        np.arange(80),
        labels=("0", "1", "2", "3"),
        positive=None,
        ordered=True,
    )
    median = median_grade(shares)
    kappa = found["quadratic_kappa"]
    assert kappa.estimate == pytest.approx(cohen_kappa_score(truth, median, weights="quadratic"))
    assert kappa.low < kappa.estimate < kappa.high
    assert found["accuracy"] == wilson(int((median == truth).sum()), 80)
