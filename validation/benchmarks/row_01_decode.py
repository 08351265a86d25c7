"""Row 1 exists because decoding is most of what a radiograph costs before a network sees it.

Stored values of a 3000 × 2500 film, 12 in 16 bits, in five transfer syntaxes, from the parsed
data set to an array. Against pydicom with its plugin pylibjpeg, which for JPEG lossless and
JPEG-LS is under the GPL and so runs in a Python of its own (`apart.py`); against pydicom with
GDCM, the quickest plugin for these two; and against the bare decoder, to see what our checks
cost. Raw data is copied once on both sides, since our view alone would take no time at all.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder, get_encoder, pixel_array

from medclf.dicom.instance import parse_instance
from medclf.pixels.codecs import stored_values
from medclf.pixels.header import read_header
from validation.benchmarks.apart import LIBRARIES, PYTHON, peer_apart
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.row import AtLeast, Race, Row, Skip, Trials, require

_Array = NDArray[Any]
_SYNTAXES = {
    "JPEG lossless": uid.JPEGLosslessSV1,
    "JPEG-LS": uid.JPEGLSLossless,
    "HTJ2K": uid.HTJ2KLossless,
    "RLE": uid.RLELossless,
    "raw": uid.ExplicitVRLittleEndian,
}
_PLUGIN = {"JPEG lossless": "gdcm", "JPEG-LS": "gdcm", "HTJ2K": "pylibjpeg"}
_APART = ("JPEG lossless", "JPEG-LS")  # that pylibjpeg decodes with a library under the GPL
_BARE = {
    "JPEG lossless": imagecodecs.jpeg8_decode,
    "JPEG-LS": imagecodecs.jpegls_decode,
    "HTJ2K": imagecodecs.htj2k_decode,
    "RLE": lambda frame: imagecodecs.dicomrle_decode(frame, "<u2"),
}


def encoded(array: _Array, name: str) -> bytes:
    """Return a DICOM file; 12 bits are told in the codestream where the encoder can."""
    match name:
        case "JPEG lossless":
            frame = imagecodecs.ljpeg_encode(array, bitspersample=12)
        case "HTJ2K":
            frame = imagecodecs.htj2k_encode(array, reversible=True)
        case "JPEG-LS" | "RLE":
            facts = {"rows": array.shape[0], "columns": array.shape[1], "samples_per_pixel": 1}
            facts |= {"bits_allocated": 16, "bits_stored": 12, "pixel_representation": 0}
            facts |= {"photometric_interpretation": "MONOCHROME2", "number_of_frames": 1}
            frame = get_encoder(_SYNTAXES[name]).encode(array, **facts)
        case _:
            return as_dicom(array)
    return as_dicom(array, frame=frame, syntax=_SYNTAXES[name])


def trials(folder: Path, tiny: bool) -> Trials:
    array = film(300, 250) if tiny else film(3000, 2500)
    for name, syntax in _SYNTAXES.items():
        data = encoded(array, name)
        dataset = parse_instance(data).dataset
        ours = _ours(dataset, syntax, copied=name == "raw")
        if name in _APART:
            path = folder / f"{name}.dcm"
            path.write_bytes(data)
            yield from _against_apart(name, array, ours, path)
        plugin = _PLUGIN.get(name, "")
        what = f"{name}, GDCM" if name in _APART else name
        if plugin and plugin not in get_decoder(syntax).available_plugins:
            yield Skip(what, f"pydicom has no {plugin} decoder for it here")
        else:
            note = f"pydicom with {plugin}" if plugin else ""
            yield _race(what, array, ours, _pydicom(dataset, plugin), note=note)
        if name in _BARE:
            frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
            yield _race(f"{name}, bare decoder", array, ours, _bare(frame, name))


def _against_apart(name: str, array: _Array, ours: Callable[[], _Array], path: Path) -> Trials:
    if not PYTHON.exists():
        yield Skip(name, f"no {LIBRARIES} in a Python of its own: `make bench-peers`")
        return
    with peer_apart(path) as peer:

        def parity() -> None:
            require(np.array_equal(ours(), array), "ours is not bit-exact")
            found = peer.ask()["sha256"]
            require(found == sha256(array.tobytes()).hexdigest(), "the peer is not bit-exact")

        yield Race(name, parity, ours, peer.run, note=f"pydicom with {LIBRARIES}")


def _ours(dataset: Dataset, syntax: str, *, copied: bool) -> Callable[[], _Array]:
    def run() -> _Array:
        stored = stored_values(dataset, read_header(dataset, transfer_syntax=syntax)).patterns
        return stored.copy() if copied else stored

    return run


def _pydicom(dataset: Dataset, plugin: str) -> Callable[[], _Array]:
    return lambda: pixel_array(dataset, decoding_plugin=plugin)


def _bare(frame: bytes, name: str) -> Callable[[], _Array]:
    def run() -> _Array:
        found = _BARE[name](frame)
        return np.frombuffer(found, "<u2") if name == "RLE" else found

    return run


def _race(
    what: str,
    array: _Array,
    ours: Callable[[], _Array],
    peer: Callable[[], _Array],
    *,
    note: str = "",
) -> Race:
    def parity() -> None:
        require(np.array_equal(ours(), array), "ours is not bit-exact")
        require(np.array_equal(peer().reshape(array.shape), array), "the peer is not bit-exact")

    return Race(what, parity, ours, peer, note=note)


ROW = Row(
    number=1,
    title="decode 3000 × 2500, 12 in 16 bits",
    peer="pydicom with pylibjpeg or GDCM; imagecodecs called by hand",
    bars={
        "JPEG lossless": AtLeast(3.6),
        "JPEG-LS": AtLeast(3.3),
        # The table has no bar for GDCM; both it and ours decode JPEG-LS with CharLS.
        **{f"{name}, GDCM": AtLeast(1.0) for name in _APART},
        "HTJ2K": AtLeast(2.0),
        "RLE": AtLeast(1.1),
        "raw": AtLeast(1.0),
        **{f"{name}, bare decoder": AtLeast(0.95) for name in _BARE},
    },
    trials=trials,
)
