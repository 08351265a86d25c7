"""Exposure of a radiograph: another dose or another curve of the developer, as a gamma."""

import torch

from medclf.pixels.transforms.variations.ranges import Ranges


def expose(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Raise each picture to its own power; black and white stay.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 1) uniform in [0, 1).
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type, in [0, 1].
    """
    exponent = (ranges.gamma * (2 * drawn - 1)).exp().to(batch.dtype)
    return batch.pow(exponent[:, :, None, None])
