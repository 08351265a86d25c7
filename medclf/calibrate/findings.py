"""Several findings at once: each with its own temperature, from the cases that tell of it.

The sigmoid of s is the softmax of (0, s), so temperature scaling (`medclf.calibrate.scaling`)
serves a finding as it serves two labels.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from medclf.calibrate.scaling import Temperature, fit_temperature
from medclf.errors import CalibrationRefused

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# A threshold between fewer cases is a matter of luck; some ten are wanted, five are a floor.
FEWEST_TOLD = 5


def finding_probabilities(scores: FloatArray, temperatures: Sequence[float]) -> FloatArray:
    """Return the calibrated probability of each finding, sigmoid(score / T).

    Args:
        scores: (n, findings) of the network.
        temperatures: one for each finding, above 0.

    Returns:
        (n, findings) float64 in [0, 1]; they need not add up to anything.

    >>> finding_probabilities(np.array([[0.0, np.log(9.0)]]), [1.0, 2.0]).round(2).tolist()
    [[0.5, 0.75]]
    """
    return np.asarray(expit(scores.astype(np.float64) / np.asarray(temperatures)))


def fit_finding_temperature(scores: FloatArray, present: BoolArray) -> Temperature:
    """Fit the temperature of one finding, on cases kept for calibration that tell of it.

    Args:
        scores: (n,) float64 of one finding.
        present: (n,) bool.

    Raises:
        CalibrationRefused: a score is not finite, or all cases are told one way.
    """
    return fit_temperature(np.stack([np.zeros_like(scores), scores], axis=1), present.astype(int))


def require_told(truth: npt.NDArray[np.int64], names: Sequence[str]) -> None:
    """Refuse findings that too few cases tell to be present, or to be absent.

    Args:
        truth: (n, findings) of 1 present, 0 absent and any other number for unknown.
        names: of the findings.

    Raises:
        CalibrationRefused: names the findings with their counts.
    """
    present, absent = (truth == 1).sum(axis=0), (truth == 0).sum(axis=0)
    few = np.flatnonzero(np.minimum(present, absent) < FEWEST_TOLD).tolist()
    if few:
        told = ", ".join(f"{names[k]} (present {present[k]}, absent {absent[k]})" for k in few)
        raise CalibrationRefused(
            f"The calibrate part tells too little of {told}; a threshold needs {FEWEST_TOLD} "
            "cases of each at least.",
            advice="Enlarge the calibrate part of the split, set `split.minimum_per_class: "
            f"{FEWEST_TOLD}`, or take these findings out of `findings` in study.yaml.",
            findings=[names[k] for k in few],
            needed=FEWEST_TOLD,
        )
