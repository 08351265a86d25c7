"""What decides on a prepared pixel beside the configuration: libraries, our code, the processor.

Whatever is kept from one run for the next, prepared pictures and an ingest's journal, is named
by it, so that a changed decoder never meets what another one made.
"""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import medclf.dicom
import medclf.pixels
from medclf.digest import digest_file, digest_json

# Those whose release could change a prepared pixel; some are fallbacks and may not be here.
_SOFTWARE = (
    "imagecodecs",
    "medclf",
    "monai",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg",
    "pylibjpeg-rle",
    "python-gdcm",
    "scipy",
    "simplejpeg",
    "tifffile",
)
_CODE = (medclf.dicom, medclf.pixels)  # rooms that read, decode and transform


def deciding() -> dict[str, Any]:
    """Return versions, digest of our code and type of processor, as plain JSON values."""
    return {
        "software": {name: _version(name) for name in _SOFTWARE},
        "code": code_digest(*_CODE),
        "machine": platform.machine(),
    }


@cache
def code_digest(*rooms: ModuleType) -> str:
    """Return the digest of the code of some rooms: versions do not tell an edit."""
    files = [path for room in rooms for path in sorted(Path(room.__path__[0]).rglob("*.py"))]
    return digest_json([digest_file(path) for path in files])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""  # it is not here, so it prepares nothing
