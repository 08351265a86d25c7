"""Reading a table of comma-separated values whose every fault is told by its line.

Tables come from Excel, R and hand editing: with a byte order mark, CRLF line ends,
semicolons (the list separator of half of Europe) or tabs. Those are read as meant.
What cannot be read without guessing is refused, and the line is named.
The format is RFC 4180; a quoted field may hold the separator and line breaks.
"""

import codecs
import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medclf.digest import digest_bytes
from medclf.errors import LabelsRefused

_SEPARATORS = (",", ";", "\t")
_CHECKED_BYTES = 1 << 20  # decoded at a time; the whole text would be held twice
_LONGEST_HEADER = 1 << 20
_AS_UTF8 = "Save it as CSV UTF-8 (in Excel: File, Save As, CSV UTF-8)."


@dataclass(frozen=True)
class Record:
    """One row of a table.

    Attributes:
        line: where it begins in the file; the header is line 1.
        values: by column name, without the spaces around them.
    """

    line: int
    values: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table as it was written, before anything is said about its meaning.

    Attributes:
        path: the file.
        digest: of the file's bytes.
        columns: as the header names them, in order; nameless columns are left out.
        records: at least one.
    """

    path: Path
    digest: str
    columns: tuple[str, ...]
    records: tuple[Record, ...]


@dataclass(frozen=True)
class TableText:
    """A table whose header is read and whose rows are yet to come, one at a time.

    Attributes:
        path: the file.
        digest: of the file's bytes.
        columns: as in `Table`.
    """

    path: Path
    digest: str
    columns: tuple[str, ...]
    _data: bytes = field(repr=False)
    _separator: str

    def records(self) -> Iterator[Record]:
        """Read row after row, in memory that does not grow with their number.

        Raises:
            LabelsRefused: a row has more or fewer fields than the header or cannot be
                read, or there is none.
        """
        rows = _rows_of(self._data, self._separator, self.path)
        header = [name.strip() for name in next(rows)[1]]
        empty = True
        for line, fields in rows:
            if len(fields) != len(header):
                raise LabelsRefused(
                    f"{self.path}, line {line}: {len(fields)} fields where the header has "
                    f"{len(header)}.",
                    advice="Put a value that holds the separator in double quotes.",
                    path=str(self.path),
                    line=line,
                )
            pairs = zip(header, fields, strict=True)
            yield Record(line, {name: text.strip() for name, text in pairs if name})
            empty = False
        if empty:
            raise LabelsRefused(
                f"{self.path} has a header and no rows.",
                advice="Write a row for each image.",
                path=str(self.path),
            )


def open_table(path: Path, *, known: Collection[str]) -> TableText:
    """Read the header of a table and make sure that its bytes are text.

    Args:
        path: the file; UTF-8 with or without a byte order mark.
        known: column names that may be expected; the separator that shows most of
            them in the header is taken.

    Raises:
        LabelsRefused: the file is missing, empty or not UTF-8, or a column stands twice.
    """
    data = _bytes_of(path)
    _check_text(data, path)
    separator = _separator_of(data, known)
    first = next(_rows_of(data, separator, path), None)
    if first is None:
        raise LabelsRefused(
            f"{path} is empty.",
            advice="Write a header such as path,label and a row for each image.",
            path=str(path),
        )
    header = [name.strip() for name in first[1]]
    _check_header(header, path)
    columns = tuple(name for name in header if name)
    return TableText(path, digest_bytes(data), columns, data, separator)


def read_table(path: Path, *, known: Collection[str]) -> Table:
    """Read a table with a header, all rows at once.

    Args:
        path: as in `open_table`.
        known: as in `open_table`.

    Raises:
        LabelsRefused: the file is missing, empty, not UTF-8 or not a table; a column
            stands twice; a row has more or fewer fields than the header.
    """
    opened = open_table(path, known=known)
    return Table(path, opened.digest, opened.columns, tuple(opened.records()))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabelsRefused(
            f"{path} cannot be read ({type(error).__name__}).",
            advice="Check the path of the labels table.",
            path=str(path),
        ) from error


def _check_text(data: bytes, path: Path) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LabelsRefused(f"{path} is UTF-16, not UTF-8.", advice=_AS_UTF8, path=str(path))
    start = 0
    while start < len(data):
        # Up to a line end, where no character of several bytes can be cut.
        end = data.find(b"\n", start + _CHECKED_BYTES) + 1 or len(data)
        try:
            data[start:end].decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, start + error.start) + 1
            raise LabelsRefused(
                f"{path}, line {line}: a character that is not UTF-8.",
                advice=_AS_UTF8,
                path=str(path),
                line=line,
            ) from error
        start = end
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise LabelsRefused(
            f"{path}, line {line}: a zero byte; this is not a table of text.",
            advice=_AS_UTF8,
            path=str(path),
            line=line,
        )


def _separator_of(data: bytes, known: Collection[str]) -> str:
    start = data[:_LONGEST_HEADER].removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    header = start.split(b"\n", 1)[0].decode(errors="ignore")

    def known_columns(separator: str) -> int:
        return sum(name.strip().strip('"') in known for name in header.split(separator))

    return max(_SEPARATORS, key=known_columns)  # the comma wins a tie: it comes first


def _rows_of(data: bytes, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line where a row begins and its fields; blank lines are passed over."""
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")  # no copy
    reader = csv.reader(stream, delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise LabelsRefused(
                f"{path}, line {line}: not a row of a table ({error}).",
                advice="Check the double quotes there.",
                path=str(path),
                line=line,
            ) from error
        if any(text.strip() for text in fields):
            yield line, fields
        line = reader.line_num + 1


def _check_header(header: list[str], path: Path) -> None:
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise LabelsRefused(
            f"{path}: the header names {', '.join(twice)} twice.",
            advice="Rename or remove one of the two columns.",
            path=str(path),
            columns=twice,
        )
