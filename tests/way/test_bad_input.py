"""What a bad input gets: the message, the exit code, and nothing half-written."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import small_study

from medclf.config import load_yaml, save_yaml
from medclf.dicom.create import dataset_bytes
from medclf.study.config import StudyConfig

COMMAND = [sys.executable, "-m", "medclf"]


def leftovers(folder: Path) -> list[str]:
    """Temporary files that a failed step left behind."""
    return [str(p) for p in folder.rglob("*") if p.suffix in {".part", ".old", ".tmp"}]


@pytest.fixture
def study(walked, tmp_path):
    """A fresh study over the made-up films, with its table free to be changed."""
    shutil.copytree(walked.folder / "dicom", tmp_path / "dicom")
    shutil.copy(walked.study, tmp_path / "study.yaml")
    return tmp_path / "study.yaml"


def rewrite(study: Path, change) -> None:
    path = study.parent / "dicom" / "labels.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = change(rows)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change_config(study: Path, **changes) -> None:
    config = load_yaml(study, StudyConfig)
    save_yaml(study, config.model_copy(update=changes))


# Images.


def not_dicom(folder, walked):
    return b"MZ this is a program, not a picture"


def empty(folder, walked):
    return b""


def truncated(folder, walked):
    data = walked.images()[0].read_bytes()
    return data[: len(data) // 2]


def truncated_jpeg(folder, walked):
    import cv2

    picture = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    return data[: len(data) // 2]


def ct(folder, walked):
    import pydicom

    dataset = pydicom.dcmread(walked.images()[0])
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.Modality = "CT"
    return dataset_bytes(dataset)


def no_pixels(folder, walked):
    import pydicom

    dataset = pydicom.dcmread(walked.images()[0])
    del dataset.PixelData
    return dataset_bytes(dataset)


def absurd_size(folder, walked):
    import pydicom

    dataset = pydicom.dcmread(walked.images()[0])
    dataset.Rows = dataset.Columns = 65535
    return dataset_bytes(dataset)


def program_and_picture(folder, walked):
    return b"MZ".ljust(128, b"\0") + walked.images()[0].read_bytes()[128:]


IMAGES = [
    (not_dicom, "format_unknown"),
    (empty, "file_empty"),
    (truncated, "truncated"),
    (truncated_jpeg, "truncated"),
    (ct, "kind_wrong"),
    (no_pixels, "pixels_missing"),
    (absurd_size, "pixels_too_many"),
    (program_and_picture, "preamble_executable"),
]


@pytest.mark.parametrize(
    ("make", "reason"), IMAGES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_bad_image_is_rejected_with_its_reason_and_the_next_one_is_read(
    walked, tmp_path, medclf, make, reason
):
    path = tmp_path / "image"
    path.write_bytes(make(tmp_path, walked))
    home = shutil.copytree(walked.home, tmp_path / "home")
    code, out, _ = medclf(
        "read", walked.package, path, walked.images()[0], "--home", home, "--json"
    )
    bad, good = map(json.loads, out.splitlines())
    assert code == 3
    assert (bad["status"], bad["findings"]) == ("REJECTED", [])
    assert bad["reasons"] in ([reason], ["pixels_undecodable"])
    assert good["status"] in {"OK", "ABSTAINED"}
    assert good["audit_sequence"] == bad["audit_sequence"] + 1


@pytest.mark.parametrize(
    ("make", "reason"), IMAGES, ids=lambda value: getattr(value, "__name__", "")
)
def test_ingest_lists_a_bad_image_and_goes_on(study, walked, medclf, make, reason):
    victim = next(iter(sorted((study.parent / "dicom").glob("*/*.dcm"))))
    victim.write_bytes(make(study.parent, walked))
    rewrite(study, lambda rows: [{**row, "sha256": ""} for row in rows])
    code, out, _ = medclf("ingest", study, "--home", study.parent / "home", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["accepted"] == 119
    assert [
        refusal["reason"] in (reason, "pixels_undecodable") for refusal in found["refused"]
    ] == [True]


# Tables.


def drop_label(rows):
    return [{k: v for k, v in row.items() if k != "label"} for row in rows]


def unknown_label(rows):
    rows[4]["label"] = "maybe"
    return rows


def two_labels(rows):
    other = {**rows[0], "label": "opacity" if rows[0]["label"] == "no_opacity" else "no_opacity"}
    return [*rows, other]


def no_positives(rows):
    return [{**row, "label": "no_opacity"} for row in rows]


def patient_in_two_parts(rows):
    parts = ["train", "tune", "calibrate", "test"]
    rows = [{**row, "part": parts[i % 4]} for i, row in enumerate(rows)]
    return [
        {**row, "patient_id": rows[0]["patient_id"]} if i == 1 else row
        for i, row in enumerate(rows)
    ]


def wrong_digest(rows):
    return [{**row, "sha256": "0" * 64} for row in rows]


TABLES = [
    (drop_label, "ingest", 3, "no column 'label'"),
    (unknown_label, "ingest", 3, "line 6: the label 'maybe'"),
    (two_labels, "ingest", 3, "lines 2 and 122"),
    (no_positives, "train", 3, "opacity"),
    (patient_in_two_parts, "train", 3, "patient"),
    (wrong_digest, "ingest", 3, "file_changed"),
]


@pytest.mark.parametrize(
    ("change", "command", "expected", "message"), TABLES, ids=lambda v: getattr(v, "__name__", "")
)
def test_a_bad_table_is_refused_with_the_place_named(
    study, medclf, change, command, expected, message
):
    rewrite(study, change)
    home = study.parent / "home"
    code, out, err = medclf(command, study, "--home", home)
    assert (code, out) == (expected, "")
    assert message in err
    assert "do:" in err
    assert leftovers(study.parent) == []
    assert not list(study.parent.rglob("weights.safetensors"))


def test_weights_that_cannot_be_had_stop_the_training_before_anything_is_written(study, medclf):
    config = load_yaml(study, StudyConfig)
    change_config(study, model=config.model.model_copy(update={"weights": "gone.safetensors"}))
    before = sorted(study.parent.rglob("*"))
    code, out, err = medclf("train", study, "--home", study.parent / "home")
    assert (code, out) == (5, "")
    assert "gone.safetensors is not a file" in err
    assert sorted(study.parent.rglob("*")) == before


def test_a_study_with_an_unknown_key_is_refused(study, medclf):
    study.write_text(study.read_text() + "colour: red\n")
    code, _, err = medclf("ingest", study, "--home", study.parent / "home")
    assert code == 2
    assert "colour" in err


# Disk and interruption.


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_while_packing_leaves_no_package_and_training_goes_on(
    walked, study, tmp_path, medclf
):
    shutil.copytree(walked.folder / "study", study.parent / "study")
    shutil.rmtree(study.parent / "study" / "packages", ignore_errors=True)
    location = study.parent / "study" / "location.json"
    location.write_text(json.dumps({"base": str(study.parent / "dicom")}))
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    home = shutil.copytree(walked.home, tmp_path / "home")
    try:
        code, out, err = medclf("train", study, "--out", disk / "packages", "--home", home)
        assert (code, out) == (5, "")
        assert "cannot be written" in err
        assert [p for p in disk.rglob("*") if p.is_file()] == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    code, out, _ = medclf("train", study, "--home", home, "--json")
    assert code == 0
    assert json.loads(out)["digest"].endswith(walked.package.name)


@pytest.mark.slow
def test_ctrl_c_while_training_and_the_same_command_again_give_the_same_package(tmp_path):
    small_study(tmp_path, epochs=40)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "pseudonym.key").write_bytes(bytes(32))
    command = [*COMMAND, "train", "study.yaml", "--home", "home", "--json"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.glob("study/checkpoints/*.pt")):
        assert running.poll() is None, running.stderr.read()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (130, "")
    assert "goes on from here" in err
    assert leftovers(tmp_path) == []
    assert not list(tmp_path.rglob("weights.safetensors"))
    resumed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    shutil.rmtree(tmp_path / "study" / "checkpoints")
    whole = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(resumed.stdout)["digest"] == json.loads(whole.stdout)["digest"]
