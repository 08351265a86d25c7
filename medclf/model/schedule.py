"""How the learning rate goes up and down again in the course of a run."""

import math


def rate_factor(step: int, total: int, *, warmup: float) -> float:
    """Return linear warm-up, then half a cosine to a hundredth; a factor in (0, 1].

    Source: Loshchilov & Hutter, SGDR, ICLR 2017, without restarts.

    Args:
        step: from 0.
        total: steps of the whole run.
        warmup: part of them.

    >>> [round(rate_factor(step, 10, warmup=0.2), 3) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.048]
    """
    rise = max(int(total * warmup), 1)
    if step < rise:
        return (step + 1) / rise
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))
