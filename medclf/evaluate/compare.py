"""Two readers of the same cases: how far apart they are, and whether chance explains it.

Each case was read by both, so what is hard about a case weighs on both alike; a paired test
takes that out, and comparing two intervals by eye does not. Sources: DeLong, DeLong &
Clarke-Pearson 1988, Biometrics 44:837; Sun & Xu 2014, IEEE Signal Processing Letters 21:1389;
Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 15; Davison &
Hinkley 1997, Bootstrap Methods and their Application, section 4.2.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from medclf.errors import EvaluationError
from medclf.evaluate.auc import BoolArray, FloatArray, delong, placements
from medclf.evaluate.bootstrap import Resampling
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.proportion import normal_quantile, percent


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of one reader less that of another, on the same cases.

    Attributes:
        estimate: positive where the first one's figure is higher.
        low: lower end of the two-sided interval.
        high: upper end of the two-sided interval.
        p: two-sided, of no difference; NaN when these cases cannot give it.
        method: how the interval and p were computed.
        n: cases.
    """

    estimate: float
    low: float
    high: float
    p: float
    method: str
    n: int


def delong_covariance(
    first: FloatArray, second: FloatArray, truth: BoolArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the AUC of two readers and DeLong's covariance between them.

    Args:
        first: (n,) float64 scores of one reader.
        second: (n,) float64 scores of the other, on the same cases.
        truth: (n,) bool.

    Returns:
        (2,) and (2, 2) float64; the covariance is NaN when a class has a single case.

    Raises:
        EvaluationError: a class is missing, a score is NaN, or lengths differ.
    """
    one, other = placements(first, truth), placements(second, truth)
    areas = np.array([one[0], other[0]])
    m, n = len(one[1]), len(one[2])
    if min(m, n) < 2:
        return areas, np.full((2, 2), math.nan)
    covariance = np.cov([one[1], other[1]], ddof=1) / m + np.cov([one[2], other[2]], ddof=1) / n
    return areas, covariance


def delong_difference(
    first: FloatArray, second: FloatArray, truth: BoolArray, *, confidence: float = 0.95
) -> Difference:
    """Return how far two AUCs of the same independent cases lie apart, by DeLong's paired test.

    Where the variance of the difference is not positive (both readers order all cases alike,
    say both without a fault) the two intervals are joined instead: `join_intervals`.

    Args:
        first: (n,) float64 scores of one reader.
        second: (n,) float64 scores of the other, on the same cases.
        truth: (n,) bool.
        confidence: of the two-sided interval.

    Raises:
        EvaluationError: a class is missing, a score is NaN, or lengths differ.
    """
    areas, covariance = delong_covariance(first, second, truth)
    apart = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    # Sums of n placements in [0, 1] are right to some n · 2e-16: below that there is no variance.
    if not variance > 1e-15 / len(truth):
        return join_intervals(
            delong(first, truth, confidence=confidence),
            delong(second, truth, confidence=confidence),
        )
    error = math.sqrt(variance)
    reach = normal_quantile(confidence) * error
    return Difference(
        apart,
        max(-1.0, apart - reach),
        min(1.0, apart + reach),
        float(2 * stats.norm.sf(abs(apart) / error)),
        f"paired DeLong, {percent(confidence)}",
        len(truth),
    )


def bootstrap_difference(
    first: Estimate,
    second: Estimate,
    replicates: tuple[FloatArray, FloatArray],
    *,
    resampling: Resampling,
    confidence: float = 0.95,
) -> Difference:
    """Return how far two figures lie apart, from resamples that both were computed on.

    p is twice the share of resamples on the rarer side of no difference, itself counted as
    one of them, so that it is never 0.

    Args:
        first: figure of one reader, with its interval.
        second: figure of the other, on the same cases.
        replicates: of each, (resamples,) float64; resample by resample the same cases.
        resampling: what was drawn.
        confidence: of the two-sided interval.

    Raises:
        EvaluationError: the replicates are not of the same resamples.
    """
    if replicates[0].shape != replicates[1].shape:
        raise EvaluationError(
            f"{len(replicates[0])} and {len(replicates[1])} resamples cannot be paired.",
            advice="Compute both figures on the same resamples.",
        )
    apart = replicates[0] - replicates[1]
    known = apart[np.isfinite(apart)]
    point = first.estimate - second.estimate
    if math.isnan(point):
        return Difference(point, -1.0, 1.0, math.nan, "undefined on these cases", first.n)
    if resampling.units < 2 or len(known) < 2 or np.ptp(known) < 1e-12:
        return join_intervals(first, second)
    tail = (1 - confidence) / 2
    low, high = (float(value) for value in np.quantile(known, [tail, 1 - tail]))
    rarer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    name = f"paired {resampling.name}, {percent(confidence)} percentile of {len(apart)}"
    p = min(1.0, 2 * (rarer + 1) / (len(known) + 1))
    return Difference(point, min(low, point), max(high, point), p, name, first.n)


def join_intervals(first: Estimate, second: Estimate) -> Difference:
    """Return how far two figures lie apart, from the interval of each.

    Square-and-add (Zou & Donner 2008, Statistics in Medicine 27:1693) as if the readers knew
    nothing of each other: too wide rather than too narrow for two readers of the same cases.
    p is 1 for equal figures, else NaN: the intervals alone do not give it.
    """
    apart = first.estimate - second.estimate
    down = math.hypot(first.estimate - first.low, second.high - second.estimate)
    up = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Difference(
        apart,
        max(-1.0, apart - down),
        min(1.0, apart + up),
        1.0 if apart == 0 else math.nan,
        "no spread seen in the difference: both intervals joined",
        first.n,
    )
