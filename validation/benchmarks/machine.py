"""Where the figures were taken: a ratio without its machine cannot be reproduced."""

import os
import platform
import sqlite3
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "gdcm",
    "grpcio",
    "imagecodecs",
    "medclf",
    "monai",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "opencv-python-headless",
    "openvino",
    "pillow",
    "protobuf",
    "pydicom",
    "pyjpegls",
    "pylibjpeg",
    "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg",
    "scikit-learn",
    "scipy",
    "simplejpeg",
    "timm",
    "torch",
)


def load() -> float:
    """Return the 1-minute load average."""
    return os.getloadavg()[0]


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, object]:
    """Return processor, its flags, memory, system, disk; no name of the machine."""
    about = _cpuinfo()
    return {
        "processor": about.get("model name", platform.machine()),
        "flags": sorted(about.get("flags", about.get("Features", "")).split()),
        "cores": cores(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "temporary_files_on": _filesystem(Path(tempfile.gettempdir())),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python, SQLite and every package that a row may time."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _cpuinfo() -> dict[str, str]:
    """Return what Linux says of the first processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _filesystem(path: Path) -> str:
    """Return the type of the file system that a path lies on, which decides what a sync costs."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return ""
    types = {Path(fields[1]): fields[2] for fields in mounts}
    resolved = path.resolve()
    return next((types[p] for p in (resolved, *resolved.parents) if p in types), "")
