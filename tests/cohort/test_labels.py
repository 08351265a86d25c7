from pathlib import Path

import pytest

from medclf.cohort.labels import read_labels
from medclf.errors import LabelsRefused


def write(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_all_known_columns_are_read_and_the_others_listed(tmp_path: Path) -> None:
    table = read_labels(
        write(
            tmp_path,
            "path,label,patient_id,group_id,site,device,view,laterality,sex,age,subtype,sha256,note\n"
            f"images/a b.png,x,P1,G1,S,D,pa,OD,male,40,fine,{'a' * 64},hello\n",
        )
    )
    (row,) = table.rows
    assert row.path == str(tmp_path / "images" / "a b.png")
    assert (row.patient_id, row.group_id, row.site, row.device) == ("P1", "G1", "S", "D")
    assert (row.view, row.laterality, row.sex, row.age_years) == ("PA", "R", "M", 40.0)
    assert (row.subtype, row.digest, row.line) == ("fine", "sha256:" + "a" * 64, 2)
    assert table.ignored_columns == ("note",)


def test_another_column_may_hold_the_label(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,dr_grade\na.png,x,3\n")
    table = read_labels(path, column="dr_grade", allowed=("0", "3"))
    assert table.rows[0].label == "3"
    assert table.ignored_columns == ("label",)


def test_a_missing_label_column_names_the_columns_found(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="no column 'label'; it has: path, diagnosis") as caught:
        read_labels(write(tmp_path, "path,diagnosis\na.png,x\n"))
    assert "study.yaml" in caught.value.advice


def test_a_missing_path_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="no column 'path'"):
        read_labels(write(tmp_path, "file,label\na.png,x\n"))


def test_a_label_outside_the_label_space_names_line_label_and_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.png,x\nb.png,typo\n")
    with pytest.raises(LabelsRefused, match="line 3: the label 'typo' is not one of x, y"):
        read_labels(path, allowed=("x", "y"))


@pytest.mark.parametrize("second", ["a.png", "./a.png", "sub/../a.png"])
def test_one_file_with_two_labels_names_both_lines(tmp_path: Path, second: str) -> None:
    path = write(tmp_path, f"path,label\na.png,x\nb.png,x\n{second},y\n")
    with pytest.raises(LabelsRefused, match=r"lines 2 and 4: the same file .* 'x' and 'y'"):
        read_labels(path)


def test_one_file_with_two_patients_is_refused_without_naming_them(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,patient_id\na.png,x,Smith\na.png,x,Jones\n")
    with pytest.raises(LabelsRefused, match="different values of patient_id") as caught:
        read_labels(path)
    assert "Smith" not in str(caught.value) + repr(caught.value.facts)


def test_a_repeated_row_is_kept_once_and_noted(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, "path,label\na.png,x\na.png,x\n"))
    assert len(table.rows) == 1
    assert table.repeated_lines == (3,)


def test_blank_labels_are_left_for_ingest_to_refuse(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, "path,label\na.png,\n"), allowed=("x",))
    assert table.rows[0].label == ""


def test_a_row_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="line 2: names no file"):
        read_labels(write(tmp_path, "path,label\n,x\n"))


def test_an_unreadable_value_names_line_and_column_but_not_itself(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="line 2: the column 'age'") as caught:
        read_labels(write(tmp_path, "path,label,age\na.png,x,born 1950-01-02\n"))
    assert "1950" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_absolute_paths_and_paths_outside_the_folder_are_allowed(tmp_path: Path) -> None:
    table = read_labels(write(tmp_path, "path,label\n/data/a.png,x\n../b.png,y\n"))
    assert [row.path for row in table.rows] == ["/data/a.png", str(tmp_path.parent / "b.png")]
