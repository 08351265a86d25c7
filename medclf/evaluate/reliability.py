"""How far probabilities can be believed: calibration error, Brier score, reliability bins."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from medclf.evaluate.evaluation import ReliabilityBin
from medclf.evaluate.proportion import wilson

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# The customary number since Guo et al. 2017.
BINS = 15


def bin_edges(
    probability: FloatArray, *, bins: int = BINS, kind: Literal["width", "count"] = "width"
) -> FloatArray:
    """Return the edges that slice probabilities.

    Args:
        probability: (n,) float64 in [0, 1].
        bins: wanted number; fewer come back where many cases share one probability.
        kind: `width` for slices of equal width, `count` for slices of about equal count
            (adaptive; Nixon et al. 2019, arXiv:1904.01685). Equal probabilities always
            stay together.

    Returns:
        (bins + 1,) float64 ascending from 0 to 1.
    """
    if kind == "width" or len(probability) == 0:
        return np.linspace(0.0, 1.0, bins + 1)
    inner = np.quantile(probability, np.linspace(0.0, 1.0, bins + 1)[1:-1])
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def bin_index(probability: FloatArray, edges: FloatArray) -> npt.NDArray[np.int64]:
    """Return the slice of each probability; a slice holds its lower edge, the last both."""
    return np.digitize(probability, edges[1:-1]).astype(np.int64)


def gaps(probability: FloatArray, outcome: BoolArray, edges: FloatArray) -> FloatArray:
    """Return each case's contribution to the calibration error of its slice.

    The error of any weighting of the cases is the sum over slices of |weighted column sum|,
    divided by the sum of the weights; this serves the bootstrap.

    Returns:
        (n, bins) float64: outcome - probability in the case's slice, 0 elsewhere.
    """
    table = np.zeros((len(probability), len(edges) - 1))
    index = bin_index(probability, edges)
    table[np.arange(len(probability)), index] = outcome.astype(np.float64) - probability
    return table


def ece(
    probability: FloatArray,
    outcome: BoolArray,
    *,
    bins: int = BINS,
    kind: Literal["width", "count"] = "width",
) -> float:
    """Return the expected calibration error.

    The mean over cases of |observed - predicted| of their slice (Naeini et al. 2015; Guo
    et al. 2017, arXiv:1706.04599). It is biased upwards in small sets: even a perfectly
    calibrated classifier does not reach 0.

    Args:
        probability: (n,) float64 in [0, 1]: of the positive label, or of the label that the
            classifier holds most probable.
        outcome: (n,) bool: whether that label is true.
        bins: number of slices.
        kind: `width` (the usual one) or `count` (adaptive).

    >>> ece(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, True, False, True]), bins=10)
    0.25
    """
    if len(probability) == 0:
        return float("nan")
    edges = bin_edges(probability, bins=bins, kind=kind)
    total = np.abs(gaps(probability, outcome, edges).sum(axis=0)).sum()
    return float(total / len(probability))


def squared_errors(
    probabilities: FloatArray, truth: npt.NDArray[np.int64], *, positive: int | None
) -> FloatArray:
    """Return each case's part of the Brier score.

    Args:
        probabilities: (n, k) float64.
        truth: (n,) int64.
        positive: column of the positive label in a binary task: its squared error, in
            [0, 1]. None: the sum over all labels, in [0, 2], as Brier 1950 defines it
            (Monthly Weather Review 78:1).

    Returns:
        (n,) float64; their mean is the Brier score.
    """
    hot = np.zeros_like(probabilities)
    hot[np.arange(len(truth)), truth] = 1.0
    squares = (probabilities - hot) ** 2
    return np.asarray(squares.sum(axis=1) if positive is None else squares[:, positive])


def brier(probability: FloatArray, outcome: BoolArray) -> float:
    """Return the Brier score of one label, in [0, 1]: the mean squared error.

    Args:
        probability: (n,) float64 in [0, 1].
        outcome: (n,) bool.
    """
    return float(np.mean((probability - outcome.astype(np.float64)) ** 2))


def reliability_bins(
    probability: FloatArray, outcome: BoolArray, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Return predicted against observed in slices of equal width; empty slices are left out.

    Args:
        probability: (n,) float64 in [0, 1].
        outcome: (n,) bool.
        bins: number of slices.
    """
    edges = bin_edges(probability, bins=bins)
    index = bin_index(probability, edges)
    rows = []
    for number in np.unique(index):
        inside = index == number
        observed = wilson(int(outcome[inside].sum()), int(inside.sum()))
        rows.append(
            ReliabilityBin(
                lower=float(edges[number]),
                upper=float(edges[number + 1]),
                count=observed.n,
                mean_probability=float(probability[inside].mean()),
                observed=observed.estimate,
                low=observed.low,
                high=observed.high,
            )
        )
    return tuple(rows)
