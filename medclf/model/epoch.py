"""What one epoch came to, and which of them is kept (ADR 0006)."""

import math
from collections.abc import Callable, Sequence
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


def best_epoch(history: Sequence[Epoch], error: Callable[[float], float]) -> int:
    """Return the number of the best epoch so far, 0 when there is none.

    On a small tune part the figure alone picks by luck. So a later epoch takes over when its
    figure is higher by more than one standard error, or when it is within one standard error
    of the highest figure so far and its loss is lower (after the one-standard-error rule of
    Breiman et al. 1984).

    Args:
        history: of epochs in order.
        error: gives the standard error of a figure of some height, see `TuneError`.
    """
    best, highest = None, -math.inf
    for epoch in history:
        highest = max(highest, epoch.tune_figure)
        if best is None:
            best = epoch
            continue
        # From the highest figure so far, not from the best epoch's: or it could drift down.
        near = epoch.tune_figure >= highest - error(highest)
        ahead = epoch.tune_figure - best.tune_figure > error(best.tune_figure)
        if ahead or (near and epoch.tune_loss < best.tune_loss):
            best = epoch
    return best.number if best else 0
