"""What every test may ask for: the real data, and programs from other makers."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images and weights; skips where it is absent."""
    folder = Path(os.environ.get("MEDCLF_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real data absent: no {folder} (name another with MEDCLF_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program from another maker by name; skips where it is not installed."""

    def find(name: str) -> str:
        local = REPOSITORY / "node_modules" / ".bin" / name
        path = str(local) if local.is_file() else shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed (.ci/run installs it)")
        return path

    return find


@pytest.fixture
def write_png() -> Callable[..., Path]:
    def write(path: Path, seed: int = 0, side: int = 64) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.random.default_rng(seed).integers(0, 255, (side, side), dtype=np.uint8)
        _, data = cv2.imencode(".png", array)
        path.write_bytes(data.tobytes())
        return path

    return write


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    """A single-frame CR of the chest; every element can be replaced."""

    def write(path: Path, seed: int = 0, **elements: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.random.default_rng(seed).integers(0, 4096, (40, 30), dtype=np.uint16)
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(path), str(seed)])
        dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(seed)])
        dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", str(seed)])
        dataset.Modality = "CR"
        dataset.BodyPartExamined = "CHEST"
        dataset.PatientID = f"patient-{seed}"
        dataset.PatientName = "Made^Up"
        dataset.Rows, dataset.Columns = array.shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = 16
        dataset.BitsStored = 12
        dataset.HighBit = 11
        dataset.PixelRepresentation = 0
        dataset.PixelData = array.tobytes()
        for name, value in elements.items():
            setattr(dataset, name, value)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write
