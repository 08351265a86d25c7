"""Weighs classes against each other, so that a rare one is learned before training stops.

Sources: balanced weights, King & Zeng 2001, Political Analysis 9:137, and scikit-learn's
`class_weight="balanced"`; effective number of cases, Cui et al. 2019, arXiv:1901.05555.
"""

from typing import Any

import numpy as np

from medclf.errors import PartRefused
from medclf.model.fit_config import Weighting

_Counts = np.ndarray[Any, np.dtype[np.int64]]
_Weights = np.ndarray[Any, np.dtype[np.float64]]


def count_classes(truth: np.ndarray[Any, Any], classes: int) -> _Counts:
    """Return (classes,) int64, the cases of each class in the train part.

    Args:
        truth: (n,) int64.
        classes: how many the network tells apart.

    Raises:
        PartRefused: a class has no case: it could be neither weighed nor learned.
    """
    counts = np.bincount(truth, minlength=classes).astype(np.int64)
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        raise PartRefused(
            f"The train part holds no case of {len(absent)} of {classes} classes.",
            advice="Add cases of every label, give `split.train` a larger share, or take the "
            "label out of study.yaml.",
            absent=absent.tolist(),
        )
    return counts


def count_outcomes(truth: np.ndarray[Any, Any]) -> _Counts:
    """Return (findings, 2) int64, how often each finding is told absent and present.

    Args:
        truth: (n, findings) int64 of 0, 1 and `UNKNOWN`.

    Raises:
        PartRefused: a finding is never told present, or never told absent.
    """
    counts = np.stack([(truth == outcome).sum(axis=0) for outcome in (0, 1)], axis=1)
    lacking = np.flatnonzero((counts == 0).any(axis=1))
    if len(lacking):
        raise PartRefused(
            f"In the train part {len(lacking)} of {len(counts)} findings are never told present, "
            "or never told absent.",
            advice="Add cases of both outcomes, give `split.train` a larger share, or take these "
            "findings out of study.yaml.",
            lacking=lacking.tolist(),
        )
    return counts.astype(np.int64)


def weigh(counts: _Counts, weighting: Weighting, *, beta: float = 0.0) -> _Weights:
    """Return weights of classes whose mean over the cases is one.

    A mean of one keeps the loss, and so the learning rate, on one scale whatever the rule.
    Cui et al. scale theirs to a mean of one over the classes; only the ratios matter.

    Args:
        counts: (..., classes) int64, each above 0.
        weighting: `balanced`: 1 / n_c; `effective`: (1 - β) / (1 - β ** n_c), which lies
            between equal weights (β = 0) and balanced ones (β → 1).
        beta: in [0, 1), for `effective`.

    Returns:
        (..., classes) float64.

    >>> [round(float(w), 3) for w in weigh(np.array([90, 10]), Weighting.BALANCED)]
    [0.556, 5.0]
    """
    cases, classes = counts.sum(axis=-1, keepdims=True), counts.shape[-1]
    match weighting:
        case Weighting.NONE:
            return np.ones(counts.shape)
        case Weighting.BALANCED:
            return np.asarray(cases / (classes * counts), dtype=np.float64)
        case Weighting.EFFECTIVE:
            each = (1 - beta) / (1 - beta**counts)
            return np.asarray(each * cases / (each * counts).sum(axis=-1, keepdims=True))
