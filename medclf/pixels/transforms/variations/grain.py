"""Quantum noise of a radiograph: fewer photons behind dense tissue, hence more noise there."""

from functools import lru_cache

import torch

from medclf.pixels.transforms.variations.ranges import Ranges

_CHANCE = 0.5  # the other half stays as it is
_SEED = 1895  # any fixed number: the field is a constant, like a kernel


def add_grain(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Add Gaussian noise that grows with the square root of brightness; black stays black.

    Each picture takes its own window out of one constant field of noise: four numbers a
    picture instead of one a pixel keep it the same on every device and in every batch.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 4) uniform in [0, 1): whether, how much, and where the window lies.
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type, in [0, 1].
    """
    some = (drawn[:, 0] < _CHANCE).nonzero()[:, 0]
    if not len(some):
        return batch
    height, width = batch.shape[2:]
    top = (drawn[some, 2] * (height + 1)).long()
    left = (drawn[some, 3] * (width + 1)).long()
    rows = top[:, None] + torch.arange(height, device=batch.device)  # (some, h)
    columns = left[:, None] + torch.arange(width, device=batch.device)  # (some, w)
    field = _field(height, width).to(batch.device, batch.dtype)
    noise = field[rows[:, :, None], columns[:, None, :]].unsqueeze(1)  # (some, 1, h, w)
    deviation = (ranges.grain * drawn[some, 1])[:, None, None, None].to(batch.dtype)
    clean = batch[some]
    noisy = torch.addcmul(clean, clean.sqrt() * noise, deviation).clamp_(0, 1)
    return batch.index_copy(0, some, noisy)


@lru_cache(maxsize=4)
def _field(height: int, width: int) -> torch.Tensor:
    """Return (2 h, 2 w) float32 standard normal numbers, the same in every process."""
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randn((2 * height, 2 * width), generator=generator)
