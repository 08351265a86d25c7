"""Draws the cases of one epoch, so that rare classes can be seen more often than they occur."""

from typing import Any

import numpy as np
import torch

from medclf.errors import ModelMisuse
from medclf.model.fit_config import Sampling


def draw_cases(
    truth: np.ndarray[Any, Any], sampling: Sampling, generator: torch.Generator
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the cases of one epoch in the order in which they are learned from.

    Args:
        truth: (n,) int64 class of each case.
        sampling: how often the cases of a class are drawn.
        generator: of all randomness.

    Returns:
        (n,) int64 indices into `truth`; with `natural` sampling a permutation.

    Raises:
        ModelMisuse: the sampling is not known.
    """
    if sampling is not Sampling.NATURAL:
        raise ModelMisuse(f"Sampling {sampling} is not known.", advice="Take `natural`.")
    return torch.randperm(len(truth), generator=generator).numpy()
