"""Runs an exported network with OpenVINO.

Three settings are never left to OpenVINO. The arithmetic: on processors with AMX it would
silently take bfloat16. The threads: one call takes as many as it was told, and calls that come
at once run beside each other as far as there are cores. The pinning of threads to cores: two
processes would end up on the same ones.

Pictures are run one by one, on a network compiled for exactly one: that is up to a tenth faster
for a single picture, and no opinion depends on the batch it was read in.
"""

import io
import os
import sys
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import torch

from medclf.errors import RuntimeUnavailable
from medclf.model.engine import Arithmetic, FloatArray, need, need_cpu, one_by_one, unreadable
from medclf.model.export import refuse_references

_HINT = {Arithmetic.FLOAT32: "f32", Arithmetic.BFLOAT16: "bf16"}


def openvino() -> Any:
    """Import OpenVINO without the module by which it reports its use to its makers.

    Its package tells an analytics server of its own import where `openvino_telemetry` can be
    imported, which its wheel brings along; without it, it goes on with a stub. Nothing of a
    hospital may call out by itself.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return import_module("openvino")


class OpenVinoEngine:
    """A network on the CPU, in float32 unless it is a variant in bfloat16."""

    def __init__(
        self, exported: bytes, *, device: str, threads: int, arithmetic: Arithmetic
    ) -> None:
        """Compile an exported network.

        Args:
            exported: as `export_onnx` gives it.
            device: `cpu`.
            threads: of one call.
            arithmetic: in what the network is computed.

        Raises:
            RuntimeUnavailable: openvino is not installed, or the processor lacks the arithmetic.
            RuntimeRefused: the network cannot be read, or refers to other files.
            ModelMisuse: another device than the CPU.
        """
        need("openvino", extra="openvino")
        need_cpu(device, runtime="openvino")
        refuse_references(exported)
        core = shared_core()
        if arithmetic is Arithmetic.BFLOAT16 and not _has_bfloat16(core):
            raise RuntimeUnavailable(
                "This package computes in bfloat16, and the processor has no instructions for it.",
                advice="Serve the float32 package that it was made from, which its lineage names, "
                "or take a processor with AVX512_BF16 or AMX.",
                arithmetic=arithmetic.value,
            )
        streams = max(1, _cores() // threads)
        settings = {
            "INFERENCE_PRECISION_HINT": _HINT[arithmetic],
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,
        }
        try:
            network = core.read_model(io.BytesIO(exported))
            network.reshape([1, *network.input("pictures").partial_shape[1:]])
            self._compiled = core.compile_model(network, "CPU", settings)
        except RuntimeError as error:
            raise unreadable("OpenVINO") from error
        self._idle: list[Any] = []  # a request serves one call at a time

    def run(self, pictures: torch.Tensor) -> tuple[FloatArray, FloatArray]:
        """Return scores (batch, classes) and features (batch, features)."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            return one_by_one(lambda x: _infer(request, x), pictures)
        finally:
            self._idle.append(request)


@cache
def shared_core() -> Any:
    """Return the one core of this process, which lives as long as it does.

    OpenVINO's processor plugin gives the thread that loads it an alternate stack for signals and
    frees that with its core. With a second core the thread can be left with a stack that is gone,
    and the next signal that Python handles (Ctrl-C, SIGTERM, the end of a child) ends the process.
    """
    return openvino().Core()


def _cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _infer(request: Any, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    found = request.infer({"pictures": x})
    return np.array(found["scores"]), np.array(found["features"])


def _has_bfloat16(core: Any) -> bool:
    """Say whether OpenVINO computes in bfloat16 here; without, it would take float32 unasked."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
