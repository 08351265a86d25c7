"""Contrast, brightness and colour balance, as lamps, films and detectors differ in them."""

import torch

from medclf.pixels.transforms.variations.ranges import Ranges


def relight(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Apply pivot + (x - pivot) * gain + offset with a gain for each channel; clamp to [0, 1].

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 12) uniform in [0, 1); the last five are read.
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type, in [0, 1].
    """
    signed = (2 * drawn - 1).to(batch.dtype)
    gain = 1 + ranges.gain * signed[:, 7:8]  # (b, 1)
    if batch.shape[1] == 3 and ranges.colour:
        gain = gain * (1 + ranges.colour * signed[:, 8:11])  # (b, 3)
    gain = gain[:, :, None, None]
    offset = ranges.offset * signed[:, 11, None, None, None]
    match ranges.pivot:
        case "mean":
            pivot = batch.mean(dim=(1, 2, 3), keepdim=True)
        case "black":
            pivot = torch.zeros_like(offset)
        case "white":
            pivot = torch.ones_like(offset)
    return torch.addcmul(pivot - pivot * gain + offset, batch, gain).clamp_(0, 1)
