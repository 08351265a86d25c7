"""Losses for rare and for untold findings, a figure for each case.

Sources: focal loss, Lin et al. 2017, arXiv:1708.02002, equation 5; logit adjustment, Menon
et al. 2021, arXiv:2007.07314, equation 10; label smoothing, Szegedy et al. 2016,
arXiv:1512.00567, section 7.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from medclf.model.fit_config import FitConfig, Loss
from medclf.model.prior import log_prior
from medclf.model.task import Task
from medclf.model.weighting import count_classes, count_outcomes, weigh

# Below it the focal factor is flat: with an exponent under 1 its slope at 0 would be infinite.
_SMALLEST_DOUBT = 1e-7


class Objective(Protocol):
    """What an engine minimises: the mean of what this returns over the whole batch.

    Nothing in it depends on the batch. Weights have mean one over the training part and are
    not divided by their sum over a batch, so that the mean over several processes or passes
    is the mean over one.
    """

    def __call__(self, scores: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of each case.

        Args:
            scores: (batch, classes), any float type; computed in float32.
            truth: (batch,) int64 class; (batch, classes) float shares of each class where
                pictures were mixed; for findings (batch, findings) of 0, 1 and `UNKNOWN`, or
                shares in [0, 1]: a finding untold in either of two mixed pictures is `UNKNOWN`.

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

    Every loss is linear in the truth, so that a mixed picture costs the mixed losses of its
    labels. The weight is that of a case's own label and multiplies its smoothed loss whole;
    smoothing therefore does not move the balance of the classes.

    The scores of an ordinal network are logarithms of probabilities, so that the softmax
    within changes nothing and cross-entropy is the likelihood of the grade.

    Args:
        config: loss, weighting, smoothing, logit adjustment.
        truth: of the training part, see `Part.truth`.
        classes: scores of the network.
        task: how they relate.
        device: where scores will be.

    Raises:
        PartRefused: a class has no case, or a finding only one outcome.
    """
    if task is Task.FINDINGS:
        return _for_findings(config, truth, device=device)
    return _for_classes(config, truth, classes=classes, device=device)


def _for_classes(
    config: FitConfig, truth: np.ndarray[Any, Any], *, classes: int, device: torch.device
) -> Objective:
    counts = count_classes(truth, classes)
    weights = _tensor(weigh(counts, config.weighting, beta=config.effective_beta), device)
    adjustment = _tensor(config.logit_adjustment * log_prior(counts), device)

    def objective(scores: Tensor, truth: Tensor) -> Tensor:
        logs = functional.log_softmax(scores.float() + adjustment, dim=1)  # (batch, classes)
        shares = truth if truth.ndim == 2 else functional.one_hot(truth, classes)
        return _cost(logs, shares.float(), weights, config)  # (batch,)

    return objective


def _for_findings(
    config: FitConfig, truth: np.ndarray[Any, Any], *, device: torch.device
) -> Objective:
    """Return the masked binary cross-entropy: the sum over the told findings of a case.

    It is divided by findings · share told in the training part, a constant. So the mean over
    the training part is the mean over all that is told; a case of which nothing is told
    costs 0, and one told in full weighs more than one told in part.
    """
    counts = count_outcomes(truth)  # (findings, 2)
    weights = _tensor(weigh(counts, config.weighting, beta=config.effective_beta), device)
    prior = log_prior(counts)
    adjustment = _tensor(config.logit_adjustment * (prior[:, 1] - prior[:, 0]), device)
    told_each = float(counts.sum() / len(truth))  # findings told of a case, on average

    def objective(scores: Tensor, truth: Tensor) -> Tensor:
        odds = scores.float() + adjustment  # (batch, findings)
        logs = torch.stack([functional.logsigmoid(-odds), functional.logsigmoid(odds)], dim=-1)
        told = truth >= 0
        present = torch.where(told, truth, 0).float()
        shares = torch.stack([1 - present, present], dim=-1)  # (batch, findings, 2)
        costs = _cost(logs, shares, weights, config)  # (batch, findings)
        return torch.where(told, costs, 0.0).sum(dim=1) / told_each  # (batch,)

    return objective


def _cost(logs: Tensor, shares: Tensor, weights: Tensor, config: FitConfig) -> Tensor:
    """Return (...) the loss, from log probabilities and true shares, both (..., classes)."""
    weighed = shares * weights
    if config.smoothing:
        even = weighed.sum(dim=-1, keepdim=True) / weighed.shape[-1]
        weighed = (1 - config.smoothing) * weighed + config.smoothing * even
    costs = -logs
    if config.loss is Loss.FOCAL and config.focal_gamma:
        doubt = -torch.expm1(logs)  # 1 - p, exact where p is near one
        costs = costs * doubt.clamp_min(_SMALLEST_DOUBT) ** config.focal_gamma
    return (weighed * costs).sum(dim=-1)


def _tensor(values: np.ndarray[Any, np.dtype[np.float64]], device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)
