"""Runs an exported network with ONNX Runtime, one picture at a time.

So no opinion depends on the batch it was read in.
"""

from importlib import import_module

import torch

from medclf.model.engine import FloatArray, need, need_cpu, one_by_one, unreadable
from medclf.model.export import refuse_references


class OnnxEngine:
    """A network in float32 on the CPU. Calls share one pool of threads."""

    def __init__(self, exported: bytes, *, device: str, threads: int) -> None:
        """Load an exported network.

        Args:
            exported: as `export_onnx` gives it.
            device: `cpu`.
            threads: of one call; the calling thread is one of them.

        Raises:
            RuntimeUnavailable: onnxruntime is not installed.
            RuntimeRefused: the network cannot be read, or refers to other files.
            ModelMisuse: another device than the CPU.
        """
        need("onnxruntime", extra="onnx")
        need_cpu(device, runtime="onnx")
        refuse_references(exported)
        onnxruntime = import_module("onnxruntime")
        failures = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only; it says what it warns of on standard error
        try:
            self._session = onnxruntime.InferenceSession(
                exported, options, providers=["CPUExecutionProvider"]
            )
        except (
            failures.Fail,
            failures.InvalidProtobuf,
            failures.InvalidGraph,
            failures.InvalidArgument,
            failures.NotImplemented,
        ) as error:
            raise unreadable("ONNX Runtime") from error

    def run(self, pictures: torch.Tensor) -> tuple[FloatArray, FloatArray]:
        """Return scores (batch, classes) and features (batch, features)."""
        return one_by_one(self._infer, pictures)

    def _infer(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        scores, features = self._session.run(["scores", "features"], {"pictures": x})
        return scores, features
