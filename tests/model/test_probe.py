import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medclf.errors import ModelMisuse
from medclf.model.probe import fit_probe, macro_auc


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
