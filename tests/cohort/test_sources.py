from collections.abc import Callable
from pathlib import Path

import pytest

from medclf.cohort.labels import read_labels
from medclf.cohort.sources import files_below, from_folder, from_table
from medclf.errors import LabelsRefused


def test_a_table_names_its_files_sorted(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nb.png,x\n/far/c.png,x\na.png,y\n")
    found = from_table(read_labels(tmp_path / "labels.csv"))
    assert [candidate.path for candidate in found.files] == ["/far/c.png", "a.png", "b.png"]
    assert found.base == tmp_path


def test_a_table_by_uid_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("sop_instance_uid,label\n1.2.3,x\n")
    with pytest.raises(LabelsRefused, match="line 2: names a SOP Instance UID"):
        from_table(read_labels(tmp_path / "labels.csv"))


def test_a_folder_is_walked_and_matched_with_its_table(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    for name in ("a.png", "deep/er/b.png", ".hidden/c.png", ".d.png", "DICOMDIR"):
        write_png(tmp_path / name)
    (tmp_path / "labels.csv").write_text("path,label\ndeep/er/b.png,x\ngone.png,y\n")
    found = from_folder(tmp_path, read_labels(tmp_path / "labels.csv"))
    assert [candidate.path for candidate in found.files] == ["a.png", "deep/er/b.png"]
    assert [candidate.row is not None for candidate in found.files] == [False, True]
    assert [row.line for row in found.unfound] == [3]


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="not a folder with files"):
        from_folder(tmp_path / "none")


def test_a_long_list_keeps_files_and_rows_together(tmp_path: Path) -> None:
    lines = [f"{number:05d}.png,{number % 7}\n" for number in range(9000)]
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(lines[::-1]))
    found = from_table(read_labels(tmp_path / "labels.csv"))
    assert len(found.files) == 9000
    assert all(
        candidate.row.label == str(int(candidate.path[:5]) % 7)
        for candidate in found.files.since(100)
    )
    assert next(found.files.since(8999)).path == "08999.png"


def test_rows_by_uid_and_by_path_share_a_folder(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    write_png(tmp_path / "a.png")
    write_png(tmp_path / "b.png")
    (tmp_path / "labels.csv").write_text("path,sop_instance_uid,label\n,1.2,x\nb.png,,y\n")
    found = from_folder(tmp_path, read_labels(tmp_path / "labels.csv"))
    rows = [candidate.row.line if candidate.row else None for candidate in found.files]
    assert rows == [None, 3]
    assert list(found.by_uid) == ["1.2"]
    assert len(found.unfound) == 0


def test_a_bare_name_finds_the_one_file_of_that_name_further_down(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    for name in ("images_001/a.png", "images_002/b.png", "images_001/twice.png", "other/twice.png"):
        write_png(tmp_path / name)
    rows = "a.png,x\nb.png,y\ntwice.png,x\nsub/b.png,x\ngone.png,x\n"
    (tmp_path / "labels.csv").write_text("path,label\n" + rows)
    found = from_folder(tmp_path, read_labels(tmp_path / "labels.csv"))
    assert {c.path: c.row.line for c in found.files if c.row} == {
        "images_001/a.png": 2,
        "images_002/b.png": 3,
    }
    assert [row.line for row in found.unfound] == [4, 5, 6]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(b"a")
    base = tmp_path / "base"
    base.mkdir()
    (base / "pneumonia").symlink_to(tmp_path / "elsewhere")
    (base / "pneumonia" / "round").symlink_to(base)  # a circle
    assert [Path(path).name for path in files_below(base)] == ["a.png"]


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, write_png: Callable[..., Path]
) -> None:
    with pytest.raises(LabelsRefused, match="cannot be read"):
        list(files_below(write_png(tmp_path / "picture.png", 1)))
