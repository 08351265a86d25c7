"""What OpenVINO does to the process it runs in; programs apart, since imports are for good."""

import subprocess
import sys

import pytest

pytest.importorskip("openvino", reason="extra openvino is not installed")

QUIET = """
import sys
from medclf.model.runtime_openvino import openvino
assert openvino().Core() is not None
assert sys.modules["openvino_telemetry"] is None
import openvino.tools.ovc as converter
print(type(converter.telemetry).__module__ if hasattr(converter, "telemetry") else "none")
"""


def test_openvino_is_imported_without_what_reports_its_use():
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip().startswith("openvino_telemetry")


SIGNALLED = """
import gc, os, signal
import torch
from medclf.model.engine import Arithmetic
from medclf.model.export import export_onnx
from medclf.model.network import Architecture, Network
from medclf.model.runtime import Runtime, RuntimeName, dump_weights

shape = Architecture(backbone="medclf/lenet5", channels=1, size=32, classes=2)
network = Network(shape).eval()
exported, weights = export_onnx(network), dump_weights(network)
for _ in range(3):
    runtime = Runtime(shape, weights, name=RuntimeName.OPENVINO, exported=exported)
    runtime.run(torch.zeros(1, 1, 32, 32))
del runtime
gc.collect()
signal.signal(signal.SIGTERM, lambda *given: print("told"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_handled_after_runtimes_have_come_and_gone():
    # OpenVINO swaps the stack that signals are handled on; freed, it would end the process.
    pytest.importorskip("onnxscript", reason="extra onnx is not installed")
    done = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "told"), done.stderr
