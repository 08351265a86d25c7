"""Uneven light on a retina: a pupil off centre darkens one side, a small one the rim."""

import math

import torch

from medclf.pixels.transforms.variations.ranges import Ranges


def shade(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Darken each picture towards one side and towards the rim; black stays black.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 3) uniform in [0, 1): direction, slope, fall-off at the rim.
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type, in [0, 1].
    """
    height, width = batch.shape[2:]
    y = torch.linspace(-1, 1, height, device=batch.device)[None, :, None]
    x = torch.linspace(-1, 1, width, device=batch.device)[None, None, :]
    turn = 2 * math.pi * drawn[:, 0, None, None]
    across = (x * turn.cos() + y * turn.sin()) / math.sqrt(2)  # in [-1, 1]
    rim = ((x * x + y * y) / 2).clamp(max=1)
    slope, falloff = (ranges.illumination * drawn[:, at, None, None] for at in (1, 2))
    light = (1 - slope * (1 + across) / 2) * (1 - falloff * rim)  # (b, h, w)
    return batch * light.unsqueeze(1).to(batch.dtype)
