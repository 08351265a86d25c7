"""Nothing of a hospital may call out by itself: a program apart, since imports are for good."""

import subprocess
import sys

import pytest

pytest.importorskip("openvino", reason="extra openvino is not installed")

PROGRAM = """
import sys
from medclf.model.runtime_openvino import openvino
assert openvino().Core() is not None
assert sys.modules["openvino_telemetry"] is None
import openvino.tools.ovc as converter
print(type(converter.telemetry).__module__ if hasattr(converter, "telemetry") else "none")
"""


def test_openvino_is_imported_without_what_reports_its_use():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip().startswith("openvino_telemetry")
