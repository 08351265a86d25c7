"""Loss of sharpness: focus, motion, a coarser detector."""

import math

import torch
from torch.nn.functional import pad

from medclf.pixels.transforms.variations.ranges import Ranges

_CHANCE = 0.5  # the other half stays as sharp as it is
_REACH = 3  # deviations that the kernel covers to either side


def soften(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Blur about every second picture by a Gaussian of its own width.

    Taps are added one by one, in a fixed order and without a convolution's choice of
    algorithm, so that a picture's bits do not depend on the batch around it.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 2) uniform in [0, 1): whether, and how much.
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type, in [0, 1].
    """
    some = (drawn[:, 0] < _CHANCE).nonzero()[:, 0]
    if not len(some):
        return batch
    widest = ranges.blur * max(batch.shape[2:])  # px
    reach = min(max(1, math.ceil(_REACH * widest)), min(batch.shape[2:]) - 1)
    offset = torch.arange(-reach, reach + 1, device=batch.device, dtype=torch.float32)
    # A tenth of a pixel is no blur at all; zero would divide.
    deviation = (widest * drawn[some, 1:2]).clamp(min=0.1)
    kernel = torch.exp(-((offset / deviation) ** 2) / 2)  # (some, taps)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(batch.dtype)[:, :, None, None, None]
    blurred = batch[some]
    for axis in (2, 3):
        length = blurred.shape[axis]
        border = [0, 0, reach, reach] if axis == 2 else [reach, reach, 0, 0]
        wide = pad(blurred, border, mode="reflect")
        blurred = kernel[:, 0] * wide.narrow(axis, 0, length)
        for tap in range(1, 2 * reach + 1):
            blurred.addcmul_(kernel[:, tap], wide.narrow(axis, tap, length))
    return batch.index_copy(0, some, blurred)
