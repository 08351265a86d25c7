"""Reading a table of comma-separated values whose every fault is told by its line.

Tables come from Excel, R and hand editing: with a byte order mark, CRLF line ends,
semicolons (the list separator of half of Europe) or tabs. Those are read as meant.
What cannot be read without guessing is refused, and the line is named.
The format is RFC 4180; a quoted field may hold the separator and line breaks.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from medclf.digest import digest_bytes
from medclf.errors import LabelsRefused

_SEPARATORS = (",", ";", "\t")
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


def read_table(path: Path, *, known: Collection[str]) -> Table:
    """Read a table with a header.

    Args:
        path: the file; UTF-8 with or without a byte order mark.
        known: column names that may be expected; the separator that shows most of
            them in the header is taken.

    Raises:
        LabelsRefused: the file is missing, empty, not UTF-8 or not a table; a column
            stands twice; a row has more or fewer fields than the header.
    """
    data = _bytes_of(path)
    text = _text_of(data, path)
    separator = _separator_of(text, known)
    rows = _rows_of(text, separator, path)
    first = next(rows, None)
    if first is None:
        raise LabelsRefused(
            f"{path} is empty.",
            advice="Write a header such as path,label and a row for each image.",
            path=str(path),
        )
    header = [name.strip() for name in first[1]]
    _check_header(header, path)
    records = []
    for line, fields in rows:
        if len(fields) != len(header):
            raise LabelsRefused(
                f"{path}, line {line}: {len(fields)} fields where the header has {len(header)}.",
                advice="Put a value that holds the separator in double quotes.",
                path=str(path),
                line=line,
            )
        pairs = zip(header, fields, strict=True)
        records.append(Record(line, {name: field.strip() for name, field in pairs if name}))
    if not records:
        raise LabelsRefused(
            f"{path} has a header and no rows.",
            advice="Write a row for each image.",
            path=str(path),
        )
    columns = tuple(name for name in header if name)
    return Table(path=path, digest=digest_bytes(data), columns=columns, records=tuple(records))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LabelsRefused(
            f"{path} cannot be read ({type(error).__name__}).",
            advice="Check the path of the labels table.",
            path=str(path),
        ) from error


def _text_of(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise LabelsRefused(f"{path} is UTF-16, not UTF-8.", advice=_AS_UTF8, path=str(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LabelsRefused(
            f"{path}, line {line}: a character that is not UTF-8.",
            advice=_AS_UTF8,
            path=str(path),
            line=line,
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LabelsRefused(
            f"{path}, line {line}: a zero byte; this is not a table of text.",
            advice=_AS_UTF8,
            path=str(path),
            line=line,
        )
    return text


def _separator_of(text: str, known: Collection[str]) -> str:
    header = text.lstrip("\r\n").split("\n", 1)[0]

    def known_columns(separator: str) -> int:
        return sum(name.strip().strip('"') in known for name in header.split(separator))

    return max(_SEPARATORS, key=known_columns)  # the comma wins a tie: it comes first


def _rows_of(text: str, separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line where a row begins and its fields; blank lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
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
        if any(field.strip() for field in fields):
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
