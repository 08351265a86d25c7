"""Row 7 exists because a variant in bfloat16 must be worth the validation that it needs.

One picture of 224 pixels, one thread; the peer is PyTorch in float32 under `no_grad`. The bar
was set on a processor with AMX. Whether a variant's numbers are good enough is no question of
speed: `medclf variant` fits its calibration anew and its own validation judges it. Parity here
only says that the same network runs.
"""

from pathlib import Path

import numpy as np

from medclf.errors import RuntimeUnavailable
from medclf.model.engine import Arithmetic
from medclf.model.runtime import RuntimeName
from validation.benchmarks.engines import FIVE, bench, probabilities
from validation.benchmarks.row import AtLeast, Race, Row, Skip, Trials, require

_SAME_NETWORK = 0.05  # of a probability: random weights, so no error of a trained model


def trials(folder: Path, tiny: bool) -> Trials:
    for name in ["resnet18"] if tiny else list(FIVE):
        made = bench(FIVE[name])
        try:
            ours = made.ours(RuntimeName.OPENVINO, Arithmetic.BFLOAT16)
        except RuntimeUnavailable as error:
            yield Skip(name, error.message)
            continue
        reference = made.torch()
        off = float(np.abs(probabilities(ours) - probabilities(reference)).max())

        def parity(off: float = off) -> None:
            require(0 < off < _SAME_NETWORK, f"a probability is {off:.1e} off float32")

        note = f"a probability is up to {off:.0e} off float32"
        yield Race(name, parity, ours, reference, rounds=15, note=note)


ROW = Row(
    number=7,
    title="bfloat16 variant, one picture",
    peer="PyTorch in float32 under no_grad",
    bars={name: AtLeast(3.0) for name in FIVE},
    trials=trials,
    needs=("onnx", "onnxscript", "openvino"),
)
