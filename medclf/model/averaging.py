"""The moving mean of the weights, which is what is judged and kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MeanWeights:
    """The moving mean of a network's weights over its steps.

    Source: Polyak & Juditsky 1992; as an exponential mean, Tarvainen & Valpola 2017. The mean
    of the first steps is shorter, so that it does not remember the start for long.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        """Start at the network's weights, on the network's device.

        Args:
            network: stays on its device from here on.
            decay: of the mean; 0 keeps the last weights.
        """
        self._network = network
        self._decay = decay
        self.values = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move towards the network's weights after a step, counted from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        if not self._decay:
            return  # `settle` takes the last ones
        mine, theirs = [], []
        for name, value in self._network.state_dict().items():
            if value.is_floating_point():
                mine.append(self.values[name])
                theirs.append(value)
        torch._foreach_lerp_(mine, theirs, 1 - decay)

    @torch.no_grad()
    def settle(self) -> None:
        """Copy what has no mean: counters, and all weights where nothing is averaged."""
        for name, value in self._network.state_dict().items():
            if not self._decay or not value.is_floating_point():
                self.values[name].copy_(value)

    @contextmanager
    def worn(self) -> Iterator[None]:
        """Give the network the mean weights for a while."""
        own = {k: v.clone() for k, v in self._network.state_dict().items()}
        self._network.load_state_dict(self.values)
        try:
            yield
        finally:
            self._network.load_state_dict(own)

    def restore(self, values: Mapping[str, Tensor]) -> None:
        """Take on the mean of a checkpoint."""
        for name, value in values.items():
            self.values[name].copy_(value)
