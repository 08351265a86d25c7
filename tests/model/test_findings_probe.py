from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from medclf.errors import ModelMisuse
from medclf.model.findings_probe import fit_findings_probe
from medclf.model.fit_config import Selection, Weighting
from medclf.model.part import UNKNOWN
from medclf.model.selection import judge_scores
from medclf.model.task import Task
from medclf.model.weighting import count_outcomes, weigh

judge = partial(judge_scores, Selection.AUC, task=Task.FINDINGS)


def known(n, *, seed):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n, 5))
    truth = (features[:, :3] + generator.normal(size=(n, 3)) > 0.5).astype(np.int64)
    truth[generator.random(truth.shape) < 0.3] = UNKNOWN
    return features, truth


def test_each_finding_is_learned_from_the_cases_that_tell_of_it():
    train, tune = known(300, seed=0), known(100, seed=1)
    weights = weigh(count_outcomes(train[1]), Weighting.BALANCED).T
    head = fit_findings_probe(train, tune, weights=weights, judge=judge, penalties=(1.0,))
    x = (train[0] - train[0].mean(0)) / train[0].std(0)
    for k in range(3):
        told = train[1][:, k] != UNKNOWN
        alone = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-8, max_iter=5000)
        alone.fit(x[told], train[1][told, k])
        scores = train[0] @ head.weight[k] + head.bias[k]
        assert np.allclose(scores, alone.decision_function(x), atol=1e-3)


def test_a_finding_told_one_way_only_is_refused_by_its_number():
    features, truth = known(100, seed=2)
    truth[truth[:, 1] == 1, 1] = UNKNOWN
    with pytest.raises(ModelMisuse, match="number 2 of 3"):
        fit_findings_probe(
            (features, truth), (features, truth), weights=np.ones((2, 3)), judge=judge
        )
