"""Runs a packed network: weights in, pictures in, scores and features out."""

from enum import StrEnum
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from medclf.errors import ModelMisuse
from medclf.model.engine import Arithmetic, Engine, need
from medclf.model.network import Architecture, Network
from medclf.model.runtime_onnx import OnnxEngine
from medclf.model.runtime_openvino import OpenVinoEngine
from medclf.model.runtime_torch import TorchEngine, load_network


class RuntimeName(StrEnum):
    """What runs a packed network."""

    TORCH = "torch"
    OPENVINO = "openvino"
    ONNX = "onnx"


LIBRARY = {
    RuntimeName.TORCH: "torch",
    RuntimeName.OPENVINO: "openvino",
    RuntimeName.ONNX: "onnxruntime",
}
"""The distribution whose version decides what a runtime computes."""


def dump_weights(network: Network) -> bytes:
    """Return a network's weights as safetensors bytes, the same for the same values."""
    state = network.state_dict()
    return bytes(save({k: v.detach().cpu().contiguous() for k, v in sorted(state.items())}))


def need_runtime(name: RuntimeName) -> None:
    """Refuse to go on where a runtime, or what exports a network for it, is not installed.

    Raises:
        RuntimeUnavailable: something is missing; the advice names the extra.
    """
    if name is not RuntimeName.TORCH:
        need(LIBRARY[name], "onnx", "onnxscript", extra=name.value)


class Runtime:
    """A network ready to be asked; safe to call from several threads.

    Numbers are float32 on the CPU unless said otherwise.

    Attributes:
        name: of the engine that runs.
        arithmetic: that it computes in.
        threads: that one call may take.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: bytes,
        *,
        device: str = "cpu",
        name: RuntimeName = RuntimeName.TORCH,
        exported: bytes | None = None,
        arithmetic: Arithmetic = Arithmetic.FLOAT32,
        threads: int | None = None,
    ) -> None:
        """Make an engine ready.

        Args:
            architecture: of the network.
            weights: as `dump_weights` gives them; PyTorch alone reads them.
            device: where it runs; PyTorch alone takes another than `cpu`.
            name: of the engine.
            exported: as `export_onnx` gives it; every engine but PyTorch needs it.
            arithmetic: bfloat16 for a variant, and with OpenVINO only.
            threads: of one call; what PyTorch would take when None.

        Raises:
            WeightsRefused: the weights do not fit the architecture exactly.
            RuntimeUnavailable: the engine is not installed, or the processor lacks the arithmetic.
            RuntimeRefused: the exported network cannot be read.
            ModelMisuse: nothing was exported, or an engine cannot do what is asked.
        """
        if arithmetic is not Arithmetic.FLOAT32 and name is not RuntimeName.OPENVINO:
            raise ModelMisuse(
                f"The runtime {name} computes in float32 only, not in {arithmetic}.",
                advice="Ask for the runtime openvino, or for the float32 package.",
                runtime=name.value,
            )
        self.name, self.arithmetic = name, arithmetic
        self.threads = threads or torch.get_num_threads()
        self._engine: Engine
        if name is RuntimeName.TORCH:
            network = load_network(architecture, weights)
            self._engine = TorchEngine(network, device=device, threads=threads)
            return
        if exported is None:
            raise ModelMisuse(
                f"This package was not exported for the runtime {name}.",
                advice=f"Train again with `runtime: {name}` under `model` in study.yaml.",
                runtime=name.value,
            )
        if name is RuntimeName.ONNX:
            self._engine = OnnxEngine(exported, device=device, threads=self.threads)
        else:
            self._engine = OpenVinoEngine(
                exported, device=device, threads=self.threads, arithmetic=arithmetic
            )

    @property
    def about(self) -> str:
        """What runs, in words, such as `openvino in float32`."""
        return f"{self.name} in {self.arithmetic}"

    def run(
        self, pictures: torch.Tensor
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
        """Score normalised pictures.

        Args:
            pictures: (batch, channels, size, size) float32.

        Returns:
            Scores (batch, classes) and features (batch, features), float64.
        """
        scores, features = self._engine.run(pictures)
        return scores.astype(np.float64), features.astype(np.float64)
