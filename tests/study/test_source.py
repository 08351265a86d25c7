from pathlib import Path

import numpy as np
import pytest

from medclf.cohort.ingest import ingest
from medclf.dicom.instance import Kind
from medclf.errors import LabelsRefused
from medclf.study.config import load_study
from medclf.study.init import Wishes, init
from medclf.study.source import open_source, source_digest


def archive(path: Path, *, findings: int = 1) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = rng.integers(0, 256, (12, 64, 64), dtype=np.uint8)
        labels = np.arange(12 * findings, dtype=np.uint8).reshape(12, findings)
        arrays[f"{part}_labels"] = labels % 2
    np.savez(path, **arrays)
    return path


def test_an_archive_becomes_files_and_a_manifest_like_any_other(tmp_path: Path) -> None:
    data = archive(tmp_path / "pneumoniamnist_64.npz")
    study = load_study(init(Kind.XRAY, data, tmp_path / "study.yaml", wishes=Wishes()))
    source, config = open_source(study)
    manifest = ingest(source, config, secret=b"0" * 32, check=lambda instance: ())
    assert manifest.label_counts() == {"normal": 18, "pneumonia": 18}
    assert manifest.facts["source"] == "medmnist"
    assert set(manifest.column("part")) == {"train", "tune", "calibrate", "test"}
    assert manifest.open(0).acquisition.rows == 64
    assert manifest.facts["table_digest"] == source_digest(study)
    archive(data, findings=2)
    assert manifest.facts["table_digest"] != source_digest(study)


def test_an_archive_of_findings_carries_them(tmp_path: Path) -> None:
    data = archive(tmp_path / "chestmnist_64.npz", findings=3)
    study = load_study(init(Kind.XRAY, data, tmp_path / "study.yaml", wishes=Wishes()))
    source, config = open_source(study)
    manifest = ingest(source, config, secret=b"0" * 32, check=lambda instance: ())
    assert manifest.findings == ("atelectasis", "cardiomegaly", "effusion")
    assert manifest.case(1).findings == (1, 0, 1)


def test_the_digest_of_a_table_that_is_gone_says_so(tmp_path: Path) -> None:
    data = tmp_path / "labels.csv"
    data.write_text("path,label\na.png,no\nb.png,yes\n")
    study = load_study(init(Kind.XRAY, data, tmp_path / "study.yaml", wishes=Wishes()))
    assert source_digest(study).startswith("sha256:")
    data.unlink()
    with pytest.raises(LabelsRefused, match="cannot be read"):
        source_digest(study)
