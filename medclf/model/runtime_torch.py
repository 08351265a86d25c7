"""Runs a packed network with PyTorch: the reference that other engines are held against."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from medclf.errors import WeightsRefused
from medclf.model.engine import FloatArray
from medclf.model.network import Architecture, Network


def load_network(architecture: Architecture, weights: bytes) -> Network:
    """Build a network and load its packed weights; it is in evaluation mode.

    Raises:
        WeightsRefused: the weights do not fit the architecture exactly.
    """
    network = Network(architecture)
    try:
        network.load_state_dict(load(weights), strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise WeightsRefused(
            f"The packed weights do not fit {architecture.backbone}.",
            advice="Pack the model again; this package was made by another version.",
        ) from error
    return network.eval()


class TorchEngine:
    """A network in float32, on the CPU or another device that PyTorch knows."""

    def __init__(self, network: Network, *, device: str, threads: int | None) -> None:
        """Take the network over.

        Args:
            network: in evaluation mode; changed in place.
            device: where it runs.
            threads: of one call on the CPU; None takes what PyTorch has.
        """
        self._device = torch.device(device)
        self._threads = threads
        network.to(self._device)
        self._network = network.to(memory_format=torch.channels_last)

    def run(self, pictures: torch.Tensor) -> tuple[FloatArray, FloatArray]:
        """Return scores (batch, classes) and features (batch, features)."""
        with _limited_to(self._threads), torch.inference_mode():
            x = pictures.to(self._device).contiguous(memory_format=torch.channels_last)
            scores, features = self._network(x)  # (batch, classes), (batch, features)
        return scores.float().cpu().numpy(), features.float().cpu().numpy()


@contextmanager
def _limited_to(threads: int | None) -> Iterator[None]:
    """Hold PyTorch to some threads in the thread that calls; others keep theirs."""
    before = torch.get_num_threads()
    if threads is None or threads == before:
        yield
        return
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
