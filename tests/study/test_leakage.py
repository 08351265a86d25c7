"""The step over made-up films, with copies planted among them."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from medclf import api
from medclf.audit.trail import read_events
from medclf.config import load_yaml, save_yaml
from medclf.study.config import StudyConfig
from tests.conftest import small_study


def plant_copy(folder: Path, *, number: int, contradict: bool) -> None:
    """Add a paler copy of the film in a row of the table, as if of another patient."""
    table = folder / "dicom" / "labels.csv"
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    row = dict(rows[number])
    other = next(r["label"] for r in rows if r["label"] != row["label"])
    label = other if contradict else row["label"]
    film = pydicom.dcmread(table.parent / row["path"])
    pixels = film.pixel_array.astype(np.float64)
    film.PixelData = (pixels * 0.9 + 0.05 * pixels.max()).astype(film.pixel_array.dtype).tobytes()
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    film.PatientID = f"OTHER-{number}"
    name = f"copy-{number}.dcm"
    film.save_as(table.parent / name)
    row |= {"path": name, "label": label}
    row |= {column: "" for column in ("patient_id", "group_id", "sha256") if column in row}
    with table.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, row])


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    small_study(folder, count=60)
    plant_copy(folder, number=0, contradict=True)
    plant_copy(folder, number=8, contradict=False)
    return folder


def test_planted_copies_are_found_and_one_is_under_another_label(planted: Path) -> None:
    found = api.leakage(planted / "study.yaml", home=planted / "home", actor="tester")
    planted_lines = {62, 63}  # the last two of the table
    near = [group.lines for group in found.report.copies if not group.bound]
    assert len(near) == 2
    assert all(planted_lines & set(lines) for lines in near)
    assert len(found.report.contradicting) == 1
    assert not found.report.crossing
    assert any("split ignores groups" in warning for warning in found.warnings)
    assert any("contradicting labels" in warning for warning in found.warnings)


def test_the_file_says_the_same_and_holds_no_path_or_key(planted: Path) -> None:
    found = api.leakage(planted / "study.yaml", home=planted / "home", actor="tester")
    text = found.document.read_text()
    told = json.loads(text)
    assert told == json.loads(json.dumps(found.as_json()))
    assert told["format"] == "medclf-leakage/1"
    assert told["split"].startswith("sha256:")
    assert {s["name"] for s in told["shortcuts"]} >= {"site", "device", "size", "intensity"}
    page = found.page.read_text()
    for secret in ("PHANTOM", "OTHER-", ".dcm"):
        assert secret not in text
        assert secret not in page
    assert len(re.findall(r'<img src="data:image/jpeg;base64,[A-Za-z0-9+/=]+"', page)) >= 4
    assert "http" not in page
    event = list(read_events(planted / "home" / "audit", action="leakage.checked"))[-1]
    assert event.facts["copies"] == len(found.report.copies)
    assert event.facts["split"] == told["split"]


def test_a_split_that_is_refused_is_no_reason_to_say_nothing(planted: Path) -> None:
    config = load_yaml(planted / "study.yaml", StudyConfig)
    split = config.split.model_copy(update={"minimum_per_class": 500})
    save_yaml(planted / "strict.yaml", config.model_copy(update={"split": split}))
    found = api.leakage(planted / "strict.yaml", home=planted / "home", actor="tester")
    assert found.split == ""
    assert found.warnings[0].startswith("No split: The part train holds")
    assert len(found.report.copies) >= 2


def test_the_command_shows_tables_and_warnings(planted: Path, medclf) -> None:
    code, out, _ = medclf("leakage", planted / "study.yaml", "--home", planted / "home")
    assert code == 0
    assert "nearly the same" in out
    assert "logistic regression on 22 numbers" in out
    assert "warning: Copies carry contradicting labels" in out
    assert "leakage.html" in out


def test_the_command_prints_one_line_for_a_machine(planted: Path, medclf) -> None:
    code, out, _ = medclf("leakage", planted / "study.yaml", "--home", planted / "home", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["contradicting"] == 1
    assert Path(told["leakage"]).is_file()


def test_training_leaves_the_report_and_its_warnings(walked) -> None:
    told = json.loads((walked.folder / "study" / "leakage.json").read_text())
    assert told["images"] == 120
    assert told["warnings"] == []
    assert all(not group["crosses_parts"] for group in told["copies"])
