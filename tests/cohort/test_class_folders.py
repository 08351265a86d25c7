from pathlib import Path

import pytest

from medclf.cohort.class_folders import read_class_folders
from medclf.cohort.layout import Layout
from medclf.errors import LabelsRefused

FOLDERS = Layout(format="folders")


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def said(folder: Path, layout: Layout = FOLDERS) -> dict[str, tuple[str, str]]:
    rows = read_class_folders(folder, layout=layout).rows
    return {str(Path(row.path).relative_to(folder)): (row.label, row.part) for row in rows}


def test_the_folder_gives_the_label_and_the_one_above_the_part(tmp_path: Path) -> None:
    make(tmp_path, "train/NORMAL/a.png", "valid/ILL/deep/b.png", "Test/ILL/c.png", "readme.txt")
    assert said(tmp_path) == {
        "Test/ILL/c.png": ("ILL", "test"),
        "readme.txt": ("", ""),
        "train/NORMAL/a.png": ("NORMAL", "train"),
        "valid/ILL/deep/b.png": ("ILL", "val"),
    }
    ignored = said(tmp_path, Layout(format="folders", parts="ignore"))
    assert ignored["train/NORMAL/a.png"] == ("NORMAL", "")


def test_class_folders_without_parts(tmp_path: Path) -> None:
    make(tmp_path, "NORMAL/a.png", "ILL/b.png", ".git/config")
    assert said(tmp_path) == {"NORMAL/a.png": ("NORMAL", ""), "ILL/b.png": ("ILL", "")}


def test_one_class_in_two_spellings_is_refused_unless_both_are_listed(tmp_path: Path) -> None:
    make(tmp_path, "train/Normal/a.png", "test/NORMAL/b.png")
    with pytest.raises(LabelsRefused, match="'NORMAL' and 'Normal'"):
        read_class_folders(tmp_path, layout=FOLDERS)
    read_class_folders(tmp_path, layout=FOLDERS, allowed=("Normal", "NORMAL"))


def test_a_folder_outside_the_label_space_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "b/x.png", "c/x.png")
    with pytest.raises(LabelsRefused, match="class folder 'c' is not one of a, b"):
        read_class_folders(tmp_path, layout=FOLDERS, allowed=("a", "b"))


def test_the_digest_is_that_of_the_names(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "b/y.png")
    first = read_class_folders(tmp_path, layout=FOLDERS).digest
    assert read_class_folders(tmp_path, layout=FOLDERS).digest == first
    make(tmp_path, "b/z.png")
    assert read_class_folders(tmp_path, layout=FOLDERS).digest != first


def test_the_patient_is_told_by_the_name(tmp_path: Path) -> None:
    make(tmp_path, "a/person7_1.png", "b/other.png")
    layout = Layout(format="folders", patient_pattern=r"person\d+")
    rows = read_class_folders(tmp_path, layout=layout).rows
    assert [row.patient_id for row in rows] == ["person7", ""]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="not a folder with files"):
        read_class_folders(tmp_path / "none", layout=FOLDERS)
