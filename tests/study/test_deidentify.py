"""The step writes what may leave, keeps apart what may not, and says nothing about anybody."""

import csv
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medclf import images, installation
from medclf.dicom.instance import open_instance
from medclf.errors import InstanceRefused, MedclfError, StudyMisuse
from medclf.pixels.decode import decode


def audited(home: Path) -> list:
    return list(installation.audit_show(home=home))


def test_errors_name_no_file(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    secret = "Smith-John-1957"
    (tmp_path / "in" / f"{secret}.dcm").write_bytes(b"no DICOM")
    wrong = [
        {"sources": [tmp_path / secret], "out": tmp_path / "o", "table": tmp_path / "t"},
        {"sources": [tmp_path / "in"], "out": tmp_path / "o", "table": tmp_path / "o" / secret},
        {"sources": [tmp_path / "in"], "out": tmp_path / "in" / secret, "table": tmp_path / "t"},
        {"sources": [tmp_path / "in"], "out": tmp_path / "o", "table": tmp_path / "t"},
    ]
    for given in wrong:
        with pytest.raises(MedclfError) as raised:
            images.deidentify(**given, home=tmp_path / "home", actor="tester")
        assert secret not in f"{raised.value} {raised.value.facts}"
    assert [event.action for event in audited(tmp_path / "home")] == ["study.deidentified"]


@pytest.fixture
def patients(write_dicom, tmp_path) -> Path:
    """Three films of two patients; two of one patient, ten days apart."""
    for number, (patient, day) in enumerate([("A", "10"), ("A", "20"), ("B", "10")]):
        path = tmp_path / "in" / f"{number}.dcm"
        write_dicom(path, number, PatientID=patient, AcquisitionDate=f"202601{day}")
    return tmp_path / "in"


def run(source: Path, tmp_path: Path, name: str = "out", **options) -> Path:
    images.deidentify(
        [source],
        tmp_path / name,
        table=tmp_path / f"{name}.csv",
        home=tmp_path / "home",
        actor="tester",
        **options,
    )
    return tmp_path / name


def objects(out: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(out.rglob("*.dcm"))]


def test_intervals_within_a_patient_stay_and_dates_do_not(patients, tmp_path) -> None:
    out = run(patients, tmp_path, modify_dates=True)
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = {row["source"][-5]: row for row in csv.DictReader(stream)}
    days = [
        datetime.strptime(pydicom.dcmread(out / rows[n]["path"]).AcquisitionDate, "%Y%m%d")
        for n in "012"
    ]
    assert (days[1] - days[0]).days == 10
    assert rows["0"]["pseudonym"] == rows["1"]["pseudonym"] != rows["2"]["pseudonym"]
    assert int(rows["0"]["shift_days"]) == (days[0] - datetime(2026, 1, 10)).days <= -365
    assert all(item.LongitudinalTemporalInformationModified == "MODIFIED" for item in objects(out))


def test_the_table_joins_old_and_new_and_is_for_its_owner_only(patients, tmp_path) -> None:
    out = run(patients, tmp_path)
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
    for row in rows:
        old, new = pydicom.dcmread(row["source"]), pydicom.dcmread(out / row["path"])
        assert (row["patient_id"], row["pseudonym"]) == (old.PatientID, new.PatientID)
        assert row["sop_instance_uid"] == old.SOPInstanceUID
        assert row["new_sop_instance_uid"] == new.SOPInstanceUID
        assert row["new_study_uid"] == new.StudyInstanceUID


def test_a_second_run_adds_to_the_table_and_writes_nothing_anew(patients, tmp_path) -> None:
    out = run(patients, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.dcm")}
    table = (tmp_path / "out.csv").read_bytes()
    run(patients, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.dcm")} == before
    assert (tmp_path / "out.csv").read_bytes() == table


def test_an_interrupted_run_is_taken_up(patients, tmp_path) -> None:
    def interrupt(stage: str, done: int, total: int, note: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(patients, tmp_path, progress=interrupt)
    assert len(objects(run(patients, tmp_path))) == 3


def test_other_options_do_not_mix_in_one_folder(patients, tmp_path) -> None:
    run(patients, tmp_path)
    with pytest.raises(StudyMisuse, match="other options"):
        run(patients, tmp_path, modify_dates=True)


def test_a_folder_with_other_things_is_left_alone(patients, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(StudyMisuse):
        run(patients, tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_a_file_that_is_no_table_is_not_overwritten(patients, tmp_path) -> None:
    (tmp_path / "out.csv").write_text("years of work")
    with pytest.raises(StudyMisuse):
        run(patients, tmp_path)
    assert (tmp_path / "out.csv").read_text() == "years of work"


def test_copies_are_counted_and_other_content_under_one_uid_is_refused(patients, tmp_path) -> None:
    (patients / "3.dcm").write_bytes((patients / "0.dcm").read_bytes())
    other = pydicom.dcmread(patients / "1.dcm")
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(patients / "4.dcm")
    done = images.deidentify(
        [patients], tmp_path / "o", table=tmp_path / "t", home=tmp_path / "home", actor="x"
    )
    assert (done.written, done.duplicates, len(done.refused)) == (3, 1, 1)
    with (tmp_path / "t").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 5


def test_nothing_taken_is_an_error_with_the_reasons(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a letter")
    with pytest.raises(InstanceRefused, match="format_unknown"):
        run(tmp_path / "in", tmp_path)
    assert (tmp_path / "out" / "refused.csv").is_file()


def test_the_record_is_counts_and_digests(patients, tmp_path) -> None:
    run(patients, tmp_path, retain_device=True)
    (event,) = audited(tmp_path / "home")
    assert event.facts["methods"] == ["113100", "113109"]
    assert (event.facts["files"], event.facts["written"], event.facts["refused"]) == (3, 3, {})
    told = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert told["methods"] == ["113100", "113109"]


def test_pixels_are_untouched(patients, tmp_path) -> None:
    out = run(patients, tmp_path)
    with (tmp_path / "out.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            old, new = open_instance(row["source"]), open_instance(out / row["path"])
            assert np.array_equal(decode(old).array, decode(new).array)
