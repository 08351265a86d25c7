"""Losses for rare findings, and the prior shift that they bring and calibration must undo."""

from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from medclf.model.fit_config import FitConfig, Weighting
from medclf.model.masked_loss import finding_weights, masked_cross_entropy
from medclf.model.part import UNKNOWN
from medclf.model.task import Task


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


class Objective(Protocol):
    """What an engine minimises: the mean of what this returns over the whole batch.

    Weights have mean one over the training part and are not divided by their sum over a batch,
    so that the mean over several processes is the mean over one.
    """

    def __call__(self, scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the loss of each case.

        Args:
            scores: (batch, classes), any float type; computed in float32.
            truth: (batch,) int64 class; (batch, classes) float32 shares of each class where
                pictures were mixed; (batch, findings) of 0, 1 and `UNKNOWN` for findings.

        Returns:
            (batch,) float32.
        """


def make_objective(
    config: FitConfig,
    truth: np.ndarray[Any, Any],
    *,
    classes: int,
    task: Task,
    device: torch.device,
) -> Objective:
    """Return the loss that a configuration asks for.

    Args:
        config: loss, weighting, smoothing, logit adjustment.
        truth: of the training part, see `Part.truth`.
        classes: labels of the network.
        task: how they relate.
        device: where scores will be.
    """
    if task is Task.FINDINGS:
        return partial(
            masked_cross_entropy,
            weights=torch.tensor(finding_weights(truth, config.weighting)).float().to(device),
            told=float((truth != UNKNOWN).sum(axis=1).mean()),
            smoothing=config.smoothing,
        )
    weights = torch.tensor(class_weights(truth, classes, config.weighting)).float().to(device)

    def objective(scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        each = functional.cross_entropy(
            scores.float(), truth, reduction="none", label_smoothing=config.smoothing
        )  # (batch,)
        return each * weights[truth]

    return objective
