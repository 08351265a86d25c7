"""The loss of several findings at once: what is not told of a picture teaches nothing.

Binary cross-entropy of each finding that is told, weighed so that every told cell counts the
same wherever it stands: a picture of which one finding is known weighs one cell, not a row.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from medclf.model.fit_config import Weighting
from medclf.model.part import UNKNOWN

_Array = np.ndarray[Any, np.dtype[np.float64]]


def finding_weights(truth: np.ndarray[Any, Any], weighting: Weighting) -> _Array:
    """Return the weight of an absent and of a present case of each finding.

    Args:
        truth: (n, findings) of 0, 1 and `UNKNOWN`; each finding told both ways.
        weighting: the rule; over the told cases of a finding the mean is one.

    Returns:
        (2, findings) float64.

    >>> truth = np.array([[0, 0], [0, 1], [0, UNKNOWN], [1, UNKNOWN]])
    >>> finding_weights(truth, Weighting.BALANCED).round(3).tolist()
    [[0.667, 1.0], [2.0, 1.0]]
    """
    counts = np.stack([(truth == value).sum(axis=0) for value in (0, 1)])  # (2, findings)
    if weighting is Weighting.NONE:
        return np.ones(counts.shape)
    return np.asarray(counts.sum(axis=0) / (2 * np.maximum(counts, 1)), dtype=np.float64)


def finding_correction(weights: _Array) -> _Array:
    """Return (findings,) to add to scores learned under these weights: -log of their ratio.

    A sigmoid that minimises weighted cross-entropy estimates odds times that ratio
    (Elkan, The foundations of cost-sensitive learning, IJCAI 2001).
    """
    return np.asarray(-np.log(weights[1] / weights[0]), dtype=np.float64)


def masked_cross_entropy(
    scores: torch.Tensor,
    truth: torch.Tensor,
    *,
    weights: torch.Tensor,
    told: float,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """Return the loss of each case.

    Args:
        scores: (batch, findings), any float type; computed in float32.
        truth: (batch, findings) of 0, 1 and `UNKNOWN`.
        weights: (2, findings) of an absent and of a present case.
        told: findings that are told of a case on average, so that the mean over cases is
            the mean over told cells.
        smoothing: of the labels.

    Returns:
        (batch,) float32; 0 for a case of which nothing is told.
    """
    known = truth != UNKNOWN  # (batch, findings)
    present = (truth == 1).float()
    target = present * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(scores.float(), target, reduction="none")
    weighed = each * torch.where(truth == 1, weights[1], weights[0])
    # `where` and not a product: an infinite score of an untold finding would give NaN.
    return torch.where(known, weighed, 0.0).sum(dim=1) / told
