"""The five networks of the performance table, and every engine that a user would run them with."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from scipy.special import softmax

from medclf.model.engine import Arithmetic
from medclf.model.export import export_onnx
from medclf.model.network import Architecture, Network
from medclf.model.runtime import Runtime, RuntimeName, dump_weights
from medclf.model.runtime_openvino import shared_core

FIVE = {
    "resnet18": "timm/resnet18",
    "densenet121": "timm/densenet121",
    "efficientnet_b0": "timm/efficientnet_b0",
    "convnext_tiny": "timm/convnext_tiny",
    "vit_small": "timm/vit_small_patch16_224",
}

Scores = np.ndarray  # (1, classes) float32 or float64
Run = Callable[[], Scores]

_SEED, _SIZE, _CLASSES = 6, 224, 2


@dataclass(frozen=True)
class Bench:
    """One network with one picture, on one thread."""

    network: Network
    exported: bytes
    picture: torch.Tensor  # (1, 3, size, size) float32

    def ours(self, name: RuntimeName, arithmetic: Arithmetic = Arithmetic.FLOAT32) -> Run:
        """Return a run of our runtime."""
        runtime = Runtime(
            self.network.architecture,
            dump_weights(self.network),
            name=name,
            exported=self.exported,
            arithmetic=arithmetic,
            threads=1,
        )
        return lambda: runtime.run(self.picture)[0]

    def torch(self) -> Run:
        """Return a run of PyTorch as every tutorial shows it."""

        def run() -> Scores:
            with torch.no_grad():
                return self.network(self.picture)[0].numpy()

        return run

    def inductor(self) -> Run:
        """Return a run of the network compiled by PyTorch."""
        compiled = torch.compile(self.network)

        def run() -> Scores:
            with torch.inference_mode():
                return compiled(self.picture)[0].numpy()

        return run

    def onnxruntime(self) -> Run:
        """Return a run of ONNX Runtime, used directly."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self.exported, options, providers=["CPUExecutionProvider"]
        )
        x = self.picture.numpy()
        return lambda: session.run(["scores"], {"pictures": x})[0]

    def openvino(self) -> Run:
        """Return a run of OpenVINO, used directly, compiled for one picture."""
        core = shared_core()
        model = core.read_model(io.BytesIO(self.exported))
        model.reshape(list(self.picture.shape))
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
        compiled = core.compile_model(model, "CPU", settings)
        x = self.picture.numpy()
        return lambda: compiled(x)["scores"]


def bench(backbone: str) -> Bench:
    """Build a network with random weights that tells pictures apart, and a picture.

    Batch normalisation gets the statistics of a few pictures and the head a fitting scale, so
    that probabilities lie between 0 and 1: with raw random weights every parity would hold.
    """
    torch.manual_seed(_SEED)
    shape = Architecture(backbone=backbone, channels=3, size=_SIZE, classes=_CLASSES)
    network = Network(shape)
    with torch.no_grad():
        network.train()
        for _ in range(4):
            _, features = network(torch.randn(8, 3, _SIZE, _SIZE))
        spread = features.std(dim=0).norm()  # of the features over pictures
        network.head.weight.mul_(1 / (network.head.weight.norm(dim=1).mean() * spread))
    network.eval().requires_grad_(requires_grad=False)
    return Bench(network, export_onnx(network), torch.randn(1, 3, _SIZE, _SIZE))


def probabilities(run: Run) -> np.ndarray:
    """Return the probabilities of a run, float64."""
    return softmax(np.asarray(run(), dtype=np.float64), axis=1)


def fastest(runs: dict[str, Run], *, rounds: int) -> str:
    """Return the name of the fastest by the median, in interleaved rounds."""
    for run in runs.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - began)
    return min(taken, key=lambda name: median(taken[name]))
