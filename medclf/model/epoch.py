"""What one epoch came to, and which of them is kept (ADR 0006)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """Where a training stands.

    Attributes:
        done: steps of the whole run so far.
        total: steps of the whole run.
        loss: of the latest step that is known to be finite.
        pictures_per_s: of this epoch so far, over all processes.
    """

    done: int
    total: int
    loss: float
    pictures_per_s: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        number: from 1.
        loss: mean over its steps, weighted as it was minimised.
        tune_figure: of the mean weights on the tune part, the one that `select_by` names.
        tune_loss: of the mean weights on the tune part, unweighted.
        pictures_per_s: over all processes; the tune part does not count.
        learning_rate: of the head in the last step.
        stall_share: part of the time that the first process waited for pictures to be read, at
            most: a GPU may have had work left.
    """

    number: int
    loss: float
    tune_figure: float
    tune_loss: float
    pictures_per_s: float
    learning_rate: float = 0.0
    stall_share: float = 0.0


def best_epoch(history: Sequence[Epoch], cases: int) -> int:
    """Return the number of the best epoch so far, 0 when there is none.

    On a small tune part the figure alone picks by luck. So a later epoch takes over when its
    figure is higher by more than one standard error, or when it is within one standard error
    of the highest figure so far and its loss is lower (after the one-standard-error rule of
    Breiman et al. 1984; standard error of an AUC after Hanley & McNeil 1982 for a balanced
    part, Q1 = A/(2-A), Q2 = 2A²/(1+A); for other figures it is an approximation).

    Args:
        history: of epochs in order.
        cases: of the tune part.
    """
    best, highest = None, -math.inf
    for epoch in history:
        highest = max(highest, epoch.tune_figure)
        if best is None:
            best = epoch
            continue
        # From the highest figure so far, not from the best epoch's: or it could drift down.
        near = epoch.tune_figure >= highest - _standard_error(highest, cases)
        ahead = epoch.tune_figure - best.tune_figure > _standard_error(best.tune_figure, cases)
        if ahead or (near and epoch.tune_loss < best.tune_loss):
            best = epoch
    return best.number if best else 0


def _standard_error(figure: float, cases: int) -> float:
    a, m = min(max(figure, 0.0), 1.0), max(cases / 2, 1)
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    variance = (a * (1 - a) + (m - 1) * (q1 + q2 - 2 * a**2)) / m**2
    return math.sqrt(max(variance, 0.0))
