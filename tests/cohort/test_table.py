from pathlib import Path

import pytest

from medclf.cohort.table import open_table, read_table
from medclf.errors import LabelsRefused

KNOWN = {"path", "label"}


def write(folder: Path, data: bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"path,label\na.png,x\n",
        b"\xef\xbb\xbfpath,label\r\na.png,x\r\n",
        b"path;label\r\na.png;x",
        b"path\tlabel\na.png\tx\n",
        b"  path , label \n\n a.png ,  x\n\n,\n",
        b'"path","label"\n"a.png","x"\n',
    ],
)
def test_every_usual_spelling_gives_the_same_table(tmp_path: Path, data: bytes) -> None:
    table = read_table(write(tmp_path, data), known=KNOWN)
    assert table.columns == ("path", "label")
    assert [record.values for record in table.records] == [{"path": "a.png", "label": "x"}]


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    data = b'path,label\n\n"a\nb.png",x\nc.png,y\n'
    table = read_table(write(tmp_path, data), known=KNOWN)
    assert [record.line for record in table.records] == [3, 5]


def test_a_quoted_separator_and_inner_spaces_stay_in_the_value(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b'path,label\n"a, b c.png",x\n'), known=KNOWN)
    assert table.records[0].values["path"] == "a, b c.png"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n\n", "is empty"),
        (b"path,label\n", "no rows"),
        (b"path,label,label\na,b,c\n", "names label twice"),
        (b"path,label\na.png,x\nb.png,x,y\n", "line 3: 3 fields where the header has 2"),
        (b"path,label\na.png\n", "line 2: 1 fields"),
        (b"path,label\na.png,M\xfcller\n", "line 2: a character that is not UTF-8"),
        ("path,label\na,b\n".encode("utf-16"), "UTF-16"),
        (b"path,label\na\0b,c\n", "line 2: a zero byte"),
        (b'path,label\na,"b\n', "line 2: not a row"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(
    tmp_path: Path, data: bytes, message: str
) -> None:
    with pytest.raises(LabelsRefused, match=message) as caught:
        read_table(write(tmp_path, data), known=KNOWN)
    assert caught.value.advice
    assert caught.value.exit_code == 3


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsRefused, match="cannot be read"):
        read_table(tmp_path / "none.csv", known=KNOWN)


def test_nameless_columns_are_left_out(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, b"path,label,,\na.png,x,,\n"), known=KNOWN)
    assert table.columns == ("path", "label")


def test_what_is_not_utf8_is_found_far_behind_the_header(tmp_path: Path) -> None:
    rows = "Müller.png,x\n".encode() * 100_000  # more than is decoded at a time
    path = write(tmp_path, b"path,label\n" + rows + b"M\xfcller,x\n")
    with pytest.raises(LabelsRefused, match="line 100002: a character"):
        open_table(path, known=KNOWN)


def test_rows_can_be_read_twice_one_at_a_time(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, b"path,label\na.png,x\nb.png,y\n"), known=KNOWN)
    assert list(table.records()) == list(table.records())
    assert next(table.records()).values["path"] == "a.png"
