"""Temperature scaling: one number that turns a network's scores into honest probabilities.

Source: Guo, Pleiss, Sun & Weinberger 2017, On Calibration of Modern Neural Networks,
arXiv:1706.04599. The order of the labels, and so the AUC, never changes.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from medclf.errors import CalibrationRefused

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Networks land between 0.5 and 5. Beyond these bounds the cases are separated perfectly (or
# the scores mean nothing) and the likelihood has no optimum: probabilities would be 0 and 1.
LOWEST, HIGHEST = 0.05, 20.0


@dataclass(frozen=True, slots=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: the scores are divided by it; above 1 the network was too sure of itself.
        note: a warning for the report, or empty.
    """

    value: float
    note: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            raise CalibrationRefused(
                f"A temperature of {self.value:g} was given; it is a finite number above 0.",
                advice="Fit it with `fit_temperature`.",
                temperature=self.value,
            )

    def apply(self, logits: FloatArray) -> FloatArray:
        """Return probabilities, softmax(logits / T).

        Args:
            logits: (n, k) scores of the network.

        Returns:
            (n, k) float64 in [0, 1], rows add up to 1; a row with NaN stays NaN.
        """
        return np.asarray(softmax(logits.astype(np.float64) / self.value, axis=1), dtype=np.float64)


def negative_log_likelihood(logits: FloatArray, truth: IntArray, *, temperature: float) -> float:
    """Return the mean negative log likelihood of the truth, in nats.

    Args:
        logits: (n, k) float64.
        truth: (n,) int64 in [0, k).
        temperature: T > 0.
    """
    logs = log_softmax(logits / temperature, axis=1)
    return float(-logs[np.arange(len(truth)), truth].mean())


def fit_temperature(logits: FloatArray, truth: IntArray) -> Temperature:
    """Fit the temperature that makes the truth most likely, on cases kept for calibration.

    Args:
        logits: (n, k) float64, scores of cases the network was not trained on.
        truth: (n,) int64 in [0, k).

    Returns:
        The temperature in [0.05, 20]; with a note when it ended at the upper bound, or was left
        at 1 because the cases are separated perfectly.

    Raises:
        CalibrationRefused: shapes disagree, a score is not finite, a truth is outside the
            label space, or fewer than two classes are present.
    """
    _check(logits, truth)
    scores = logits.astype(np.float64)
    span = (math.log(LOWEST), math.log(HIGHEST))

    def cost(log_temperature: float) -> float:
        return negative_log_likelihood(scores, truth, temperature=math.exp(log_temperature))

    # 1e-7 in log T changes no probability by more than that times its logit.
    found = minimize_scalar(cost, bounds=span, method="bounded", options={"xatol": 1e-7})
    ends = {bound: cost(bound) for bound in span}
    nearest = min(ends, key=ends.__getitem__)
    # The search never tries its own bounds, so they are compared here.
    if ends[nearest] <= found.fun and nearest == span[0]:
        # The likelihood would have every probability 0 or 1, on the word of a few cases.
        return Temperature(
            1.0,
            note="The calibration cases are separated perfectly, which says nothing of a "
            "temperature: it was left at 1. More cases are needed.",
        )
    if ends[nearest] <= found.fun:
        return Temperature(
            HIGHEST,
            note=f"The temperature ended at its bound {HIGHEST:g}: the calibration cases are not "
            "told apart by the scores. More cases are needed.",
        )
    return Temperature(math.exp(float(found.x)))


def _check(logits: FloatArray, truth: IntArray) -> None:
    if logits.ndim != 2 or logits.shape[1] < 2 or truth.shape != (len(logits),):
        raise CalibrationRefused(
            f"Scores {logits.shape} and truth {truth.shape} do not belong together; "
            "(n, k) with k ≥ 2 and (n,) are needed.",
            advice="Give one row of scores and one truth for each case.",
        )
    if not np.isfinite(logits).all():
        raise CalibrationRefused(
            f"{int((~np.isfinite(logits)).any(axis=1).sum())} cases have scores that are "
            "not finite.",
            advice="Leave out cases without an opinion.",
        )
    present = np.unique(truth)
    if len(present) < 2 or present[0] < 0 or present[-1] >= logits.shape[1]:
        raise CalibrationRefused(
            f"The calibration cases hold {len(present)} of {logits.shape[1]} classes; two or "
            "more are needed, numbered from 0.",
            advice="Enlarge the calibrate part of the split.",
            present=[int(index) for index in present],
            classes=logits.shape[1],
        )
