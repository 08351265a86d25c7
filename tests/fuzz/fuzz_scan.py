"""Coverage-guided search for bytes that the scan and the parse behind it do not survive.

    python tests/fuzz/fuzz_scan.py CORPUS [-max_total_time=1200] [any option of libFuzzer]

Needs the extra `fuzz`. CORPUS is a folder; when it is empty it is filled with small real files
(pydicom's own, and those of MEDCLF_SHARED_DATA) and with small made-up ones. The property:
`parse_instance` returns or raises `InstanceRefused`, soon, and says nothing of what is in the
file. Anything else stops the run and leaves the bytes behind as `crash-…`.
"""

import os
import sys
import warnings
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["medclf", "pydicom"]):
    import pydicom.data

    from medclf.dicom.instance import Instance, Limits, parse_instance, patient_key
    from medclf.errors import InstanceRefused

SEED_BYTES = 40_000
# Small, so that a file which would be too slow or too large at the real limits is seen as such.
LIMITS = Limits(file_bytes=1 << 20, inflated_bytes=1 << 20, elements=5_000)
SLOWEST_S = 5.0  # with instrumentation, on a busy machine; 5,000 elements take about 0.1 s


def one_file(data: bytes) -> None:
    """Parse some bytes, and everything of them that medclf looks at before decoding."""
    began = process_time()
    try:
        instance = parse_instance(data, limits=LIMITS)
    except InstanceRefused:
        instance = None
    if instance is not None:
        look_at(instance)
    took = process_time() - began
    if took > SLOWEST_S:
        raise RuntimeError(f"{len(data)} bytes took {took:.1f} s")


def look_at(instance: Instance) -> None:
    """Ask for what ingest asks for."""
    facts = instance.acquisition
    claimed = facts.rows * facts.columns * facts.samples * facts.frames
    if not 1 <= claimed <= LIMITS.pixels:
        raise RuntimeError(f"{claimed} samples passed")
    patient_key(instance, secret=b"secret")
    if instance.dataset is not None and instance.dataset.preamble != bytes(128):
        raise RuntimeError("a foreign preamble was kept")


def seed(corpus: Path) -> None:
    """Fill an empty corpus."""
    corpus.mkdir(parents=True, exist_ok=True)
    if any(corpus.iterdir()):
        return
    shared = Path(os.environ.get("MEDCLF_SHARED_DATA", "absent"))
    paths = [Path(path) for path in pydicom.data.get_testdata_files("*.dcm")]
    paths += (shared / "dicom").rglob("*.dcm")
    for path in paths:
        if path.stat().st_size <= SEED_BYTES:
            (corpus / path.name).write_bytes(path.read_bytes())
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from hostile.make import small_files

    for name, data in small_files():
        (corpus / name).write_bytes(data)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if folder is None:
        sys.exit(__doc__)
    seed(Path(folder))
    options = [*sys.argv, f"-max_len={2 * SEED_BYTES}", "-rss_limit_mb=2048", "-timeout=60"]
    atheris.Setup(options, one_file)
    atheris.Fuzz()
