"""The figures of the imbalance study agree with scikit-learn's; its draws are what it says."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from medclf.evaluate.reliability import ece
from medclf.model.fit_config import FitConfig
from medclf.model.part import Part
from validation.benchmarks.imbalance_figures import (
    FIGURES,
    Read,
    average_precision,
    interval,
    replicate,
    sensitivity_at,
)
from validation.benchmarks.imbalance_methods import METHODS, fit_head, thin
from validation.benchmarks.imbalance_table import DEFAULT, Level, document, markdown


def cases(n=400, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.random(n) < 0.4
    margins = truth * 1.5 + generator.normal(size=n)
    return truth, margins, generator.integers(0, 4, (3, n)).astype(float)


def read(seed=0):
    truth, margins, _ = cases(seed=seed)
    probability = 1 / (1 + np.exp(-margins))
    return truth, Read(margins, probability, probability**2)


def test_sensitivity_at_95_specificity_is_that_of_the_roc_curve():
    truth, margins, weights = cases()
    found = sensitivity_at(margins, truth, weights)
    for row, ours in zip(weights, found, strict=True):
        false, true, _ = roc_curve(truth, margins, sample_weight=row, drop_intermediate=False)
        assert ours == pytest.approx(true[false <= 0.05 + 1e-9].max())


def test_a_specificity_that_the_cases_allow_exactly_is_not_missed_by_rounding():
    truth = np.array([False] * 20 + [True] * 2)
    margins = np.array([*range(20), 18.5, 19.5])
    assert sensitivity_at(margins, truth, np.ones((1, 22))).tolist() == [1.0]


def test_average_precision_is_that_of_scikit_learn():
    truth, margins, weights = cases()
    expected = [average_precision_score(truth, margins, sample_weight=row) for row in weights]
    assert average_precision(margins, truth, weights) == pytest.approx(expected)


def test_figures_of_prevalence_are_those_of_cases_repeated_to_it():
    truth, one = read()
    found = replicate([one], truth, ("",) * len(truth), prevalence=0.1, seed=0)
    times = np.where(truth, (~truth).sum(), 9 * truth.sum())  # positives are one in ten
    rows = np.repeat(np.arange(len(truth)), times)
    assert found["ece"][0] == pytest.approx(ece(one.probability[rows], truth[rows]))
    assert found["auc"][0] == pytest.approx(roc_auc_score(truth, one.margins))
    expected = average_precision_score(truth[rows], one.margins[rows])
    assert found["average_precision"][0] == pytest.approx(expected)


def test_intervals_hold_the_figure_and_widen_with_fewer_patients():
    truth, one = read()
    many = replicate([one], truth, ("",) * len(truth), prevalence=0.02, seed=0)
    few_names = tuple(f"p{row % 12}" for row in range(len(truth)))
    few = replicate([one], truth, few_names, prevalence=0.02, seed=0)
    for name in FIGURES:
        found = interval(many[name])
        assert found.low <= found.high
        assert many[name][0] == pytest.approx(few[name][0])
    assert interval(many["auc"]).low < many["auc"][0] < interval(many["auc"]).high


def test_thinning_keeps_all_negatives_and_whole_patients():
    truth = np.array([0] * 490 + [1] * 300)
    patients = np.array([f"n{i}" for i in range(490)] + [f"p{i // 3}" for i in range(300)])
    part = Part(np.arange(1000, 1790), truth)
    thinned = thin(part, patients, np.random.default_rng(0))
    assert (thinned.truth == 0).sum() == 490
    assert thinned.truth.sum() == 9  # 2 % is 10, and three patients of three are 9
    kept = patients[thinned.rows - 1000][thinned.truth == 1]
    assert sorted(np.unique(kept, return_counts=True)[1]) == [3, 3, 3]
    other = thin(part, patients, np.random.default_rng(1))
    assert not np.array_equal(thinned.rows, other.rows)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_and_ends_near_the_odds_of_its_cases(method):
    generator = np.random.default_rng(0)
    truth = (np.arange(1200) < 60).astype(np.int64)
    features = generator.normal(size=(1200, 6)) + truth[:, None] * 0.8
    config = FitConfig().model_copy(update={**METHODS[method], "epochs": 15})
    part = Part(np.arange(1200), truth)
    scores = fit_head(features, part, config, seed=0)(part.rows)
    margins = scores[:, 1] - scores[:, 0]
    assert roc_auc_score(truth, margins) > 0.85
    if method != "focal loss":  # which no constant straightens
        assert (1 / (1 + np.exp(-margins))).mean() == pytest.approx(0.05, abs=0.03)


def test_the_default_is_one_of_the_methods():
    assert METHODS[DEFAULT] == {"weighting": FitConfig().weighting}


def test_the_table_names_every_method_and_marks_the_default():
    truth, one = read()
    better = Read(one.margins + truth, one.probability, one.probability)
    reads = {method: [better if method == "focal loss" else one] * 2 for method in METHODS}
    level = Level(
        name="head",
        side=224,
        epochs=1,
        cases={"train": 100},
        positives={"train": 2},
        reads={"tune": reads, "test": reads},
        truth={"tune": truth, "test": truth},
        patients={"tune": ("",) * len(truth), "test": ("",) * len(truth)},
    )
    judged = [(level, level.judge(prevalence=0.02))]
    text = markdown(judged)
    assert all(f"| {method}" in text for method in METHODS)
    assert f"{DEFAULT} (default)" in text
    assert "outside its interval" in text
    assert json.loads(document(judged, {}))["levels"]["head"]["draws"] == 2
