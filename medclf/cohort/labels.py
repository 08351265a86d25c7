"""The labels table: which file carries which label, and what is known about it beside.

This is where a researcher's or a registry's table enters medclf. A fault that would
make a wrong cohort (a missing column, an unknown label, one file with two labels)
refuses the whole table and names the lines; a blank label refuses only its row, later.
"""

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from medclf.cohort.label_rows import LabelRow, LabelRows
from medclf.cohort.layout import KNOWN_COLUMNS, PLAIN_COLUMNS, READ_COLUMNS, TABLE, Layout
from medclf.cohort.paths import PathFinder, plain_path
from medclf.cohort.table import Record, TableText, open_table
from medclf.cohort.values import Unreadable, read_age_years, read_finding, read_listed
from medclf.errors import LabelsRefused

__all__ = ["KNOWN_COLUMNS", "LabelRow", "LabelsTable", "check_spelling", "read_labels"]

_LISTED = 5  # labels named in one error


@dataclass(frozen=True)
class LabelsTable:
    """A labels table that keeps the rules.

    Attributes:
        path: the file; for a source without a table, the folder.
        digest: of its bytes.
        label_column: the column the labels were taken from.
        rows: one for each file, in the table's order.
        ignored_columns: present, without a meaning here.
        repeated_lines: lines that only repeat an earlier one.
    """

    path: Path
    digest: str
    label_column: str
    rows: LabelRows
    ignored_columns: tuple[str, ...] = ()
    repeated_lines: tuple[int, ...] = ()


def read_labels(
    path: Path,
    *,
    column: str = "label",
    allowed: Collection[str] = (),
    layout: Layout = TABLE,
    folder: Path | None = None,
) -> LabelsTable:
    """Read a labels table.

    Args:
        path: the table; the paths in it are relative to its folder.
        column: the column that holds the label; passed over when there are findings.
        allowed: the label space; empty allows every label.
        layout: what the columns are called, and which hold findings.
        folder: of the images; paths may be relative to it too.

    Raises:
        LabelsRefused: the table cannot be read, lacks a column, holds a label outside
            the label space or a value that cannot be read, names one file twice
            with different values, or spells one label in upper and lower case.
    """
    labels = () if layout.findings else (column,)
    names = {name: layout.column(name) for name in sorted(KNOWN_COLUMNS)}
    known = {*names.values(), *labels, *layout.finding_columns}
    text = open_table(path, known=known)
    _check_columns(text, layout, labels)
    base = plain_path(path.parent)
    reader = _RowReader(
        path=path,
        names={name: called for name, called in names.items() if called in text.columns},
        label=column if labels else "",
        layout=layout,
        finder=PathFinder(base, None if folder is None else plain_path(folder), layout.extension),
    )
    named = array("Q")
    checked = _checked(map(reader.read, text.records()), path, allowed)
    rows = LabelRows.of(_noted(checked, named))
    rows, repeated = _without_repeats(rows, named, path)
    return LabelsTable(
        path=path,
        digest=text.digest,
        label_column=column if labels else "",
        rows=rows,
        ignored_columns=tuple(c for c in text.columns if c not in known),
        repeated_lines=repeated,
    )


def _check_columns(table: TableText, layout: Layout, labels: Collection[str]) -> None:
    found = ", ".join(table.columns) or "none"
    for needed in (*labels, *layout.finding_columns, *layout.columns.values()):
        if needed not in table.columns:
            raise LabelsRefused(
                f"{table.path} has no column {needed!r}; it has: {found}.",
                advice="Name the column in study.yaml, or rename it in the table.",
                path=str(table.path),
                expected=needed,
                found=list(table.columns),
            )
    by_path, by_uid = layout.column("path"), layout.column("sop_instance_uid")
    if not {by_path, by_uid} & set(table.columns):
        raise LabelsRefused(
            f"{table.path} has no column 'path' (or 'sop_instance_uid'); it has: {found}.",
            advice="Add a column path, relative to the table, or say in study.yaml what it is "
            "called (`columns: {path: …}`).",
            path=str(table.path),
            expected="path",
            found=list(table.columns),
        )


@dataclass(frozen=True)
class _RowReader:
    """Gives the cells of a row their meaning; `names` says what each column is called."""

    path: Path
    names: dict[str, str]
    label: str
    layout: Layout
    finder: PathFinder

    def read(self, record: Record) -> LabelRow:
        cells = record.values
        values = {name: cells[self.names[name]] for name in PLAIN_COLUMNS if name in self.names}
        called = ""
        try:
            for name, read in READ_COLUMNS.items():
                if name in self.names:
                    called = self.names[name]
                    values[name] = read(cells[called])
            called = self.names.get("age", "")
            age_years = read_age_years(cells[called]) if called else None
            findings: list[int] = []
            for called in self.layout.finding_columns:
                if self.layout.listed_in:
                    findings.extend(read_listed(cells[called], self.layout.findings))
                else:
                    findings.append(read_finding(cells[called]))
        except Unreadable as error:
            raise LabelsRefused(
                f"{self.path}, line {record.line}: the column {called!r} holds no {error.wanted}.",
                advice="Correct the value there, or leave it blank.",
                path=str(self.path),
                line=record.line,
                column=called,
            ) from None  # the foreign error would carry the value, which may be patient data
        return self._row_of(record, values, age_years, tuple(findings))

    def _row_of(
        self,
        record: Record,
        values: dict[str, str],
        age_years: float | None,
        findings: tuple[int, ...],
    ) -> LabelRow:
        cell = values.get("path", "")
        if cell:
            values["path"] = self.finder.find(cell)
        elif not values.get("sop_instance_uid"):
            raise LabelsRefused(
                f"{self.path}, line {record.line}: names no file.",
                advice="Fill in the path, or remove the row.",
                path=str(self.path),
                line=record.line,
            )
        if not values.get("patient_id") and not values.get("patient_key"):
            values["patient_id"] = self.layout.patient_in(cell)
        if self.layout.parts == "ignore":
            values["part"] = ""
        projection = values.pop("projection", "")
        if projection and not values.get("view"):
            values["view"] = projection
        return LabelRow(
            line=record.line,
            label=record.values[self.label] if self.label else "",
            digest=values.pop("sha256", ""),
            age_years=age_years,
            findings=findings,
            **values,
        )


def _checked(rows: Iterable[LabelRow], path: Path, allowed: Collection[str]) -> Iterator[LabelRow]:
    first_lines: dict[str, int] = {}
    for row in rows:
        if row.label and allowed and row.label not in allowed:
            raise LabelsRefused(
                f"{path}, line {row.line}: the label {row.label!r} is not one of "
                f"{', '.join(allowed)}.",
                advice="Correct the label, or add it to the label space in study.yaml.",
                path=str(path),
                line=row.line,
                found=row.label,
                expected=list(allowed),
            )
        first_lines.setdefault(row.label, row.line)
        yield row
    if not allowed:
        check_spelling(first_lines, path)


def check_spelling(first_lines: dict[str, int], path: Path) -> None:
    """Refuse labels that differ in upper and lower case alone.

    Args:
        first_lines: label → line where it stands first; 0 where there are no lines.
        path: of the source, for the message.

    Raises:
        LabelsRefused: two labels are one, spelled differently.
    """
    spellings: dict[str, list[str]] = {}
    for label in first_lines:
        spellings.setdefault(label.casefold(), []).append(label)
    twice = [labels for labels in spellings.values() if len(labels) > 1]
    if not twice:
        return
    told = "; ".join(
        " and ".join(
            f"{label!r} (line {first_lines[label]})" if first_lines[label] else repr(label)
            for label in labels
        )
        for labels in twice[:_LISTED]
    )
    raise LabelsRefused(
        f"{path} spells a label in several ways: {told}.",
        advice="Spell it in one way, or list the labels in study.yaml (`labels:`) where they "
        "are truly different.",
        path=str(path),
        labels=twice,
    )


def _noted(rows: Iterable[LabelRow], named: "array[int]") -> Iterator[LabelRow]:
    """Note which file each row names, in 16 bytes where the name itself would take a hundred."""
    for row in rows:
        name = (row.path or row.sop_instance_uid).encode()
        named.frombytes(hashlib.blake2b(name, digest_size=16).digest())
        yield row


def _without_repeats(
    rows: LabelRows, named: "array[int]", path: Path
) -> tuple[LabelRows, tuple[int, ...]]:
    """Drop rows that repeat an earlier one, and refuse those that contradict it."""
    names = np.frombuffer(named, np.uint64).reshape(-1, 2)
    order = np.lexsort((np.arange(len(names)), names[:, 0], names[:, 1]))
    same = (names[order[1:]] == names[order[:-1]]).all(axis=1)
    if not same.any():
        return rows, ()
    earlier = np.arange(len(names))  # of each row, the place of the first that names its file
    for before, after in zip(order[:-1][same], order[1:][same], strict=True):
        earlier[after] = earlier[before]
    repeats = np.flatnonzero(earlier != np.arange(len(names)))
    for place in repeats:
        _check_same(rows[int(earlier[place])], rows[int(place)], path)
    kept = np.flatnonzero(earlier == np.arange(len(names)))
    return rows.pick(kept), tuple(rows.column("line").take(pa.array(repeats)).to_pylist())


def _check_same(first: LabelRow, second: LabelRow, path: Path) -> None:
    """Refuse two rows of one file that say different things about it."""
    differing = first.differing(second)
    if not differing:
        return
    if "label" in differing:
        what = f"with two labels, {first.label!r} and {second.label!r}"
    else:
        what = f"with different values of {', '.join(differing)}"
    raise LabelsRefused(
        f"{path}, lines {first.line} and {second.line}: the same file is listed twice, {what}.",
        advice="Keep the row that is right and remove the other.",
        path=str(path),
        lines=[first.line, second.line],
        columns=list(differing),
    )
