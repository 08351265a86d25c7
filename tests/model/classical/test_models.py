import numpy as np
import pytest

from medclf.errors import ModelMisuse
from medclf.model.classical.models import fit_forest, fit_logistic, fit_svm
from medclf.model.probe import macro_auc

BLOCKS = (4, 2, 6)


def made(n, classes, *, seed):
    """Numbers (n, 12) of which the first two tell the class, along a bent line."""
    generator = np.random.default_rng(seed)
    truth = np.arange(n) % classes
    numbers = generator.normal(size=(n, 12))
    numbers[:, 0] = np.cos(truth * 2.0) * 2 + generator.normal(size=n)
    numbers[:, 1] = np.sin(truth * 2.0) * 2 + generator.normal(size=n)
    return numbers, truth


def fits(classes, *, threads=1, judge=macro_auc, seed=0):
    train, tune = made(120, classes, seed=1), made(60, classes, seed=2)
    return {
        "logistic": fit_logistic(train, tune, judge=judge),
        "svm": fit_svm(train, tune, blocks=BLOCKS, judge=judge, seed=seed),
        "forest": fit_forest(train, tune, judge=judge, seed=seed, threads=threads),
    }


@pytest.mark.parametrize("classes", [2, 4])
def test_every_model_learns_what_can_be_learned(classes):
    numbers, truth = made(200, classes, seed=3)
    for name, model in fits(classes).items():
        scores = model.score(numbers)
        assert macro_auc(truth, scores) > 0.8, name
        assert np.exp(scores).sum(axis=1) == pytest.approx(1.0)
        assert np.isfinite(scores).all()


def test_the_same_seed_gives_the_same_scores_with_any_number_of_threads():
    numbers, _ = made(50, 3, seed=4)
    once, again = fits(3), fits(3, threads=3)
    for name, model in once.items():
        assert np.array_equal(model.score(numbers), again[name].score(numbers)), name


def test_what_is_best_on_the_tune_part_is_kept():
    tune = made(60, 2, seed=2)
    for model in fits(2).values():
        assert model.tune_figure == pytest.approx(macro_auc(tune[1], model.score(tune[0])))


def test_of_equal_settings_the_plainest_is_kept():
    found = fits(2, judge=lambda truth, scores: 0.5)
    assert found["logistic"].chosen == {"C": 0.01}
    assert found["svm"].chosen == {"C": 0.3, "gamma": 0.1}
    assert found["forest"].chosen == {"leaf": 10.0}


def test_a_figure_of_decisions_may_put_the_odds_of_the_train_part_back():
    generator = np.random.default_rng(0)

    def rare(n):
        truth = (generator.random(n) < 0.1).astype(np.int64) + 2 * (generator.random(n) < 0.1)
        truth = np.minimum(truth, 2)
        return generator.normal(size=(n, 3)) + 0.5 * truth[:, None], truth

    def accuracy(truth, scores):
        return float((scores.argmax(axis=1) == truth).mean())

    found = fit_logistic(rare(600), rare(300), judge=accuracy)
    assert found.chosen["own_odds"] == 1.0


def test_a_constant_number_does_no_harm():
    (numbers, truth), tune = made(120, 2, seed=1), made(60, 2, seed=2)
    numbers[:, 5] = 7.0
    model = fit_svm((numbers, truth), tune, blocks=BLOCKS, judge=macro_auc, seed=0)
    assert np.isfinite(model.score(tune[0])).all()


def test_a_class_that_the_train_part_lacks_is_refused():
    numbers, truth = made(120, 3, seed=1)
    known = truth != 1
    with pytest.raises(ModelMisuse, match="lacks 1 of 3 classes"):
        fit_logistic((numbers[known], truth[known]), (numbers, truth), judge=macro_auc)
