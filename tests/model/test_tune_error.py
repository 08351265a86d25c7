"""The margin within which epochs count as equal, against what resampling shows."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from medclf.model.fit_config import Selection
from medclf.model.part import UNKNOWN
from medclf.model.task import Task
from medclf.model.tune_error import TuneError


def spread(figure, *, positive, negative, apart, draws=2000):
    """Mean and standard deviation of a figure over fresh samples of normal scores."""
    generator = np.random.default_rng(0)
    truth = np.repeat([1, 0], [positive, negative])
    found = [figure(truth, generator.normal(size=len(truth)) + apart * truth) for _ in range(draws)]
    return float(np.mean(found)), float(np.std(found))


@pytest.mark.parametrize(("positive", "negative"), [(100, 100), (12, 388), (40, 160)])
@pytest.mark.parametrize("apart", [1.0, 1.8])
def test_error_of_an_area_is_what_fresh_samples_show(positive, negative, apart):
    mean, sd = spread(roc_auc_score, positive=positive, negative=negative, apart=apart)
    own = TuneError(Selection.AUC, ((positive, negative),)).at(mean)
    assert 0.85 * sd < own < 1.5 * sd  # the formula is known to be on the safe side


def test_few_positives_tell_less_than_a_balanced_part_of_that_size():
    mean, sd = spread(roc_auc_score, positive=12, negative=388, apart=1.8)
    assert TuneError(Selection.AUC, ((200, 200),)).at(mean) < 0.6 * sd


@pytest.mark.parametrize(("positive", "negative"), [(100, 100), (40, 360)])
def test_error_of_an_average_precision_goes_by_the_positives(positive, negative):
    mean, sd = spread(average_precision_score, positive=positive, negative=negative, apart=1.5)
    own = TuneError(Selection.AVERAGE_PRECISION, ((positive, negative),)).at(mean)
    assert 0.8 * sd < own < 2 * sd  # known to be on the safe side (Boyd et al. 2013, table 1)


def test_each_label_is_counted_against_the_rest():
    truth = np.repeat([0, 1, 2], [50, 30, 20])
    error = TuneError.of(Selection.AUC, truth, classes=3, task=Task.EXCLUSIVE)
    assert error.counts == ((50, 50), (30, 70), (20, 80))


def test_findings_are_counted_where_they_are_told_both_ways():
    truth = np.array([[1, 0, 1], [0, UNKNOWN, 1], [UNKNOWN, 1, 1], [0, 0, UNKNOWN]])
    error = TuneError.of(Selection.AVERAGE_PRECISION, truth, classes=3, task=Task.FINDINGS)
    assert error.counts == ((1, 2), (1, 2))  # the third is nowhere told absent


def test_kappa_is_taken_for_an_area_of_as_many_cases():
    truth = np.repeat([0, 1, 2], [70, 20, 11])
    error = TuneError.of(Selection.KAPPA, truth, classes=3, task=Task.ORDINAL)
    assert error.at(0.8) == TuneError(Selection.AUC, ((50, 51),)).at(0.8)
    assert error.at(-0.2) == error.at(0.0)


def test_nothing_counted_gives_no_margin():
    assert TuneError(Selection.AUC, ()).at(0.9) == 0
