"""Mixes pictures in pairs, and their truth with them."""

import numpy as np
import torch
from torch import Tensor

from medclf.model.randomness import Purpose, stream_seed


def mixing_weight(alpha: float, seed: int, epoch: int, step: int) -> float:
    """Draw the share of the first picture of every pair of a step, Beta(alpha, alpha)."""
    generator = np.random.default_rng(stream_seed(seed, Purpose.MIXING, epoch, step))
    return float(generator.beta(alpha, alpha))


def draw_partners(size: int, seed: int, epoch: int, step: int) -> Tensor:
    """Return (size,) int64: with whom each case of a whole batch is mixed."""
    generator = torch.Generator().manual_seed(stream_seed(seed, Purpose.MIXING, epoch, step))
    return torch.randperm(size, generator=generator)


def mix(x: Tensor, truth: Tensor, *, weight: float, classes: int) -> tuple[Tensor, Tensor]:
    """Mix the first half of a batch with the second (Zhang et al., mixup, ICLR 2018).

    Args:
        x: (2b, …) float.
        truth: (2b,) int64 class.
        weight: of the first half.
        classes: how many there are.

    Returns:
        (b, …) float, and the shares of each class, (b, classes) float32.

    >>> mix(torch.tensor([1.0, 5.0]), torch.tensor([0, 1]), weight=0.75, classes=2)
    (tensor([2.]), tensor([[0.7500, 0.2500]]))
    """
    half = len(x) // 2
    shares = torch.nn.functional.one_hot(truth, classes).float()  # (2b, classes)
    mixed = weight * x[:half] + (1 - weight) * x[half:]
    return mixed, weight * shares[:half] + (1 - weight) * shares[half:]
