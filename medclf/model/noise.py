"""Dropout and stochastic depth whose masks belong to the case, for as long as a network trains.

torch draws a mask for the batch that a process happens to hold; two processes would draw other
masks than one. Here the mask of the whole batch is drawn and each process takes its own rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from medclf.errors import ModelMisuse
from medclf.model.network import Network

_PATHS = ("drop_path", "drop_path1", "drop_path2", "stochastic_depth")  # timm's, torchvision's


class Noise:
    """Which cases of which batch are passing through.

    Attributes:
        places: (b,) int64 on the network's device, where they stand in the whole batch.
        size: cases of the whole batch.
    """

    def __init__(self) -> None:
        self.places = torch.zeros(0, dtype=torch.int64)
        self.size = 0

    def enter(self, places: Tensor, size: int) -> None:
        """Say which cases come next."""
        self.places, self.size = places, size

    def uniform(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Draw (b, *shape) in [0, 1) from torch's global stream, for the cases at hand."""
        return torch.rand((self.size, *shape), device=device)[self.places]


class CaseDropout(nn.Module):
    """`nn.Dropout` by case."""

    def __init__(self, rate: float, noise: Noise) -> None:
        super().__init__()
        self.rate = rate
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, …) to the same shape; the mean stays."""
        if not self.training or not self.rate:
            return x
        if len(x) != len(self.noise.places):  # windows or tokens, not cases, come first
            return nn.functional.dropout(x, self.rate)
        kept = self.noise.uniform(tuple(x.shape[1:]), x.device) >= self.rate
        return x * kept / (1 - self.rate)


class CaseDropPath(nn.Module):
    """Leaves a residual branch out, case by case (Huang et al., ECCV 2016)."""

    def __init__(self, rate: float, noise: Noise) -> None:
        super().__init__()
        self.rate = rate
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, …) to the same shape; the mean stays."""
        if not self.training or not self.rate:
            return x
        kept = self.noise.uniform((1,) * (x.ndim - 1), x.device) >= self.rate
        return x * kept / (1 - self.rate)


@contextmanager
def noisy(network: Network, *, drop_path: float) -> Iterator[Noise]:
    """Let a network's dropout and stochastic depth draw by case; puts its own back at the end.

    Args:
        network: changed for a while; its parameters and their names stay.
        drop_path: rate of the last block; it grows from 0 at the first one in equal steps.

    Raises:
        ModelMisuse: `drop_path` is asked for, and the backbone has no branches to leave out.
    """
    noise = Noise()
    replaced: list[tuple[nn.Module, str, nn.Module | None]] = []
    branching = _branching(network.backbone)
    if drop_path and not branching:
        raise ModelMisuse(
            f"{network.architecture.backbone} has no stochastic depth.",
            advice="Set `drop_path: 0`, or take a backbone with residual blocks from timm.",
            backbone=network.architecture.backbone,
        )
    for depth, (block, names) in enumerate(branching):
        rate = drop_path * depth / max(len(branching) - 1, 1)
        replaced += [(block, name, getattr(block, name)) for name in names]
        for name in names:
            setattr(block, name, CaseDropPath(rate, noise).train(block.training))
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout and child.p:
                replaced.append((parent, name, child))
                setattr(parent, name, CaseDropout(child.p, noise).train(child.training))
    try:
        yield noise
    finally:
        for parent, name, module in replaced:
            delattr(parent, name)
            setattr(parent, name, module if module is None else module.train(parent.training))


def _branching(backbone: nn.Module) -> list[tuple[nn.Module, list[str]]]:
    """Return the blocks that have a place for stochastic depth, from the input on."""
    found = []
    for block in backbone.modules():
        names = [n for n in _PATHS if isinstance(getattr(block, n, 0), nn.Module | None)]
        if names:
            found.append((block, names))
    return found
