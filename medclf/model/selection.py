"""The figure on the tune part that chooses an epoch or a penalty; never accuracy."""

from typing import Any

import numpy as np

from medclf.model.fit_config import Selection
from medclf.model.probe import macro_auc
from medclf.model.task import Task


def judge_scores(
    selection: Selection,
    truth: np.ndarray[Any, Any],
    scores: np.ndarray[Any, np.dtype[np.float64]],
    *,
    task: Task = Task.EXCLUSIVE,
) -> float:
    """Return a figure in [-1, 1], the higher the better.

    Args:
        selection: which figure.
        truth: (n,) int64, or (n, findings) of 0, 1 and `UNKNOWN`.
        scores: (n, classes) float64, before calibration.
        task: how the labels relate.
    """
    return macro_auc(truth, scores)
