"""The figure on the tune part that chooses an epoch or a penalty; never accuracy.

Accuracy rewards a network that never sees a rare finding; none of these does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from medclf.errors import ModelMisuse, PartRefused, TrainingDiverged
from medclf.model.fit_config import Selection
from medclf.model.task import Task

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Figure = Callable[[np.ndarray[Any, np.dtype[np.bool_]], _Array], float]
"""Truth (n,) bool and scores (n,) float64 → how well the scores tell them apart."""


def judge_scores(
    selection: Selection,
    truth: np.ndarray[Any, Any],
    scores: _Array,
    *,
    task: Task = Task.EXCLUSIVE,
) -> float:
    """Return a figure in [-1, 1], the higher the better.

    `auc` and `average_precision` are means over the classes, each against the rest by the
    margin of its score over the best other one; so a rare class counts as much as any. With
    several findings they are means over those that are told both present and absent, each on
    the cases where it is told. `kappa` is Cohen's with quadratic weights (1968, Psychological
    Bulletin 70:213), of the grades that `read_grades` reads.

    Args:
        selection: which figure.
        truth: (n,) int64, or (n, findings) of 0, 1 and `UNKNOWN`.
        scores: (n, classes) float64, before calibration.
        task: how the labels relate.

    Raises:
        PartRefused: a class has no case here; for `kappa`, there is a single grade; with
            several findings, none is told both present and absent.
        TrainingDiverged: a score is not a finite number.
        ModelMisuse: `kappa` of labels that are no grades.
    """
    if not np.isfinite(scores).all():
        raise TrainingDiverged(
            f"The network gives scores that are no finite numbers for "
            f"{int((~np.isfinite(scores)).any(axis=1).sum())} of {len(scores)} tune cases.",
            advice="Lower `learning_rate`, or set `precision: float32`.",
        )
    if selection is Selection.KAPPA:
        if task is not Task.ORDINAL:
            raise ModelMisuse(
                "`select_by: kappa` compares grades; these labels have no order.",
                advice="Set `ordered: true` if they are grades, else `select_by: auc`.",
            )
        return _kappa(truth, scores)
    figure = _area if selection is Selection.AUC else _average_precision
    if task is Task.FINDINGS:
        return _over_findings(figure, truth, scores)
    return _over_classes(figure, truth, scores)


def read_grades(scores: _Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return (n,) int64, the median grade of each case's distribution.

    That is how a cumulative link model is read: a grade for each threshold that is more
    likely passed than not (Cao, Mirjalili & Raschka 2020, arXiv:1901.07884, section 3.3). It
    costs the least expected distance, where the most probable grade may be the far end of a
    flat distribution, and a narrow grade between two wide ones might never be read at all.

    Args:
        scores: (n, grades) float64, log probabilities up to a constant.

    >>> read_grades(np.log(np.array([[0.45, 0.10, 0.45], [0.6, 0.3, 0.1]]))).tolist()
    [1, 0]
    """
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    passed = 1 - np.cumsum(shares, axis=1)[:, :-1] / shares.sum(axis=1, keepdims=True)
    return np.asarray((passed > 0.5).sum(axis=1), dtype=np.int64)


def _over_classes(figure: _Figure, truth: np.ndarray[Any, Any], scores: _Array) -> float:
    classes = scores.shape[1]
    absent = np.setdiff1d(np.arange(classes), truth)
    if len(absent):
        raise PartRefused(
            f"The tune part holds no case of {len(absent)} of {classes} classes, so nothing can "
            "be chosen by it.",
            advice="Give `split.tune` a larger share, or add cases of every label.",
            absent=absent.tolist(),
        )
    margins = [scores[:, k] - np.delete(scores, k, axis=1).max(axis=1) for k in range(classes)]
    return float(np.mean([figure(truth == k, margins[k]) for k in range(classes)]))


def _over_findings(figure: _Figure, truth: np.ndarray[Any, Any], scores: _Array) -> float:
    figures = []
    for k in range(scores.shape[1]):
        told = truth[:, k] >= 0
        present = truth[told, k] == 1
        if present.any() and not present.all():
            figures.append(figure(present, scores[told, k]))
    if not figures:
        raise PartRefused(
            "In the tune part no finding is told both present and absent, so nothing can be "
            "chosen by it.",
            advice="Give `split.tune` a larger share, or add cases with the findings told.",
        )
    return float(np.mean(figures))


def _area(truth: np.ndarray[Any, np.dtype[np.bool_]], scores: _Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def _average_precision(truth: np.ndarray[Any, np.dtype[np.bool_]], scores: _Array) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores))


def _kappa(truth: np.ndarray[Any, Any], scores: _Array) -> float:
    from sklearn.metrics import cohen_kappa_score

    if len(np.unique(truth)) < 2:
        raise PartRefused(
            "The tune part holds a single grade, so kappa is undefined.",
            advice="Give `split.tune` a larger share, or add cases of every grade.",
        )
    grades = np.arange(scores.shape[1])
    return float(cohen_kappa_score(truth, read_grades(scores), labels=grades, weights="quadratic"))
