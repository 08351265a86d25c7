import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from medclf.errors import ModelMisuse
from medclf.model.probe import PENALTIES, fit_probe, macro_auc


def blobs(generator, n, classes, distance=2.0):
    truth = np.arange(n) % classes
    centres = np.random.default_rng(9).normal(size=(classes, 8)) * distance
    return centres[truth] + generator.normal(size=(n, 8)) * [1, 5, 0.1, 1, 1, 1, 1, 1], truth


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_separates_what_can_be_separated(classes):
    generator = np.random.default_rng(0)
    train, tune, new = (blobs(generator, n, classes) for n in (300, 60, 200))
    head = fit_probe(train, tune)
    assert head.weight.shape == (classes, 8)
    assert macro_auc(new[1], new[0] @ head.weight.T + head.bias) > 0.95


def test_a_constant_feature_does_no_harm():
    generator = np.random.default_rng(0)
    x, y = blobs(generator, 200, 2)
    x[:, 0] = 7.0
    head = fit_probe((x, y), (x, y))
    assert np.isfinite(head.weight).all()


def test_one_class_is_refused():
    x = np.zeros((10, 3))
    with pytest.raises(ModelMisuse, match="single class"):
        fit_probe((x, np.zeros(10, int)), (x, np.zeros(10, int)))


def test_macro_auc_of_two_classes_is_the_auc():
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 2, 50)
    scores = generator.normal(size=(50, 2))
    expected = roc_auc_score(truth, scores[:, 1] - scores[:, 0])
    assert macro_auc(truth, scores) == pytest.approx(expected)


def test_the_penalty_is_chosen_on_folds_of_the_train_part_alone():
    generator = np.random.default_rng(3)
    train, tune = blobs(generator, 200, 2, 0.3), blobs(generator, 30, 2, 0.3)
    head = fit_probe(train, tune)
    backwards = fit_probe(train, (tune[0], 1 - tune[1]))
    assert head.penalty == backwards.penalty
    assert head.chosen_on == "5 folds"
    np.testing.assert_array_equal(head.weight, backwards.weight)


def test_cases_of_one_unit_are_never_parted():
    """Each unit has features of its own; only a choice that parts units believes in them."""
    generator = np.random.default_rng(4)
    units = np.repeat(np.arange(40), 6)
    y = units % 2
    x = np.repeat(generator.normal(size=(40, 60)), 6, axis=0)
    x = x + 0.01 * generator.normal(size=x.shape)
    together = fit_probe((x, y), (x[:12], y[:12]), units=units)
    parted = fit_probe((x, y), (x[:12], y[:12]))
    assert together.grouped
    assert together.chosen_on == "5 grouped folds"
    assert max(parted.figures.values()) > 0.99
    assert max(together.figures.values()) < 0.75


@pytest.mark.parametrize(("positives", "folds"), [(3, 3), (2, 2), (1, 0)])
def test_few_cases_of_a_class_mean_fewer_folds_and_then_the_tune_part(positives, folds):
    generator = np.random.default_rng(5)
    y = np.array([1] * positives + [0] * 40)
    x = generator.normal(size=(len(y), 5)) + y[:, None]
    head = fit_probe((x, y), (x, y))
    assert head.folds == folds
    assert head.chosen_on == (f"{folds} folds" if folds else "the tune part")


def test_a_class_in_one_unit_leaves_the_choice_to_the_tune_part():
    generator = np.random.default_rng(6)
    y = np.array([1] * 10 + [0] * 40)
    units = np.where(y == 1, 0, np.arange(50))
    x = generator.normal(size=(50, 5)) + y[:, None]
    assert fit_probe((x, y), (x, y), units=units).chosen_on == "the tune part"


def test_among_equal_figures_the_strongest_penalty_wins():
    y = np.arange(60) % 2
    x = np.stack([y * 10.0, np.zeros(60)], axis=1)
    assert fit_probe((x, y), (x, y)).penalty == min(PENALTIES)


def test_a_figure_of_ones_own_chooses():
    generator = np.random.default_rng(7)
    train = blobs(generator, 100, 2, 0.2)
    largest = fit_probe(train, train, judge=lambda truth, scores: float(np.abs(scores).mean()))
    assert largest.penalty == max(PENALTIES)


def test_the_head_is_that_of_a_cold_start_on_all_of_the_train_part():
    generator = np.random.default_rng(8)
    x, y = blobs(generator, 150, 3, 0.5)
    head = fit_probe((x, y), (x, y))
    ready = (x - x.mean(axis=0)) / x.std(axis=0)
    alone = LogisticRegression(C=head.penalty, max_iter=5000, tol=1e-8, class_weight="balanced")
    expected = alone.fit(ready, y).predict_log_proba(ready)
    scores = x @ head.weight.T + head.bias
    np.testing.assert_allclose(log_softmax(scores, axis=1), expected, atol=1e-3)


def test_no_penalty_is_refused():
    x, y = blobs(np.random.default_rng(9), 20, 2)
    with pytest.raises(ModelMisuse, match="No penalty"):
        fit_probe((x, y), (x, y), penalties=())
