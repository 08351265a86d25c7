"""How far training on rare classes moves the scores, so that it can be undone before calibration.

Sources: weights, Elkan 2001, The foundations of cost-sensitive learning, IJCAI; sampling,
Saerens, Latinne & Decaestecker 2002, Neural Computation 14:21; logit adjustment, Menon et al.
2021, arXiv:2007.07314, section 5.
"""

from typing import Any

import numpy as np

from medclf.model.fit_config import FitConfig, Loss
from medclf.model.sampling import drawn_counts
from medclf.model.task import Task
from medclf.model.weighting import count_classes, count_outcomes, weigh


def prior_shift(
    config: FitConfig,
    truth: np.ndarray[Any, Any],
    classes: int,
    *,
    task: Task = Task.EXCLUSIVE,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what to add to a network's scores so that they carry the training part's own odds.

    A network that minimises cross-entropy with weights w over cases drawn with class shares
    s, its scores adjusted by τ · log π, has p(class | x) · w · s / π = softmax(scores + τ · log π).
    So what is added is τ · log π - log w - log(s / π), where π are the classes' shares in the
    train part. With `weighting: balanced` alone that is -log w.

    No constant undoes the focal loss or smoothed labels: they bend the scores, most where the
    network is sure. What they leave is for calibration to straighten; see `is_exact`.

    Args:
        config: weighting, sampling, logit adjustment.
        truth: of the train part: (n,) int64, or (n, findings) of 0, 1 and `UNKNOWN`.
        classes: scores of the network.
        task: how they relate.

    Returns:
        (classes,) float64, in nats; for findings each on its own log odds.

    Raises:
        PartRefused: a class has no case, or a finding only one outcome.

    >>> truth = np.array([0] * 90 + [1] * 10)
    >>> [round(float(v), 3) for v in prior_shift(FitConfig(), truth, 2)]
    [0.588, -1.609]
    """
    if task is Task.FINDINGS:
        counts = count_outcomes(truth)  # (findings, 2)
        both = _shift(config, counts)
        return np.asarray(both[:, 1] - both[:, 0])
    counts = count_classes(truth, classes)
    drawn = drawn_counts(counts, config.sampling)
    return _shift(config, counts) - np.log(drawn / counts)


def _shift(
    config: FitConfig, counts: np.ndarray[Any, np.dtype[np.int64]]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (..., classes) what weights and adjustment call for."""
    weights = weigh(counts, config.weighting, beta=config.effective_beta)
    return -np.log(weights) + config.logit_adjustment * log_prior(counts)


def log_prior(
    counts: np.ndarray[Any, np.dtype[np.int64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (..., classes) float64, the logarithm of each class's share of the cases."""
    return np.asarray(np.log(counts / counts.sum(axis=-1, keepdims=True)), dtype=np.float64)


def is_exact(config: FitConfig) -> bool:
    """Return whether `prior_shift` undoes all that the loss does to the odds."""
    bent = config.loss is Loss.FOCAL and config.focal_gamma > 0
    return not bent and config.smoothing == 0
