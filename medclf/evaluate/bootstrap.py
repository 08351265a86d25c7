"""The bootstrap: resampling cases, or whole patients, to see how far a figure wanders.

A resample is a row of weights (how often each case was drawn), so that every figure is a
sum over the same cases and 2,000 resamples cost some matrix products.
Sources: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile);
Rutter 2000, Academic Radiology 7:413 (patients resampled whole).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.proportion import lowest_plausible, percent

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Weights held at once: 1 MiB of float64 stays in the cache. Part of the order in which random
# numbers are used, so changing it changes intervals in their last digits.
_CHUNK_WEIGHTS = 1 << 17


@dataclass(frozen=True, eq=False, slots=True)
class Resampling:
    """What is drawn.

    Attributes:
        unit: (n,) int64, the unit (case or cluster) that each case belongs to, from 0.
        stratum: (units,) int64, from 0; each stratum is drawn from by itself.
        name: for `Estimate.method`.
        resamples: how many.
    """

    unit: IntArray
    stratum: IntArray
    name: str
    resamples: int

    @property
    def units(self) -> int:
        """How many independent units there are."""
        return len(self.stratum)


def stratified(truth: IntArray, *, resamples: int) -> Resampling:
    """Draw independent cases within each true class, so that no class goes missing.

    Args:
        truth: (n,) int64 or bool.
        resamples: how many.
    """
    _, stratum = np.unique(truth, return_inverse=True)
    unit = np.arange(len(truth), dtype=np.int64)
    return Resampling(unit, stratum.astype(np.int64), "stratified bootstrap", resamples)


def clustered(clusters: tuple[str, ...], *, resamples: int) -> Resampling:
    """Draw whole clusters, all of their cases together.

    Args:
        clusters: (n) names; "" is a cluster of its own.
        resamples: how many.
    """
    unit = cluster_index(clusters)
    units = int(unit.max(initial=-1)) + 1
    name = f"bootstrap of {units} whole clusters"
    return Resampling(unit, np.zeros(units, dtype=np.int64), name, resamples)


def cluster_index(clusters: tuple[str, ...]) -> IntArray:
    """Return (n,) int64: clusters numbered by first appearance, "" each by itself."""
    numbers: dict[str | int, int] = {}
    keys = (name or row for row, name in enumerate(clusters))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def draw(resampling: Resampling, generator: np.random.Generator) -> Iterator[FloatArray]:
    """Yield weights, some resamples at a time.

    Yields:
        (r, n) float64, how often each case was drawn; all r add up to `resamples`.
    """
    units, n = resampling.units, len(resampling.unit)
    strata = [
        np.flatnonzero(resampling.stratum == number)
        for number in range(int(resampling.stratum.max(initial=-1)) + 1)
    ]
    rows = max(1, _CHUNK_WEIGHTS // max(1, n))
    alone = units == n and bool((resampling.unit == np.arange(n)).all())
    for start in range(0, resampling.resamples, rows):
        size = min(rows, resampling.resamples - start)
        drawn = np.zeros((size, units))
        for members in strata:
            picks = generator.integers(0, len(members), (size, len(members)), dtype=np.int32)
            for row in range(size):
                drawn[row, members] = np.bincount(picks[row], minlength=len(members))
        yield drawn if alone else drawn[:, resampling.unit]


def percentile(
    replicates: FloatArray,
    *,
    point: float,
    confidence: float,
    resampling: Resampling,
    n: int,
    units: int,
    span: tuple[float, float],
) -> Estimate:
    """Return a figure with its percentile interval.

    The interval is widened to hold the figure itself, which a biased figure such as the ECE
    may otherwise leave. Where resampling shows no spread the percentile interval would be a
    lie; instead:

    - fewer than two units: the whole span of the figure;
    - figure at an end of its span in every resample (no error seen): the exact binomial
      bound for that many units without one error.

    Args:
        replicates: (resamples,) float64, NaN where a resample cannot give the figure.
        point: the figure of the cases themselves.
        confidence: of the two-sided interval.
        resampling: what was drawn.
        n: cases behind the figure.
        units: independent units behind the figure.
        span: smallest and largest possible value of the figure.
    """
    name = f"{resampling.name}, {percent(confidence)} percentile of {resampling.resamples}"
    known = replicates[np.isfinite(replicates)]
    if math.isnan(point):
        return Estimate(point, *span, f"{name}, undefined on these cases", n)
    if units < 2 or len(known) < 2:
        return Estimate(point, *span, f"whole span: {units} independent unit shows no spread", n)
    if known.min() == known.max() == point and point in span:
        reach = (span[1] - span[0]) * lowest_plausible(units, confidence=confidence)
        low, high = (span[0], span[1] - reach) if point == span[0] else (span[0] + reach, span[1])
        method = f"no error seen: exact binomial on {units} units, {percent(confidence)}"
        return Estimate(point, low, high, method, n)
    tail = (1 - confidence) / 2
    low, high = (float(value) for value in np.quantile(known, [tail, 1 - tail]))
    if len(known) < len(replicates):
        name += f" ({len(replicates) - len(known)} resamples undefined)"
    if not low <= point <= high:
        name += ", widened to hold the figure"
    return Estimate(point, min(low, point), max(high, point), name, n)
