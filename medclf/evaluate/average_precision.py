"""Average precision: the precision met on the way down the ranking, one share of recall at a time.

AP = Σ (R_i - R_{i-1}) · P_i over falling thresholds i, without interpolation (as scikit-learn's
`average_precision_score`). Chance alone gives the prevalence, so it tells more of a rare
finding than the AUC does.
"""

import numpy as np
import numpy.typing as npt

from medclf.evaluate.classification import share

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def average_precision(scores: FloatArray, truth: BoolArray, weights: FloatArray) -> FloatArray:
    """Return the average precision of many weightings of the same cases.

    Args:
        scores: (n,) float64, finite, any monotone scale.
        truth: (n,) bool.
        weights: (r, n) float64, how often each case was drawn.

    Returns:
        (r,) float64 in [0, 1]; NaN where no positive was drawn.

    >>> scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    >>> average_precision(scores, truth, np.ones((1, 4))).round(4).tolist()
    [0.8333]
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # of each tie
    drawn = weights[:, order]
    called = drawn.cumsum(axis=1)[:, last]  # (r, thresholds)
    hit = (drawn * truth[order]).cumsum(axis=1)[:, last]
    # A threshold above which nothing was drawn has no precision and adds no recall.
    precision = np.where(called > 0, share(hit, called), 0.0)
    gained = np.diff(hit, axis=1, prepend=0.0)
    return share((gained * precision).sum(axis=1), hit[:, -1])
