from pathlib import Path

import pytest

from medclf.cohort.labels import read_labels
from medclf.cohort.layout import Layout
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


def test_a_label_in_two_spellings_names_both_lines_unless_both_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.png,Normal\nb.png,ill\nc.png,normal\n")
    with pytest.raises(LabelsRefused, match=r"'Normal' \(line 2\) and 'normal' \(line 4\)"):
        read_labels(path)
    assert len(read_labels(path, allowed=("Normal", "normal", "ill")).rows) == 3


def test_columns_may_be_called_otherwise(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "x1.jpeg").touch()
    path = write(tmp_path, "image_id,diagnosis,Patient Gender,age\nx1,ill,M,40\n")
    layout = Layout(columns={"path": "image_id", "sex": "Patient Gender"}, extension=".jpeg")
    table = read_labels(path, column="diagnosis", layout=layout, folder=tmp_path / "images")
    (row,) = table.rows
    assert row.path == str(tmp_path / "images" / "x1.jpeg")
    assert (row.label, row.sex, row.age_years) == ("ill", "M", 40.0)
    assert table.ignored_columns == ()


def test_a_column_that_is_named_and_not_there_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.png,x\n")
    with pytest.raises(LabelsRefused, match="no column 'Gender'"):
        read_labels(path, layout=Layout(columns={"sex": "Gender"}))


def test_findings_are_present_absent_uncertain_or_not_told(tmp_path: Path) -> None:
    layout = Layout(
        format="findings",
        findings=("Edema", "Mass"),
        columns={"path": "Path", "view": "AP/PA", "projection": "Frontal/Lateral"},
        patient_pattern=r"patient\d+",
    )
    path = write(
        tmp_path,
        "Path,Frontal/Lateral,AP/PA,Edema,Mass\n"
        "patient1/a.jpg,Frontal,AP,1.0,\npatient1/b.jpg,Lateral,,-1.0,0.0\n",
    )
    table = read_labels(path, layout=layout)
    first, second = table.rows
    assert (first.findings, second.findings) == ((1, -2), (-1, 0))
    assert (first.view, second.view) == ("AP", "LATERAL")
    assert first.patient_id == second.patient_id == "patient1"
    assert (first.label, table.label_column) == ("", "")


def test_a_finding_that_is_none_names_its_line_and_column(tmp_path: Path) -> None:
    path = write(tmp_path, "path,Edema\na.png,maybe\n")
    with pytest.raises(LabelsRefused, match="line 2: the column 'Edema' holds no finding"):
        read_labels(path, layout=Layout(format="findings", findings=("Edema",)))


def test_one_file_with_contradicting_findings_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "path,Edema\na.png,1\na.png,0\n")
    with pytest.raises(LabelsRefused, match="different values of findings"):
        read_labels(path, layout=Layout(format="findings", findings=("Edema",)))


def test_the_month_is_kept_and_the_day_forgotten(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,taken_on\na.png,x,2020-05-17\nb.png,x,2020-06\nc.png,x,\n")
    assert [row.taken_on for row in read_labels(path).rows] == ["2020-05", "2020-06", ""]


def test_the_parts_of_a_table_can_be_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,part\na.png,x,train\nb.png,x,validation\n")
    assert [row.part for row in read_labels(path).rows] == ["train", "val"]
    ignored = read_labels(path, layout=Layout(parts="ignore"))
    assert [row.part for row in ignored.rows] == ["", ""]


def test_windows_paths_are_read_where_the_file_is_found_so(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    table = read_labels(write(tmp_path, "path,label\nimages\\a.png,x\n"))
    assert table.rows[0].path == str(tmp_path / "images" / "a.png")


def test_repeats_far_apart_are_found(tmp_path: Path) -> None:
    rows = "".join(f"{number}.png,x\n" for number in range(9000))
    table = read_labels(write(tmp_path, "path,label\n" + rows + "5.png,x\n"))
    assert len(table.rows) == 9000
    assert table.repeated_lines == (9002,)


def test_findings_may_be_listed_in_one_column(tmp_path: Path) -> None:
    layout = Layout(format="findings", findings=("Edema", "Mass"), listed_in="Finding Labels")
    path = write(tmp_path, "path,Finding Labels\na.png,Mass\nb.png,No Finding\nc.png,\n")
    rows = read_labels(path, layout=layout).rows
    assert [row.findings for row in rows] == [(0, 1), (0, 0), (-2, -2)]
    path = write(tmp_path, "path,Finding Labels\na.png,Mass|Hernia\n")
    with pytest.raises(LabelsRefused, match="line 2: the column 'Finding Labels' holds no list of"):
        read_labels(path, layout=layout)
