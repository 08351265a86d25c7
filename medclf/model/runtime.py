"""Runs a packed network: weights in, pictures in, scores and features out."""

from enum import StrEnum
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from medclf.errors import WeightsRefused
from medclf.model.network import Architecture, Network


class RuntimeName(StrEnum):
    """What runs a packed network."""

    TORCH = "torch"
    OPENVINO = "openvino"
    ONNX = "onnx"


def dump_weights(network: Network) -> bytes:
    """Return a network's weights as safetensors bytes, the same for the same values."""
    state = network.state_dict()
    return bytes(save({k: v.detach().cpu().contiguous() for k, v in sorted(state.items())}))


class Runtime:
    """A network ready to be asked; safe to call from several threads.

    Numbers are float32 on the CPU unless a device is named.
    """

    def __init__(self, architecture: Architecture, weights: bytes, *, device: str = "cpu") -> None:
        """Build the network and load its weights.

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
        network.eval()
        self.device = torch.device(device)
        network.to(self.device)
        self.network = network.to(memory_format=torch.channels_last)

    def run(
        self, pictures: torch.Tensor
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
        """Score normalised pictures.

        Args:
            pictures: (batch, channels, size, size) float32.

        Returns:
            Scores (batch, classes) and features (batch, features), float64.
        """
        with torch.inference_mode():
            x = pictures.to(self.device).contiguous(memory_format=torch.channels_last)
            scores, features = self.network(x)  # (batch, classes), (batch, features)
        return scores.double().cpu().numpy(), features.double().cpu().numpy()
