"""Says in plain slices what the exporter has no word for, so that every backbone can be exported.

ONNX has no adaptive pooling. At an input size that is fixed, as ours are, it is a maximum over
rectangles that are known beforehand.
"""

import math

import torch
from torch import nn


class MaximumOverBins(nn.Module):
    """`nn.AdaptiveMaxPool2d` for maps of a size that is fixed when exporting, to the last bit."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, channels, height, width) to (batch, channels, rows, columns)."""
        x = torch.stack([x[..., a:b, :].amax(dim=-2) for a, b in bins(x.shape[-2], self.rows)], -2)
        return torch.stack(
            [x[..., a:b].amax(dim=-1) for a, b in bins(x.shape[-1], self.columns)], -1
        )


def bins(length: int, count: int) -> list[tuple[int, int]]:
    """Return where each of `count` bins over `length` values begins and ends, as PyTorch cuts them.

    >>> bins(7, 3)
    [(0, 3), (2, 5), (4, 7)]
    """
    return [(i * length // count, math.ceil((i + 1) * length / count)) for i in range(int(count))]


def make_exportable(network: nn.Module) -> None:
    """Replace, in place, what the exporter cannot express by what gives the same numbers."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveMaxPool2d) and not child.return_indices:
                size = child.output_size
                rows, columns = size if isinstance(size, tuple) else (size, size)
                if rows is not None and columns is not None:
                    setattr(module, name, MaximumOverBins(rows, columns))
