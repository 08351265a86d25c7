"""Losses for rare findings, and the prior shift that they bring and calibration must undo."""

from enum import StrEnum
from typing import Any

import numpy as np
import torch
from torch.nn import functional


class Weighting(StrEnum):
    """How classes are weighed in the loss."""

    NONE = "none"
    BALANCED = "balanced"  # inverse frequency, mean one


def class_weights(
    truth: np.ndarray[Any, Any], classes: int, weighting: Weighting
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (classes,) weights whose mean over the cases is one.

    Args:
        truth: (n,) int, each class present.
        classes: how many there are.
        weighting: the rule.
    """
    if weighting is Weighting.NONE:
        return np.ones(classes)
    counts = np.bincount(truth, minlength=classes).astype(np.float64)
    return np.asarray(len(truth) / (classes * np.maximum(counts, 1.0)))


def prior_correction(
    weights: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (classes,) to add to the scores of a network trained with these weights.

    A network that minimises weighted cross-entropy estimates w·p(class | x) up to a
    factor; adding -log w gives back the training population's own odds
    (Elkan, The foundations of cost-sensitive learning, IJCAI 2001).

    >>> [round(float(v), 3) for v in prior_correction(np.array([1.0, 2.0]))]
    [-0.0, -0.693]
    """
    return np.asarray(-np.log(weights))


def weighted_cross_entropy(
    scores: torch.Tensor, truth: torch.Tensor, weights: torch.Tensor, *, smoothing: float = 0.0
) -> torch.Tensor:
    """Return the mean weighted cross-entropy of (batch, classes) scores, a scalar."""
    return functional.cross_entropy(
        scores.float(), truth, weight=weights, label_smoothing=smoothing
    )
