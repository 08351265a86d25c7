"""Row 6 exists because inference in float32 is what every opinion waits for.

One picture of 224 pixels, one thread. Ours is the faster of the runtimes that a study may name,
openvino and onnx; the peer is the fastest of ONNX Runtime, OpenVINO and inductor used directly.
Which ones those are is told with the result.
"""

import os
from pathlib import Path

import numpy as np

from medclf.model.runtime import RuntimeName
from validation.benchmarks.engines import FIVE, Bench, Run, bench, fastest, probabilities
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

_SAME = 1e-5  # of a probability
_OURS = (RuntimeName.OPENVINO, RuntimeName.ONNX)


def trials(folder: Path, tiny: bool) -> Trials:
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    names = ["resnet18"] if tiny else list(FIVE)
    for name in names:
        yield _race(name, bench(FIVE[name]), tiny=tiny)


def _race(name: str, made: Bench, *, tiny: bool) -> Race:
    ours = {str(runtime): made.ours(runtime) for runtime in _OURS}
    peers = {"onnxruntime": made.onnxruntime(), "openvino": made.openvino()}
    if not tiny:  # it compiles for a minute
        peers["inductor"] = made.inductor()
    rounds = 1 if tiny else 9
    mine, theirs = fastest(ours, rounds=rounds), fastest(peers, rounds=rounds)
    reference = made.torch()

    def parity() -> None:
        expected = probabilities(reference)
        require(0.001 < expected.min() < 0.999, "the network does not tell pictures apart")
        everyone: dict[str, Run] = {**peers, **{f"ours, {k}": run for k, run in ours.items()}}
        for who, run in everyone.items():
            off = float(np.abs(probabilities(run) - expected).max())
            require(off <= _SAME, f"{who}: a probability is {off:.1e} off PyTorch's")

    note = f"ours {mine}, the best peer {theirs}"
    return Race(name, parity, ours[mine], peers[theirs], rounds=15, note=note)


ROW = Row(
    number=6,
    title="float32 inference of one picture",
    peer="the best of ONNX Runtime, OpenVINO and inductor",
    bars={name: AtLeast(0.95) for name in FIVE},
    trials=trials,
    needs=("onnx", "onnxscript", "onnxruntime", "openvino"),
)
