"""Figures of decisions: sensitivity and its relatives, from counts.

Every function takes counts of any shape, so that one formula serves the figure itself and
all of its resamples. 0 / 0 is NaN: these cases do not tell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Counts:
    """Decisions against truth; four float64 arrays of one shape.

    Attributes:
        tp: true positives.
        fp: false positives.
        fn: false negatives.
        tn: true negatives.
    """

    tp: FloatArray
    fp: FloatArray
    fn: FloatArray
    tn: FloatArray


def count(decisions: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> Counts:
    """Count decisions against truth.

    Args:
        decisions: (n,) bool.
        truth: (n,) bool.
    """
    return Counts(
        tp=np.asarray((decisions & truth).sum(), dtype=np.float64),
        fp=np.asarray((decisions & ~truth).sum(), dtype=np.float64),
        fn=np.asarray((~decisions & truth).sum(), dtype=np.float64),
        tn=np.asarray((~decisions & ~truth).sum(), dtype=np.float64),
    )


def sensitivity(counts: Counts) -> FloatArray:
    """Share of positives that were called positive, TP / (TP + FN)."""
    return share(counts.tp, counts.tp + counts.fn)


def specificity(counts: Counts) -> FloatArray:
    """Share of negatives that were called negative, TN / (TN + FP)."""
    return share(counts.tn, counts.tn + counts.fp)


def ppv(counts: Counts) -> FloatArray:
    """Share of positive calls that are right, TP / (TP + FP), at this set's prevalence."""
    return share(counts.tp, counts.tp + counts.fp)


def npv(counts: Counts) -> FloatArray:
    """Share of negative calls that are right, TN / (TN + FN), at this set's prevalence."""
    return share(counts.tn, counts.tn + counts.fn)


def f1(counts: Counts) -> FloatArray:
    """Harmonic mean of sensitivity and PPV, 2 TP / (2 TP + FP + FN)."""
    return share(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def balanced_accuracy(counts: Counts) -> FloatArray:
    """Mean of sensitivity and specificity."""
    return np.asarray((sensitivity(counts) + specificity(counts)) / 2, dtype=np.float64)


def accuracy(correct: FloatArray, total: FloatArray) -> FloatArray:
    """Share of right decisions."""
    return share(correct, total)


def mcc(matrix: FloatArray) -> FloatArray:
    """Matthews' correlation coefficient of a confusion matrix of any number of classes.

    Source: Gorodkin 2004, Computational Biology and Chemistry 28:367. It is 0 where all
    cases share one truth or one decision, as in scikit-learn.

    Args:
        matrix: (..., k, k) float64, row = truth, column = decided.

    Returns:
        (...) float64 in [-1, 1].
    """
    truth, decided = matrix.sum(axis=-1), matrix.sum(axis=-2)
    total = truth.sum(axis=-1)
    right = np.trace(matrix, axis1=-2, axis2=-1)
    covariance = right * total - (truth * decided).sum(axis=-1)
    spread_truth = total**2 - (truth**2).sum(axis=-1)
    spread_decided = total**2 - (decided**2).sum(axis=-1)
    product = np.sqrt(spread_truth) * np.sqrt(spread_decided)
    safe = np.where(product > 0, product, 1.0)
    return np.asarray(np.where(product > 0, covariance / safe, 0.0), dtype=np.float64)


def confusion(
    truth: npt.NDArray[np.int64], decided: npt.NDArray[np.int64], *, classes: int
) -> npt.NDArray[np.int64]:
    """Count truth against decision.

    Args:
        truth: (n,) int64 in [0, classes).
        decided: (n,) int64 in [0, classes).
        classes: k.

    Returns:
        (k, k) int64, row = truth, column = decided.
    """
    flat = np.bincount(truth * classes + decided, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide counts; NaN where there is nothing to divide by."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(part / np.where(whole > 0, whole, np.nan), dtype=np.float64)
