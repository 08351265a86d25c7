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

sys.path.append(str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["medclf", "pydicom"]):
    import pydicom.data
    from hostile.building import BIG, DEFLATED, EXPLICIT, IMPLICIT, body, deflated, header
    from hostile.make import small_files

    from medclf.dicom.instance import Instance, Limits, parse_instance, patient_key
    from medclf.errors import InstanceRefused

SEED_BYTES = 40_000
# Small, so that a file which would be too slow or too large at the real limits is seen as such.
LIMITS = Limits(file_bytes=1 << 20, inflated_bytes=1 << 20, elements=5_000)
SLOWEST_S = 5.0  # with instrumentation, on a busy machine; 5,000 elements take about 0.1 s


def framed(data: bytes) -> bytes:
    """Make a file of what the fuzzer gives; the first byte says how.

    Bytes alone seldom get past the UIDs, and never past deflate, so most are put into a sound
    file: as its whole data set, or between its header and its pixels, in each encoding.
    """
    how, rest = data[0] % 9, data[1:]
    if how == 0:
        return rest
    syntax = (EXPLICIT, IMPLICIT, BIG, DEFLATED)[how % 4]
    if how > 4:
        order = ">" if syntax == BIG else "<"
        rest = body(order=order, implicit=syntax == IMPLICIT, before=rest)
    return header(syntax) + (deflated(rest) if syntax == DEFLATED else rest)


def one_file(given: bytes) -> None:
    """Parse some bytes, and everything of them that medclf looks at before decoding."""
    if not given:
        return
    data = framed(given)
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
    small = [path for path in paths if path.stat().st_size <= SEED_BYTES]
    files = [(path.name, path.read_bytes()) for path in small]
    for name, data in (*files, *small_files()):
        (corpus / name).write_bytes(b"\0" + data)
        at = data.find(b"\x08\0\x05\0")  # where many a data set begins
        if at > 0:
            for how in (1, 2, 5, 6, 7, 8):
                (corpus / f"{name}-{how}").write_bytes(bytes([how]) + data[at : at + 2000])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    folder = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if folder is None:
        sys.exit(__doc__)
    seed(Path(folder))
    options = [*sys.argv, f"-max_len={2 * SEED_BYTES}", "-rss_limit_mb=2048", "-timeout=60"]
    atheris.Setup(options, one_file)
    atheris.Fuzz()
