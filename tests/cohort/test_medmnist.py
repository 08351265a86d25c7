import csv
import pickle
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from medclf.cohort.medmnist import export, read_contents
from medclf.digest import digest_file
from medclf.errors import LabelsRefused

PARTS = ("train", "val", "test")


def write(path: Path, *, colour: bool = False, findings: int = 0, **replaced: object) -> Path:
    rng = np.random.default_rng(0)
    arrays: dict[str, object] = {}
    for part in PARTS:
        shape = (4, 30, 20, 3) if colour else (4, 30, 20)
        arrays[f"{part}_images"] = rng.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{part}_labels"] = rng.integers(0, 2, (4, findings or 1), dtype=np.uint8)
    np.savez_compressed(path, **(arrays | replaced))
    return path


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("colour", [False, True])
def test_every_pixel_survives_with_label_part_and_digest(tmp_path: Path, colour: bool) -> None:
    source = write(tmp_path / "pneumoniamnist_64.npz", colour=colour)
    table, findings = export(source, tmp_path / "out")
    arrays = np.load(source)
    rows = rows_of(table)
    assert findings == ()
    assert [row["part"] for row in rows] == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    for number, row in enumerate(rows):
        part, place = PARTS[number // 4], number % 4
        path = table.parent / row["path"]
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        shown = cv2.cvtColor(read, cv2.COLOR_BGR2RGB) if colour else read
        assert np.array_equal(shown, arrays[f"{part}_images"][place])
        label = int(arrays[f"{part}_labels"][place, 0])
        assert row["label"] == ("normal", "pneumonia")[label]
        assert digest_file(path) == "sha256:" + row["sha256"]


def test_several_findings_become_columns(tmp_path: Path) -> None:
    source = write(tmp_path / "chestmnist.npz", findings=14)
    table, findings = export(source, tmp_path / "out")
    assert findings[:2] == ("atelectasis", "cardiomegaly")
    first = rows_of(table)[0]
    expected = np.load(source)["train_labels"][0].tolist()
    assert [int(first[name]) for name in findings] == expected


def test_an_unknown_set_keeps_its_numbers(tmp_path: Path) -> None:
    assert read_contents(write(tmp_path / "mine.npz")).names == ("0", "1")


def test_it_is_written_once_and_a_changed_archive_anew(tmp_path: Path) -> None:
    source = write(tmp_path / "a.npz")
    table, _ = export(source, tmp_path / "out")
    (tmp_path / "out" / f".{table.parent.name}.x.part").mkdir()
    before = table.stat().st_mtime_ns
    assert export(source, tmp_path / "out")[0] == table
    assert table.stat().st_mtime_ns == before
    write(source, colour=True)
    assert export(source, tmp_path / "out")[0].parent != table.parent


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"train_images": np.zeros((4, 28, 28, 28), np.uint8)}, "not pictures"),
        ({"train_images": np.zeros((4, 30, 20), np.float32)}, "not pictures"),
        ({"train_labels": np.zeros((3, 1), np.uint8)}, "4 pictures of train and 3 labels"),
        ({"train_labels": np.full((4, 1), -1)}, "reach from -1"),
        ({"train_labels": np.zeros((4, 1))}, "not whole numbers"),
        ({"val_images": np.zeros((4, 9, 9), np.uint8)}, "differ in shape"),
        ({"train_images": np.asfortranarray(np.zeros((4, 30, 20), np.uint8))}, "column by column"),
    ],
)
def test_what_is_no_stack_of_pictures_is_refused(
    tmp_path: Path, replaced: dict[str, object], message: str
) -> None:
    with pytest.raises(LabelsRefused, match=message):
        read_contents(write(tmp_path / "a.npz", **replaced))


class Planted:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("planted"),)


def test_nothing_is_ever_unpickled(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    planted = np.array([Planted()] * 4, dtype=object)
    source = write(tmp_path / "a.npz", train_labels=planted)
    with pytest.raises(LabelsRefused, match="Python objects"):
        read_contents(source)
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("train_images.npy", pickle.dumps(Planted()))
    with pytest.raises(LabelsRefused):
        read_contents(source)
    assert not Path("planted").exists()


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + bytes(40)])
def test_a_foreign_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(LabelsRefused, match="not an archive of MedMNIST"):
        read_contents(tmp_path / "a.npz")


def test_a_cut_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    source = write(tmp_path / "a.npz")
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["test_images.npy"] = members["test_images.npy"][:-700]
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(LabelsRefused, match="EOFError"):
        export(source, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
