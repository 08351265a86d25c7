"""Row 4 exists because every image takes the way from its file to the network's 224 pixels.

From a raw DX file on disk to a square of eight bits. Ours also checks the file, finds the field
and evens out the exposure, which MONAI's two transforms do not; the digest of the file is taken
on neither side (row 8 has it). Parity is held against an exact area average in float64, by
matrices, windowed between its own percentiles. The third peer is the quickest that anybody writes
by hand, pydicom and cv2.INTER_AREA, which checks nothing and lets the exposure be.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from medclf.dicom.instance import Kind, open_instance
from medclf.pixels.decode import decode
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry
from medclf.pixels.transforms.resample import fitted_size
from validation.benchmarks.pictures import as_dicom, film
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

_TOLERANCE = 1  # level of 255, before the window stretches it
_ROUNDING = 0.5  # of a level, to eight bits, after the window
_SAME_PICTURE = 0.99  # correlation; MONAI takes other areas and may smooth first
_CONFIG = Preprocessing(kind=Kind.XRAY, size=224)


def area_matrix(target: int, source: int) -> NDArray[np.float64]:
    """Return (target, source): each row averages the stretch that a target pixel covers."""
    edges = np.arange(target + 1) * source / target
    pixels = np.arange(source)
    low = np.maximum(edges[:-1, None], pixels[None, :])
    high = np.minimum(edges[1:, None], pixels[None, :] + 1)
    return np.clip(high - low, 0, None) * target / source


def area_average(array: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return (224, w) float64, aspect kept, of a picture higher than wide."""
    height, width = fitted_size(*array.shape, size=_CONFIG.size)
    rows, columns = area_matrix(height, array.shape[0]), area_matrix(width, array.shape[1])
    return rows @ array.astype(np.float64) @ columns.T


def exact(array: NDArray[np.uint16]) -> tuple[NDArray[np.float64], float]:
    """Return the area average, windowed, centred on black; and by how much the window stretched.

    Args:
        array: (h, w), full range, higher than wide.

    Returns:
        (224, 224) float64 in [0, 255]; levels after the window for one level before it.
    """
    small = area_average(array)
    low, high = np.percentile(small, [_CONFIG.xray.window_low, _CONFIG.xray.window_high])
    square = np.zeros((_CONFIG.size, _CONFIG.size))
    left = (_CONFIG.size - small.shape[1]) // 2
    square[:, left : left + small.shape[1]] = np.clip((small - low) * 255 / (high - low), 0, 255)
    return square, 65535 / (high - low)


def trials(folder: Path, tiny: bool) -> Trials:
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged, Resized

    array = film(1200, 1000) if tiny else film(3000, 2500)
    path = folder / "film.dcm"
    path.write_bytes(as_dicom(array))
    see = geometry(_CONFIG)
    height, width = fitted_size(*array.shape, size=_CONFIG.size)

    def ours() -> NDArray[np.uint8]:
        return see(decode(open_instance(path)))

    def parity() -> None:
        agreement = np.corrcoef(peer().ravel(), area_average(array).ravel())[0, 1]
        require(agreement > _SAME_PICTURE, f"MONAI's picture agrees by {agreement:.4f} only")
        wanted, stretch = exact(decode(open_instance(path)).array)
        off = (float(np.abs(ours() - wanted).max()) - _ROUNDING) / stretch
        require(off <= _TOLERANCE, f"ours is {off:.2f} of 255 off the exact area average")

    for what, smoothed in (("MONAI", False), ("MONAI, anti-aliased", True)):
        # MONAI gives DICOM pictures columns first.
        resized = Resized("image", spatial_size=(width, height), anti_aliasing=smoothed)
        pipeline = Compose(
            [LoadImaged("image", reader="PydicomReader"), EnsureChannelFirstd("image"), resized]
        )

        def peer(run: Compose = pipeline) -> NDArray[np.float32]:
            return run({"image": str(path)})["image"].numpy()[0].T

        yield Race(what, parity, ours, peer, rounds=5)

    def by_hand() -> NDArray[np.uint16]:
        dataset = dcmread(path)
        stored = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
        return cv2.resize(stored, (width, height), interpolation=cv2.INTER_AREA)

    def same_average() -> None:
        off = float(np.abs(by_hand() - area_average(array)).max())
        require(off <= _TOLERANCE, f"by hand is {off:.2f} of 4095 off the exact area average")

    yield Race("by hand", same_average, ours, by_hand, rounds=9)


ROW = Row(
    number=4,
    title="raw DX file 3000 × 2500 to 224",
    peer="MONAI LoadImaged, EnsureChannelFirstd, Resized; pydicom and cv2 by hand",
    bars={
        "MONAI": AtLeast(8),
        "MONAI, anti-aliased": AtLeast(40),
        # As good as the decoders of row 1 are held to the bare ones.
        "by hand": AtLeast(0.95),
    },
    trials=trials,
    needs=("monai",),
)
