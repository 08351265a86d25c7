from pathlib import Path

import numpy as np
import pytest

from medclf.errors import LabelsRefused
from medclf.study.recognise import recognise_source


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_table_with_our_own_names_needs_no_word(tmp_path: Path) -> None:
    path = write(
        tmp_path / "labels.csv", "path,label,patient_id,sex\na.png,no,1,F\nb.png,yes,2,M\n"
    )
    found = recognise_source(path, label="label")
    assert (found.layout.format, dict(found.layout.columns), found.told) == ("table", {}, ())
    assert found.counts == {"no": 1, "yes": 1}


def test_ids_are_matched_with_the_folder_and_extension_of_their_images(tmp_path: Path) -> None:
    make(tmp_path, "train_images/a1.png", "train_images/b2.png", "test_images/c3.png")
    path = write(tmp_path / "train.csv", "id_code,diagnosis\na1,0\nb2,1\n")
    found = recognise_source(path, label="label")
    assert (dict(found.layout.columns), found.label) == ({"path": "id_code"}, "diagnosis")
    assert (found.folder, found.layout.extension) == (tmp_path / "train_images", ".png")
    assert len(found.told) == 4


def test_a_folder_that_is_not_the_only_one_is_not_guessed(tmp_path: Path) -> None:
    make(tmp_path, "small/a1.png", "large/a1.png")
    path = write(tmp_path / "t.csv", "image_id,label\na1,x\n")
    found = recognise_source(path, label="label")
    assert (found.folder, found.layout.extension) == (None, "")


def test_several_columns_of_findings_are_recognised_as_such(tmp_path: Path) -> None:
    folder = make(tmp_path / "CheXpert-v1.0", "train/patient00001/study1/view1.jpg")
    text = "Path,Sex,Age,Frontal/Lateral,AP/PA,Edema,Mass\n"
    prefix = "CheXpert-v1.0/train/patient0000"
    text += f"{prefix}1/study1/view1.jpg,Female,68,Frontal,AP,1.0,\n"
    text += f"{prefix}2/study1/view1.jpg,Unknown,70,Lateral,,-1.0,0.0\n"
    found = recognise_source(write(folder / "train.csv", text), label="label")
    assert found.layout.format == "findings"
    assert found.layout.findings == ("Edema", "Mass")
    assert found.layout.columns == {
        "path": "Path",
        "sex": "Sex",
        "age": "Age",
        "view": "AP/PA",
        "projection": "Frontal/Lateral",
    }
    assert found.layout.patient_in("x/patient00001/y") == "patient00001"
    assert (found.counts, found.rows, found.label) == ({}, 2, "")


def test_a_column_that_is_called_like_ours_and_holds_something_else_is_left(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "t.csv", "path,label,Age,Gender\na.png,x,old,F\nb.png,y,young,M\n")
    assert recognise_source(path, label="label").layout.columns == {"sex": "Gender"}


def test_two_columns_that_may_be_the_label_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "path,class,target\na.png,x,y\n")
    with pytest.raises(LabelsRefused, match="no column 'label'"):
        recognise_source(path, label="label")


def test_class_folders_are_recognised_with_parts_and_patients(tmp_path: Path) -> None:
    make(tmp_path, "train/no/person1_a.png", "test/ill/person2_b.png")
    found = recognise_source(tmp_path, label="label")
    assert (found.layout.format, found.folder, found.table) == ("folders", tmp_path, None)
    assert found.layout.patient_in("person2_b.png") == "person2"
    assert found.told == (
        "a folder for each class: ill, no",
        "folders fix the parts test, train",
        "the patient number in the path",
    )


def test_an_archive_is_recognised_with_its_labels(tmp_path: Path) -> None:
    arrays = {}
    for part, count in (("train", 3), ("val", 2), ("test", 1)):
        arrays[f"{part}_images"] = np.zeros((count, 64, 64), np.uint8)
        arrays[f"{part}_labels"] = np.arange(count, dtype=np.uint8)[:, None] % 2
    np.savez(tmp_path / "pneumoniamnist_64.npz", **arrays)
    found = recognise_source(tmp_path / "pneumoniamnist_64.npz", label="label")
    assert found.counts == {"normal": 4, "pneumonia": 2}
    assert found.told == ("a MedMNIST archive of 64×64 px: train 3, val 2, test 1",)


def test_findings_listed_in_one_column_over_files_further_down(tmp_path: Path) -> None:
    make(tmp_path, "images_001/images/1.png", "images_002/images/2.png")
    text = "Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position\n"
    text += "1.png,Mass|Edema,7,58,M,PA\n2.png,No Finding,8,60,F,AP\n"
    found = recognise_source(write(tmp_path / "Data_Entry.csv", text), label="label")
    assert (found.layout.listed_in, found.layout.findings) == ("Finding Labels", ("Edema", "Mass"))
    assert found.layout.columns["patient_id"] == "Patient ID"
    assert found.folder == tmp_path
