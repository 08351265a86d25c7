from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score

from medclf.errors import ModelMisuse
from medclf.model.fit_config import Selection
from medclf.model.ordinal import OrdinalHead
from medclf.model.ordinal_probe import fit_ordinal_probe
from medclf.model.selection import judge_scores, read_grades
from medclf.model.task import Task

CUTS = np.array([-2.0, 0.5, 2.0])
judge = partial(judge_scores, Selection.KAPPA, task=Task.ORDINAL)


def graded(n, *, seed):
    """Features whose first tells the severity, drawn from proportional odds themselves."""
    generator = np.random.default_rng(seed)
    features = generator.normal(3.0, 2.0, (n, 6))
    severity = 1.5 * (features[:, 0] - 3.0) + generator.logistic(size=n)
    return features, (severity[:, None] > CUTS).sum(axis=1)


def test_the_fit_finds_the_cut_points_and_the_weight_that_made_the_grades():
    fitted = fit_ordinal_probe(
        graded(6000, seed=0), graded(500, seed=1), weights=np.ones(4), judge=judge, penalties=(10,)
    )
    cuts = fitted.first + np.concatenate([[0], np.cumsum(np.log1p(np.exp(fitted.gaps)))])
    assert fitted.weight[0] == pytest.approx(1.5, abs=0.1)
    assert np.abs(fitted.weight[1:]).max() < 0.06
    assert np.allclose(cuts - 1.5 * 3.0, CUTS, atol=0.5)  # the features' mean is folded in
    assert np.allclose(np.diff(cuts), np.diff(CUTS), atol=0.2)


def test_the_fit_agrees_with_statsmodels():
    model = pytest.importorskip("statsmodels.miscmodels.ordinal_model")
    x, y = graded(800, seed=2)
    fitted = fit_ordinal_probe((x, y), (x, y), weights=np.ones(4), judge=judge, penalties=(1e6,))
    other = model.OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=False)
    assert np.allclose(fitted.weight, other.params[:6], atol=2e-3)
    assert fitted.first == pytest.approx(other.params[6], abs=2e-2)


def test_the_head_gives_what_the_fit_gives():
    train = graded(300, seed=3)
    fitted = fit_ordinal_probe(train, train, weights=np.ones(4), judge=judge)
    head = OrdinalHead(6, 4)
    head.shift.fill_(1.0)
    fitted.put_into(head)
    scores = head(torch.as_tensor(train[0])).detach().numpy()
    assert np.allclose(scores, fitted.scores(train[0]), atol=1e-4)


def test_the_penalty_is_chosen_by_quadratic_kappa_on_the_tune_part():
    train, tune = graded(200, seed=4), graded(200, seed=5)
    fitted = fit_ordinal_probe(train, tune, weights=np.ones(4), judge=judge)
    own = cohen_kappa_score(tune[1], read_grades(fitted.scores(tune[0])), weights="quadratic")
    assert fitted.tune_kappa[fitted.penalty] == pytest.approx(own)
    assert max(fitted.tune_kappa.values()) <= own + 1e-4 + 1e-9


def test_a_grade_without_a_case_is_refused():
    x, y = graded(200, seed=6)
    y[y == 2] = 1
    with pytest.raises(ModelMisuse, match="grade number 3 of 4"):
        fit_ordinal_probe((x, y), (x, y), weights=np.ones(4), judge=judge)
