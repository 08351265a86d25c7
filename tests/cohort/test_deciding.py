"""What is kept for the next run is named by all that can change a pixel."""

from importlib.metadata import version
from pathlib import Path

import medclf.pixels.decode
from medclf.cohort.deciding import deciding
from medclf.digest import digest_bytes, digest_json


def test_libraries_and_our_own_code_are_named():
    found = deciding()
    pixels = Path(medclf.pixels.decode.__file__).parent
    files = [*sorted((pixels.parent / "dicom").rglob("*.py")), *sorted(pixels.rglob("*.py"))]
    assert found["code"] == digest_json([digest_bytes(path.read_bytes()) for path in files])
    assert found["software"]["imagecodecs"] == version("imagecodecs")
    assert found["software"]["pylibjpeg-libjpeg"] == ""  # GPL: never among the dependencies
