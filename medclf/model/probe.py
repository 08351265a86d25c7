"""Fits a linear head on frozen features: the quickest honest transfer there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medclf.errors import ModelMisuse

_Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights of a linear layer with what was found on the way.

    Attributes:
        weight: (classes, features) float64, on features as the backbone gives them.
        bias: (classes,) float64.
        penalty: the inverse L2 strength C that was chosen.
        tune_auc: macro one-vs-rest AUC on the tune part for each C that was tried.
    """

    weight: _Array
    bias: _Array
    penalty: float
    tune_auc: dict[float, float]


def macro_auc(truth: np.ndarray[Any, Any], scores: _Array) -> float:
    """Return the macro one-vs-rest AUC; the plain AUC for two classes.

    Args:
        truth: (n,) int, each class present.
        scores: (n, classes) float64.
    """
    from sklearn.metrics import roc_auc_score

    if scores.shape[1] == 2:
        return float(roc_auc_score(truth, scores[:, 1] - scores[:, 0]))
    per_class = [
        roc_auc_score(truth == k, scores[:, k] - np.delete(scores, k, axis=1).max(axis=1))
        for k in range(scores.shape[1])
    ]
    return float(np.mean(per_class))


def fit_probe(
    train: tuple[_Array, np.ndarray[Any, Any]],
    tune: tuple[_Array, np.ndarray[Any, Any]],
    *,
    penalties: Sequence[float] = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    balanced: bool = True,
) -> LinearHead:
    """Fit logistic regression on standardised features; choose its penalty by tune AUC.

    The standardisation is folded into the weights, so that the head works on the
    features as they come. Among equal AUCs the strongest penalty wins.

    Args:
        train: features (n, d) float64 and truth (n,) int.
        tune: features (m, d) float64 and truth (m,) int.
        penalties: the inverse L2 strengths C to try.
        balanced: weigh classes by the inverse of their frequency.

    Raises:
        ModelMisuse: a class has no case in the train part.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = train
    if len(np.unique(y)) < 2:
        raise ModelMisuse(
            "The train part holds a single class.",
            advice="Check the labels and the split; a classifier needs two classes at least.",
        )
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    tried: dict[float, float] = {}
    best: LinearHead | None = None
    for penalty in sorted(penalties):
        model = LogisticRegression(
            C=penalty, max_iter=2000, tol=1e-6, class_weight="balanced" if balanced else None
        )
        model.fit((x - mean) / scale, y)
        coefficient, intercept = model.coef_, model.intercept_
        if coefficient.shape[0] == 1:  # two classes: one row, for the second
            coefficient = np.vstack([-coefficient / 2, coefficient / 2])
            intercept = np.concatenate([-intercept / 2, intercept / 2])
        weight = coefficient / scale  # (classes, features)
        bias = intercept - weight @ mean  # (classes,)
        tried[penalty] = macro_auc(tune[1], tune[0] @ weight.T + bias)
        if best is None or tried[penalty] > best.tune_auc[best.penalty] + 1e-4:
            best = LinearHead(weight, bias, penalty, tried)
    if best is None:
        raise ModelMisuse("No penalty was given to try.", advice="Name at least one C.")
    return best
