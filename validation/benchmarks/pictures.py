"""Made-up pictures that cost decoders what films cost them, and DICOM objects around them."""

from datetime import UTC, datetime
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.kind import Kind

_GRAIN = 12.0  # levels of 4096; noise of a direct-exposure chest film, about 0.3 % of the range


def film(rows: int, columns: int, *, seed: int = 0) -> NDArray[np.uint16]:
    """Return a picture with soft shapes of many sizes under grain.

    Returns:
        (rows, columns) uint16, values in [0, 4095].
    """
    random = np.random.default_rng(seed)
    shapes = np.zeros((rows, columns), np.float32)
    for octave in range(6):
        cells = random.random((3 << octave, 3 << octave), dtype=np.float32)
        soft = cv2.resize(cells, (columns, rows), interpolation=cv2.INTER_CUBIC)
        shapes += soft * 0.5**octave
    shapes = (shapes - shapes.min()) / (shapes.max() - shapes.min())
    levels = 300 + 3300 * shapes + random.normal(0, _GRAIN, shapes.shape)
    return levels.clip(0, 4095).astype(np.uint16)


def colour(side: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return a colour picture of the same texture, (side, side, 3) uint8."""
    planes = [film(side, side, seed=seed + plane) >> 4 for plane in range(3)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def as_dicom(
    array: NDArray[np.uint16] | NDArray[np.uint8],
    *,
    frame: bytes | None = None,
    syntax: str = "",
    photometric: str = "",
) -> bytes:
    """Return a DICOM file of a picture: a chest X-ray if grey, else a slide.

    Args:
        array: (h, w) uint16 below 4096, or (h, w, 3) uint8.
        frame: the picture compressed; None leaves it raw.
        syntax: transfer syntax of `frame`.
        photometric: of `frame` where it differs from the raw picture.
    """
    dataset = create_image(
        array,
        subject=Subject("BENCHMARK"),
        facts=Facts(
            kind=Kind.XRAY if array.ndim == 2 else Kind.PATHOLOGY,
            study_uid=uid_from("benchmark study"),
            series_uid=uid_from("benchmark series"),
            sop_instance_uid=uid_from("benchmark instance"),
            taken_at=datetime(2026, 1, 1, tzinfo=UTC),
            bits_stored=12 if array.ndim == 2 else 8,
        ),
    )
    if frame is None:
        return dataset_bytes(dataset)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if photometric:
        dataset.PhotometricInterpretation = photometric
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
