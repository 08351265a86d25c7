"""Row 8 exists because a film's way from its file to an opinion is what a user waits for.

From a DX file of 3000 × 2500, 12 in 16 bits, in four transfer syntaxes, to the probabilities of
densenet121 at 224 pixels, digest of the bytes included. Ours runs the network with OpenVINO in
float32. The peer is what MONAI's own guides show: LoadImaged by pydicom, EnsureChannelFirstd,
Resized, ScaleIntensityd, a repeat to three channels, and PyTorch under `no_grad`. pydicom decodes
JPEG 2000 with pylibjpeg: Pillow is slower, and GDCM takes every core for one frame, where both
sides have one thread here. The way to the network alone is raced too, by the same bars.
"""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import torch
from numpy.typing import NDArray
from pydicom import uid
from pydicom.pixels import get_decoder
from scipy.special import softmax

from medclf.dicom.instance import Kind, open_instance
from medclf.model.runtime import Runtime, RuntimeName, dump_weights
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.resample import fitted_size
from validation.benchmarks.engines import FIVE, bench
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require
from validation.benchmarks.row_01_decode import encoded

_CONFIG = Preprocessing(kind=Kind.XRAY, size=224)
_BARS = {"raw": 3.4, "JPEG lossless": 2.9, "JPEG-LS": 1.9, "JPEG 2000": 1.2}
_ALONE = ", without the network"
_SAME_PROBABILITY = 1e-5  # of the two engines, on the same tensor
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
    made = bench(FIVE["densenet121"])
    network, weights = made.network, dump_weights(made.network)
    runtime = Runtime(
        network.architecture,
        weights,
        name=RuntimeName.OPENVINO,
        exported=made.exported,
        threads=1,
    )

    def by_torch(x: torch.Tensor) -> NDArray[np.float64]:
        with torch.no_grad():
            return softmax(network(x)[0].double().numpy(), axis=1)

    def by_openvino(x: torch.Tensor) -> NDArray[np.float64]:
        return softmax(runtime.run(x)[0], axis=1)

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

        def same_opinion(
            see: Callable[[], torch.Tensor] = ours, same: Callable[[], None] = parity
        ) -> None:
            same()
            x = see()
            off = float(np.abs(by_openvino(x) - by_torch(x)).max())
            require(off <= _SAME_PROBABILITY, f"a probability is {off:.1e} off PyTorch's")

        def ours_read(see: Callable[[], torch.Tensor] = ours) -> NDArray[np.float64]:
            return by_openvino(see())

        def peer_reads(see: Callable[[], torch.Tensor] = peer) -> NDArray[np.float64]:
            x = torch.as_tensor(see())[None].float()  # (1, 3, height, width)
            room = (0, _CONFIG.size - x.shape[3], 0, _CONFIG.size - x.shape[2])
            return by_torch(torch.nn.functional.pad(x, room))  # ours is padded by `geometry`

        yield Race(name, same_opinion, ours_read, peer_reads, rounds=5)
        yield Race(name + _ALONE, parity, ours, peer, rounds=5)


ROW = Row(
    number=8,
    title="file to opinion, densenet121, 3000 × 2500 to 224",
    peer="MONAI LoadImaged, Resized, ScaleIntensityd, and PyTorch under no_grad",
    bars={name + end: AtLeast(bar) for name, bar in _BARS.items() for end in ("", _ALONE)},
    trials=trials,
    needs=("monai", "openjpeg", "onnx", "onnxscript", "openvino"),
)
