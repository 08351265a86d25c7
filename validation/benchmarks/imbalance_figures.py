"""Figures of a rare finding, and how far they wander over training cases and test patients.

The test part keeps all of its positive cases, of which a thinned one would have too few. What
depends on prevalence is computed with weights that give the positives the share asked for.
"""

from dataclasses import dataclass

import numpy as np

from medclf.evaluate.auc import rank, weighted_auc
from medclf.evaluate.bootstrap import clustered, draw
from medclf.evaluate.reliability import bin_edges, gaps

FIGURES = ("sensitivity", "ece", "ece_unshifted", "auc", "average_precision")
LOWER_IS_BETTER = {"ece", "ece_unshifted"}
SPECIFICITY = 0.95
_RESAMPLES = 1000


@dataclass(frozen=True)
class Read:
    """What one network says of the cases of a part.

    Attributes:
        margins: (n,) float64, score of the finding less that of its absence.
        probability: (n,) float64, calibrated.
        unshifted: (n,) float64, calibrated without undoing the shift of the prior.
    """

    margins: np.ndarray
    probability: np.ndarray
    unshifted: np.ndarray


@dataclass(frozen=True)
class Interval:
    """A mean over draws with its 95 % interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} ({self.low:.3f} to {self.high:.3f})"


def replicate(
    reads: list[Read], truth: np.ndarray, patients: tuple[str, ...], *, prevalence: float, seed: int
) -> dict[str, np.ndarray]:
    """Return each figure of the cases themselves, then of resampled ones.

    Every replicate draws patients whole, and draws among the draws of training cases; with
    the same seed all methods are judged on the same ones, so that their differences are paired.

    Args:
        reads: of one method, one for each draw of training cases.
        truth: (n,) bool.
        patients: (n), "" for unknown.
        prevalence: that the calibration error and the average precision are to be of.
        seed: of the resampling.

    Returns:
        Figure → (1 + resamples,) float64, the mean over the draws.
    """
    generator = np.random.default_rng(seed)
    sampled = np.concatenate(list(draw(clustered(patients, resamples=_RESAMPLES), generator)))
    weights = np.concatenate([np.ones((1, len(truth))), sampled])  # (1 + resamples, n)
    picks = generator.multinomial(len(reads), [1 / len(reads)] * len(reads), _RESAMPLES)
    picks = np.concatenate([np.ones((1, len(reads))), picks])  # (1 + resamples, draws)
    rare = weights * np.where(
        truth,
        prevalence / (weights @ truth)[:, None],
        (1 - prevalence) / (weights @ ~truth)[:, None],
    )
    each = {name: np.empty((len(reads), len(weights))) for name in FIGURES}
    for number, read in enumerate(reads):
        each["sensitivity"][number] = sensitivity_at(read.margins, truth, weights)
        each["auc"][number] = weighted_auc(rank(read.margins, truth), weights)
        each["average_precision"][number] = average_precision(read.margins, truth, rare)
        each["ece"][number] = _ece(read.probability, truth, rare)
        each["ece_unshifted"][number] = _ece(read.unshifted, truth, rare)
    return {
        name: (picks * values.T).sum(axis=1) / picks.sum(axis=1) for name, values in each.items()
    }


def interval(values: np.ndarray) -> Interval:
    """Return the first value with the 95 % percentile interval of the others."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Interval(float(values[0]), float(low), float(high))


def sensitivity_at(margins: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (r,) the sensitivity at the lowest threshold whose specificity is at least 95 %.

    Args:
        margins: (n,) float64.
        truth: (n,) bool.
        weights: (r, n) float64.
    """
    negatives, positives = np.flatnonzero(~truth), np.flatnonzero(truth)
    negatives = negatives[np.argsort(margins[negatives])]
    positives = positives[np.argsort(margins[positives])]
    below = np.cumsum(weights[:, negatives], axis=1)  # (r, negatives)
    # A threshold just above this negative leaves it, and all below it, called negative.
    last = (below >= SPECIFICITY * below[:, -1:] - 1e-9).argmax(axis=1)
    first = np.searchsorted(margins[positives], margins[negatives][last], side="right")
    missed = np.concatenate(
        [np.zeros((len(weights), 1)), np.cumsum(weights[:, positives], axis=1)], axis=1
    )
    return 1 - missed[np.arange(len(weights)), first] / missed[:, -1]


def average_precision(margins: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return (r,) the mean precision over the positives, each at its own score.

    Args:
        margins: (n,) float64.
        truth: (n,) bool.
        weights: (r, n) float64.
    """
    order = np.argsort(-margins, kind="stable")
    found = weights[:, order] * truth[order]
    called = np.cumsum(weights[:, order], axis=1)
    precision = np.cumsum(found, axis=1) / np.maximum(called, 1e-300)
    return (precision * found).sum(axis=1) / found.sum(axis=1)


def _ece(probability: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    table = gaps(probability, truth, bin_edges(probability))  # (n, bins)
    return np.abs(weights @ table).sum(axis=1) / weights.sum(axis=1)
