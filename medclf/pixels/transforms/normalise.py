"""Stacked squares to float tensors, in two steps with augmentation between them."""

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from medclf.errors import PixelsMisuse

_WHITE = {torch.uint8: 255, torch.uint16: 65535}


def as_unit_range(batch: NDArray[Any] | torch.Tensor, *, channels: int) -> torch.Tensor:
    """Turn a batch of squares into a float tensor.

    Args:
        batch: (b, h, w) or (b, h, w, 3), uint8 or uint16, full range.
        channels: of the result, 1 or 3; a grey batch is repeated (as a view) for 3.

    Returns:
        (b, channels, h, w) float32 in [0, 1], on the batch's device.

    Raises:
        PixelsMisuse: the batch has another shape or type, or is in colour while the network
            takes one channel.
    """
    tensor = _tensor(batch)
    white = _WHITE.get(tensor.dtype)
    if white is None:
        raise PixelsMisuse(
            f"The batch holds {tensor.dtype}; uint8 or uint16 is expected.",
            advice="Stack what geometry() returns.",
        )
    if tensor.ndim == 3:
        unit = tensor.unsqueeze(1).float().div_(white)  # (b, 1, h, w)
        return unit.expand(-1, channels, -1, -1)
    if tensor.ndim == 4 and tensor.shape[3] == 3 == channels:
        return tensor.permute(0, 3, 1, 2).float().contiguous().div_(white)  # (b, 3, h, w)
    raise PixelsMisuse(
        f"A batch of shape {tuple(tensor.shape)} does not fit a network of {channels} channels.",
        advice="Stack what geometry() of the same Preprocessing returns.",
    )


def standardise(batch: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Subtract the mean and divide by the deviation, channel by channel.

    Args:
        batch: (b, c, h, w) float32 in [0, 1].
        mean: c numbers.
        std: c numbers above 0.

    Returns:
        (b, c, h, w) float32, memory of its own.
    """
    shape = (1, -1, 1, 1)
    centre = torch.tensor(mean, dtype=torch.float32, device=batch.device).reshape(shape)
    spread = torch.tensor(std, dtype=torch.float32, device=batch.device).reshape(shape)
    return ((batch - centre) / spread).contiguous()


def _tensor(batch: NDArray[Any] | torch.Tensor) -> torch.Tensor:
    if isinstance(batch, torch.Tensor):
        return batch
    # torch warns about read-only memory, although nothing here writes into it
    return torch.from_numpy(batch if batch.flags.writeable else batch.copy())
