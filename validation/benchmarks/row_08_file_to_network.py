"""Row 8 exists because a film's way from its file to the network is what a user waits for first.

From a DX file of 3000 × 2500, 12 in 16 bits, in four transfer syntaxes, to the float32 tensor
that a network of 224 pixels takes, digest of the bytes included; the network itself is row 6.
The peer is what MONAI's own guides show: LoadImaged by pydicom, EnsureChannelFirstd, Resized,
ScaleIntensityd and a repeat to three channels. pydicom decodes JPEG 2000 with pylibjpeg: Pillow
is slower, and GDCM takes every core for one frame, where both sides have one thread here.
"""

from pathlib import Path

import imagecodecs
import numpy as np
import torch
from numpy.typing import NDArray
from pydicom import uid
from pydicom.pixels import get_decoder

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.resample import fitted_size
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require
from validation.benchmarks.row_01_decode import encoded

_CONFIG = Preprocessing(kind=Kind.XRAY, size=224)
_SAME_PICTURE = 0.98  # correlation; the peer neither crops nor evens out the exposure


def _files(folder: Path, array: NDArray[np.uint16]) -> dict[str, Path]:
    frame = imagecodecs.jpeg2k_encode(array, level=0, codecformat="j2k", reversible=True)
    files = {
        "raw": encoded(array, "raw"),
        "JPEG lossless": encoded(array, "JPEG lossless"),
        "JPEG-LS": encoded(array, "JPEG-LS"),
        "JPEG 2000": as_dicom(array, frame=frame, syntax=uid.JPEG2000Lossless),
    }
    paths = {}
    for name, data in files.items():
        paths[name] = folder / f"{name}.dcm"
        paths[name].write_bytes(data)
    return paths


def trials(folder: Path, tiny: bool) -> Trials:
    from monai.transforms import (
        Compose,
        EnsureChannelFirstd,
        LoadImaged,
        RepeatChanneld,
        Resized,
        ScaleIntensityd,
    )

    array = film(1200, 1000) if tiny else film(3000, 2500)
    see = geometry(_CONFIG)
    height, width = fitted_size(*array.shape, size=_CONFIG.size)
    pipeline = Compose(
        [
            LoadImaged("image", reader="PydicomReader"),
            EnsureChannelFirstd("image"),
            Resized("image", spatial_size=(width, height)),  # MONAI gives columns first
            ScaleIntensityd("image"),
            RepeatChanneld("image", 3),
        ]
    )
    jpeg_2000 = get_decoder(uid.JPEG2000Lossless)
    for plugin in {"gdcm", "pillow"} & set(jpeg_2000.available_plugins):
        jpeg_2000.remove_plugin(plugin)
    for name, path in _files(folder, array).items():

        def ours(path: Path = path) -> torch.Tensor:
            instance = open_instance(path)
            require(instance.digest, "no digest")
            return normalise(see(decode(instance))[None], _CONFIG)

        def peer(path: Path = path) -> torch.Tensor:
            return pipeline({"image": str(path)})["image"]

        def parity() -> None:
            found, theirs = ours()[0, 0].numpy(), peer().numpy()[0].T
            left = (found.shape[1] - theirs.shape[1]) // 2
            inside = found[:, left : left + theirs.shape[1]]
            agreement = np.corrcoef(inside.ravel(), theirs.ravel())[0, 1]
            require(agreement > _SAME_PICTURE, f"the pictures agree by {agreement:.4f} only")

        yield Race(name, parity, ours, peer, rounds=5, note="without the network")


ROW = Row(
    number=8,
    title="file to the network's input, 3000 × 2500 to 224",
    peer="MONAI LoadImaged, EnsureChannelFirstd, Resized, ScaleIntensityd",
    bars={
        "raw": AtLeast(3.4),
        "JPEG lossless": AtLeast(2.9),
        "JPEG-LS": AtLeast(1.9),
        "JPEG 2000": AtLeast(1.2),
    },
    trials=trials,
    needs=("monai", "openjpeg"),
)
