"""Fits a linear head for several findings on frozen features, each from the cases told of it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medclf.errors import ModelMisuse
from medclf.model.part import UNKNOWN
from medclf.model.probe import LinearHead

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Judge = Callable[[np.ndarray[Any, Any], _Array], float]


def fit_findings_probe(
    train: tuple[_Array, np.ndarray[Any, Any]],
    tune: tuple[_Array, np.ndarray[Any, Any]],
    *,
    weights: _Array,
    judge: _Judge,
    penalties: Sequence[float] = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
) -> LinearHead:
    """Fit a logistic regression for each finding; choose one penalty for all on the tune part.

    The standardisation is folded into the weights, so that the head works on the features as
    they come. Among equal figures the strongest penalty wins.

    Args:
        train: features (n, d) float64 and truth (n, findings) of 0, 1 and `UNKNOWN`.
        tune: features (m, d) float64 and truth (m, findings).
        weights: (2, findings) float64, of an absent and of a present case of each.
        judge: gives the figure of truth (m, findings) and scores (m, findings): the mean AUC.
        penalties: the inverse L2 strengths C to try.

    Raises:
        ModelMisuse: a finding is told one way only in the train part, or no penalty is named.
    """
    from sklearn.linear_model import LogisticRegression

    x, truth = train
    for place in range(truth.shape[1]):
        if not {0, 1} <= set(truth[:, place].tolist()):
            raise ModelMisuse(
                f"Finding number {place + 1} of {truth.shape[1]} is told one way only in the "
                "train part.",
                advice="Give cases in which it is present and absent, or leave it out of "
                "`findings`.",
            )
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    standard = (x - mean) / scale
    tried: dict[float, float] = {}
    best: LinearHead | None = None
    for penalty in sorted(penalties):
        rows, intercepts = [], []
        for place in range(truth.shape[1]):
            told = truth[:, place] != UNKNOWN
            own = {0: weights[0, place], 1: weights[1, place]}
            model = LogisticRegression(C=penalty, max_iter=2000, tol=1e-6, class_weight=own)
            model.fit(standard[told], truth[told, place])
            rows.append(model.coef_[0])
            intercepts.append(model.intercept_[0])
        weight = np.stack(rows) / scale  # (findings, features)
        bias = np.array(intercepts) - weight @ mean  # (findings,)
        tried[penalty] = judge(tune[1], tune[0] @ weight.T + bias)
        if best is None or tried[penalty] > best.tune_auc[best.penalty] + 1e-4:
            best = LinearHead(weight, bias, penalty, tried)
    if best is None:
        raise ModelMisuse("No penalty was given to try.", advice="Name at least one C.")
    return best
