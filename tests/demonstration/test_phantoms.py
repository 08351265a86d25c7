import csv
import hashlib
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medclf.demonstration.phantoms import COMMENT, write_phantoms
from medclf.dicom.instance import Kind, open_instance
from medclf.errors import StudyMisuse
from medclf.pixels.decode import decode

COUNT = 14


def told_nobody(done: int, total: int) -> None:
    pass


def write(folder: Path, seed: int = 7, count: int = COUNT) -> Path:
    generator = np.random.default_rng(seed)
    return write_phantoms(folder, count=count, generator=generator, progress=told_nobody)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("made") / "phantoms")


@pytest.fixture(scope="module")
def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_table_names_every_file_with_its_digest(table: Path, rows: list[dict[str, str]]) -> None:
    on_disk = {path.relative_to(table.parent).as_posix() for path in table.parent.rglob("*.dcm")}
    assert {row["path"] for row in rows} == on_disk
    assert len(rows) == COUNT
    for row in rows:
        data = (table.parent / row["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]


def test_header_and_table_agree(table: Path, rows: list[dict[str, str]]) -> None:
    for row in rows:
        instance = open_instance(table.parent / row["path"])
        assert instance.kind is Kind.XRAY
        assert instance.acquisition.sex == row["sex"]
        assert instance.acquisition.age_years == float(row["age"])
        assert row["device"] in instance.acquisition.device
        assert instance.dataset is not None
        assert instance.dataset.PatientID == row["patient_id"]


def test_every_file_says_that_it_is_made_up(table: Path, rows: list[dict[str, str]]) -> None:
    for row in rows:
        dataset = pydicom.dcmread(table.parent / row["path"])
        assert str(dataset.PatientName).startswith("PHANTOM^")
        assert dataset.InstitutionName == "Made-up Hospital"
        assert dataset.ImageComments == COMMENT
        assert dataset.BurnedInAnnotation == "NO"  # a side marker identifies nobody


def test_both_polarities_come_with_twelve_bits_in_sixteen(
    table: Path, rows: list[dict[str, str]]
) -> None:
    datasets = [pydicom.dcmread(table.parent / row["path"]) for row in rows]
    assert {d.PhotometricInterpretation for d in datasets} == {"MONOCHROME1", "MONOCHROME2"}
    assert {(d.BitsAllocated, d.BitsStored, d.HighBit) for d in datasets} == {(16, 12, 11)}
    assert len({(d.Rows, d.Columns) for d in datasets}) == 2


def test_decoded_film_shows_dark_lungs_beside_a_bright_middle(
    table: Path, rows: list[dict[str, str]]
) -> None:
    for row in rows:
        if row["label"] == "no_opacity":
            film = decode(open_instance(table.parent / row["path"])).array.astype(float)
            height, width = film.shape
            level = slice(int(0.30 * height), int(0.40 * height))
            middle = film[level, int(0.47 * width) : int(0.53 * width)].mean()
            right = film[level, int(0.24 * width) : int(0.34 * width)].mean()
            assert right < 0.75 * middle


def test_uids_are_unique_and_visits_are_studies(table: Path, rows: list[dict[str, str]]) -> None:
    instances = [open_instance(table.parent / row["path"]) for row in rows]
    assert len({instance.sop_instance_uid for instance in instances}) == COUNT
    assert len({instance.study_uid for instance in instances}) == COUNT


def test_same_seed_gives_the_same_bytes_and_another_seed_none_of_them(
    table: Path, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    again = write(tmp_path / "again")
    other = write(tmp_path / "other", seed=8)
    assert again.read_bytes() == table.read_bytes()
    with other.open(newline="") as stream:
        digests = {row["sha256"] for row in csv.DictReader(stream)}
    assert not digests & {row["sha256"] for row in rows}


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_phantoms(
        tmp_path / "few",
        count=3,
        generator=np.random.default_rng(0),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_earlier_phantoms_are_replaced_but_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "phantoms"
    write(folder, count=3)
    write(folder, count=2)
    assert len(list(folder.rglob("*.dcm"))) == 2
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(StudyMisuse):
        write(folder, count=2)
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("count", [0, -1, 10000])
def test_impossible_count_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(StudyMisuse):
        write(tmp_path / "phantoms", count=count)
    assert not list(tmp_path.iterdir())


def test_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantoms(
            tmp_path / "phantoms", count=5, generator=np.random.default_rng(0), progress=interrupt
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.peer
def test_dciodvfy_finds_no_error(table: Path, rows: list[dict[str, str]], program) -> None:
    verify = program("dciodvfy")
    devices = Counter[str]()
    for row in rows:
        devices[row["device"]] += 1
        if devices[row["device"]] <= 2:
            path = str(table.parent / row["path"])
            told = subprocess.run([verify, "-new", path], capture_output=True, text=True)
            assert "Error" not in told.stderr + told.stdout
