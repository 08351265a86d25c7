"""Small made-up DICOM objects with exactly known pixels."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

from medclf.dicom.instance import Instance, parse_instance

MakeInstance = Callable[..., Instance]


def _dataset(array: np.ndarray, frames: list[bytes], syntax: str, **attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.3"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.3"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.2"
    dataset.Modality = "OT"
    dataset.Rows, dataset.Columns = array.shape[:2]
    dataset.SamplesPerPixel = 1 if array.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if array.ndim == 2 else "RGB"
    if array.ndim == 3:
        dataset.PlanarConfiguration = 0
    bits = 8 * array.dtype.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    if "BitsStored" in attributes and "HighBit" not in attributes:
        dataset.HighBit = dataset.BitsStored - 1
    if array.dtype.kind == "f":  # parametric maps (PS3.3 C.7.6.24 and C.7.6.25)
        keyword = "FloatPixelData" if array.dtype.itemsize == 4 else "DoubleFloatPixelData"
        setattr(dataset, keyword, array.tobytes())
        return dataset
    if not frames:
        data = array.tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
    else:
        dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR = "OW" if bits > 8 and not frames else "OB"
    return dataset


@pytest.fixture
def make_instance() -> MakeInstance:
    """Build an instance from an array; keywords override header attributes."""

    def make(
        array: np.ndarray,
        *,
        frame: bytes | None = None,
        frames: list[bytes] | None = None,
        syntax: str = ExplicitVRLittleEndian,
        **attributes: Any,
    ) -> Instance:
        stream = BytesIO()
        dataset = _dataset(array, frames or ([frame] if frame else []), syntax, **attributes)
        dataset.save_as(stream, enforce_file_format=True)
        return parse_instance(stream.getvalue())

    return make
