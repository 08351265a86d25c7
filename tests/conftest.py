"""What every test may ask for: the real data, and programs from other makers."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medclf import api
from medclf.cli.app import main
from medclf.cohort.labels import read_labels
from medclf.config import save_yaml
from medclf.demonstration.phantoms import write_phantoms
from medclf.demonstration.story import study_config

collect_ignore = ["fuzz/fuzz_scan.py"]  # a program of its own, and needs the extra `fuzz`


REPOSITORY = Path(__file__).resolve().parent.parent

# A script that starts the tests in the background has them ignore it, and their processes too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@dataclass(frozen=True)
class Walked:
    """A small study on made-up X-rays that was walked from end to end."""

    folder: Path
    home: Path
    study: Path
    package: Path
    test_table: Path
    report: Path

    def images(self) -> list[Path]:
        """The DICOM files of the sealed test part."""
        rows = read_labels(self.test_table).rows
        return [Path(row.path) for row in rows]


def small_study(folder: Path, *, count: int = 120, epochs: int = 6) -> Path:
    """Draw a few made-up films and write a study over them; returns the study.yaml."""
    write_phantoms(
        folder / "dicom",
        count=count,
        generator=np.random.default_rng(7),
        progress=lambda done, total: None,
    )
    config = study_config()
    fit = config.fit.model_copy(update={"epochs": epochs, "batch": 16})
    save_yaml(folder / "study.yaml", config.model_copy(update={"fit": fit}))
    return folder / "study.yaml"


@pytest.fixture(scope="session")
def walked(tmp_path_factory) -> Walked:
    """A study that was ingested, trained and validated; tests must not change it."""
    folder = tmp_path_factory.mktemp("walked")
    study, home = small_study(folder), folder / "home"
    api.ingest(study, home=home, actor="tester")
    trained = api.train(study, home=home, actor="tester")
    assert trained.test_table is not None
    validated = api.validate(
        trained.package.path,
        data=trained.test_table,
        out=folder / "report",
        home=home,
        actor="tester",
    )
    return Walked(folder, home, study, trained.package.path, trained.test_table, validated.page)


@pytest.fixture
def medclf(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; gives exit code, standard output and error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["medclf", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
