"""The curves of one label: ROC, precision-recall, reliability and histogram of scores."""

import numpy as np
import numpy.typing as npt

from medclf.evaluate.evaluation import Curves, Histogram, PrecisionRecallCurve, RocCurve
from medclf.evaluate.reliability import reliability_bins

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_HISTOGRAM_BINS = 20


def draw_curves(
    probabilities: FloatArray,
    truth: npt.NDArray[np.int64],
    *,
    labels: tuple[str, ...],
    column: int,
) -> Curves:
    """Return the curves of one label against all others.

    Args:
        probabilities: (n, k) float64 in [0, 1], cases with an opinion.
        truth: (n,) int64.
        labels: (k) label space.
        column: which label.
    """
    scores, positive = probabilities[:, column], truth == column
    edges = np.linspace(0.0, 1.0, _HISTOGRAM_BINS + 1)
    return Curves(
        label=labels[column],
        roc=roc_curve(scores, positive),
        precision_recall=precision_recall_curve(scores, positive),
        reliability=reliability_bins(scores, positive),
        histogram=Histogram(
            edges=tuple(edges.tolist()),
            counts={
                label: tuple(np.histogram(scores[truth == index], bins=edges)[0].tolist())
                for index, label in enumerate(labels)
            },
        ),
    )


def roc_curve(scores: FloatArray, truth: BoolArray) -> RocCurve:
    """Return the corners of the ROC curve.

    Args:
        scores: (n,) float64.
        truth: (n,) bool, both classes present.
    """
    thresholds, tp, fp = _cumulative(scores, truth)
    tp, fp = np.concatenate([[0], tp]), np.concatenate([[0], fp])
    thresholds = np.concatenate([[np.inf], thresholds])
    # A point on the straight line between its neighbours adds nothing.
    corner = np.ones(len(tp), dtype=np.bool_)
    corner[1:-1] = (np.diff(tp)[1:] * np.diff(fp)[:-1]) != (np.diff(tp)[:-1] * np.diff(fp)[1:])
    return RocCurve(
        fpr=tuple((fp / fp[-1])[corner].tolist()),
        tpr=tuple((tp / tp[-1])[corner].tolist()),
        threshold=tuple(thresholds[corner].tolist()),
    )


def precision_recall_curve(scores: FloatArray, truth: BoolArray) -> PrecisionRecallCurve:
    """Return precision over recall at every threshold where recall grows.

    Args:
        scores: (n,) float64.
        truth: (n,) bool, both classes present.
    """
    thresholds, tp, fp = _cumulative(scores, truth)
    grows = np.diff(tp, prepend=0) > 0
    return PrecisionRecallCurve(
        recall=tuple((tp / tp[-1])[grows].tolist()),
        precision=tuple((tp[grows] / (tp + fp)[grows]).tolist()),
        threshold=tuple(thresholds[grows].tolist()),
    )


def _cumulative(
    scores: FloatArray, truth: BoolArray
) -> tuple[FloatArray, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    tp = np.cumsum(truth[order].astype(np.int64))[last]
    return ordered[last], tp, (last + 1 - tp).astype(np.int64)
