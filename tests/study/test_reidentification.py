"""The table that joins old and new lies apart, is private, and is never lost."""

import csv

import pytest

from medclf.dicom.deidentify.whole import Identity
from medclf.errors import StorageUnavailable, StudyMisuse
from medclf.study.reidentification import Row, require_apart, write_table

IDENTITY = Identity("p", "4711", "", "1.2.3", "1.2.4", "1.2.5", "2.25.1", "2.25.2", "2.25.3", -400)


@pytest.mark.parametrize("name", ["out", "out/key.csv", "out/deep/key.csv", "out/../out/key.csv"])
def test_within_the_output_folder_it_is_refused(tmp_path, name):
    with pytest.raises(StudyMisuse):
        require_apart(tmp_path / name, tmp_path / "out")


def test_a_link_into_the_output_folder_is_seen_through(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "apart").symlink_to(tmp_path / "out")
    with pytest.raises(StudyMisuse):
        require_apart(tmp_path / "apart" / "key.csv", tmp_path / "out")


def test_later_rows_join_earlier_ones(tmp_path):
    table = tmp_path / "key.csv"
    first = Row("a", "/pacs/a.dcm", "p/2.25.3.dcm", IDENTITY)
    write_table(table, [first, Row("b", "/pacs/b.dcm")])
    digest = write_table(table, [first, Row("c", "/pacs/\udcff.dcm", "p/2.25.4.dcm", IDENTITY)])
    assert digest.startswith("sha256:")
    require_apart(table, tmp_path / "out")
    with table.open(newline="", errors="surrogateescape") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["a", "b", "c"]
    assert rows[0]["patient_id"] == "4711"
    assert (rows[1]["path"], rows[1]["pseudonym"]) == ("", "")
    assert rows[2]["source"] == "/pacs/\udcff.dcm"


def test_only_its_owner_may_read_it(tmp_path):
    write_table(tmp_path / "key.csv", [Row("a", "b")])
    assert (tmp_path / "key.csv").stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_written_nothing_is_told_about_its_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable) as raised:
        write_table(tmp_path / "file" / "Smith.csv", [Row("a", "b")])
    assert "Smith" not in str(raised.value)
