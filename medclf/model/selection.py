"""The figure on the tune part that chooses an epoch or a penalty; never accuracy."""

from typing import Any

import numpy as np

from medclf.model.fit_config import Selection
from medclf.model.part import UNKNOWN
from medclf.model.probe import macro_auc
from medclf.model.task import Task


def judge_scores(
    selection: Selection,
    truth: np.ndarray[Any, Any],
    scores: np.ndarray[Any, np.dtype[np.float64]],
    *,
    task: Task = Task.EXCLUSIVE,
) -> float:
    """Return a figure in [-1, 1], the higher the better.

    Args:
        selection: which figure.
        truth: (n,) int64, or (n, findings) of 0, 1 and `UNKNOWN`.
        scores: (n, classes) float64, before calibration.
        task: how the labels relate.
    """
    from sklearn.metrics import cohen_kappa_score, roc_auc_score

    if task is Task.FINDINGS:
        both = [k for k in range(scores.shape[1]) if {0, 1} <= set(truth[:, k].tolist())]
        told = [(truth[truth[:, k] != UNKNOWN, k], scores[truth[:, k] != UNKNOWN, k]) for k in both]
        return float(np.mean([roc_auc_score(*pair) for pair in told])) if told else 0.5
    if selection is Selection.KAPPA:
        grades = read_grades(scores)
        return float(cohen_kappa_score(truth, grades, weights="quadratic"))
    return macro_auc(truth, scores)


def read_grades(
    scores: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return (n,) int64, the median grade of each case's distribution.

    Args:
        scores: (n, grades) float64, log-probabilities up to a constant.

    >>> read_grades(np.log(np.array([[0.45, 0.10, 0.45], [0.6, 0.3, 0.1]]))).tolist()
    [1, 0]
    """
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    passed = 1 - np.cumsum(shares, axis=1)[:, :-1] / shares.sum(axis=1, keepdims=True)
    return np.asarray((passed > 0.5).sum(axis=1), dtype=np.int64)
