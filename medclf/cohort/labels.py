"""The labels table: which file carries which label, and what is known about it beside.

This is where a researcher's or a registry's table enters medclf. A fault that would
make a wrong cohort (a missing column, an unknown label, one file with two labels)
refuses the whole table and names the lines; a blank label refuses only its row, later.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path

from medclf.cohort.table import Record, Table, read_table
from medclf.cohort.values import (
    Unreadable,
    read_age_years,
    read_laterality,
    read_part,
    read_sex,
    read_sha256,
)
from medclf.errors import LabelsRefused

_PLAIN = (
    *("path", "sop_instance_uid", "patient_id", "patient_key", "group_id"),
    *("site", "device", "subtype"),
)
_READ = {
    "sha256": read_sha256,
    "laterality": read_laterality,
    "sex": read_sex,
    "part": read_part,
    "view": str.upper,
}
KNOWN_COLUMNS = frozenset((*_PLAIN, *_READ, "age"))
"""The columns that mean something beside the label column; others are passed over."""


@dataclass(frozen=True)
class LabelRow:
    """What a labels table says about one file; "" and None where it says nothing.

    Attributes:
        line: in the table.
        path: absolute, or "" when the row names the file by its SOP Instance UID.
        digest: `sha256:…` that the file should have.
        patient_id: as written, to be made a pseudonym before it is kept.
        patient_key: a pseudonym that medclf made earlier, kept as it is.
        part: of the split, when the table fixes it.
    """

    line: int
    label: str
    path: str = ""
    sop_instance_uid: str = ""
    digest: str = ""
    patient_id: str = ""
    patient_key: str = ""
    group_id: str = ""
    site: str = ""
    device: str = ""
    view: str = ""
    laterality: str = ""
    sex: str = ""
    age_years: float | None = None
    subtype: str = ""
    part: str = ""


@dataclass(frozen=True)
class LabelsTable:
    """A labels table that keeps the rules.

    Attributes:
        path: the file.
        digest: of its bytes.
        label_column: the column the labels were taken from.
        rows: one for each file, in the table's order.
        ignored_columns: present, without a meaning here.
        repeated_lines: lines that only repeat an earlier one.
    """

    path: Path
    digest: str
    label_column: str
    rows: tuple[LabelRow, ...]
    ignored_columns: tuple[str, ...]
    repeated_lines: tuple[int, ...]


def read_labels(path: Path, *, column: str = "label", allowed: Collection[str] = ()) -> LabelsTable:
    """Read a labels table.

    Args:
        path: the table; the paths in it are relative to its folder.
        column: the column that holds the label.
        allowed: the label space; empty allows every label.

    Raises:
        LabelsRefused: the table cannot be read, lacks a column, holds a label outside
            the label space or a value that cannot be read, or names one file twice
            with different values.
    """
    table = read_table(path, known=KNOWN_COLUMNS | {column})
    _check_columns(table, column)
    base = Path(os.path.normpath(path.parent.absolute()))
    kept: dict[str, LabelRow] = {}
    repeated: list[int] = []
    for record in table.records:
        row = _row_of(record, table=table, column=column, base=base)
        _check_label(row, path, allowed)
        key = row.path or row.sop_instance_uid
        if key in kept:
            _check_same(kept[key], row, path)
            repeated.append(row.line)
        else:
            kept[key] = row
    return LabelsTable(
        path=path,
        digest=table.digest,
        label_column=column,
        rows=tuple(kept.values()),
        ignored_columns=tuple(c for c in table.columns if c not in KNOWN_COLUMNS | {column}),
        repeated_lines=tuple(repeated),
    )


def _check_columns(table: Table, column: str) -> None:
    found = ", ".join(table.columns) or "none"
    if column not in table.columns:
        raise LabelsRefused(
            f"{table.path} has no column {column!r}; it has: {found}.",
            advice="Name the label column in study.yaml, or rename it in the table.",
            path=str(table.path),
            expected=column,
            found=list(table.columns),
        )
    if not {"path", "sop_instance_uid"} & set(table.columns):
        raise LabelsRefused(
            f"{table.path} has no column 'path' (or 'sop_instance_uid'); it has: {found}.",
            advice="Add a column path, relative to the table.",
            path=str(table.path),
            expected="path",
            found=list(table.columns),
        )


def _row_of(record: Record, *, table: Table, column: str, base: Path) -> LabelRow:
    values = dict(record.values)
    label = values[column]
    plain = {name: values.get(name, "") for name in _PLAIN}
    name = ""
    try:
        for name, read in _READ.items():
            plain[name] = read(values.get(name, ""))
        name = "age"
        age_years = read_age_years(values.get(name, ""))
    except Unreadable as error:
        raise LabelsRefused(
            f"{table.path}, line {record.line}: the column {name!r} holds no {error.wanted}.",
            advice="Correct the value there, or leave it blank.",
            path=str(table.path),
            line=record.line,
            column=name,
        ) from None  # the foreign error would carry the value, which may be patient data
    if plain["path"]:
        plain["path"] = os.path.normpath(base / plain["path"])
    elif not plain["sop_instance_uid"]:
        raise LabelsRefused(
            f"{table.path}, line {record.line}: names no file.",
            advice="Fill in the path, or remove the row.",
            path=str(table.path),
            line=record.line,
        )
    digest = plain.pop("sha256")
    return LabelRow(line=record.line, label=label, digest=digest, age_years=age_years, **plain)


def _check_label(row: LabelRow, path: Path, allowed: Collection[str]) -> None:
    if row.label and allowed and row.label not in allowed:
        raise LabelsRefused(
            f"{path}, line {row.line}: the label {row.label!r} is not one of {', '.join(allowed)}.",
            advice="Correct the label, or add it to the label space in study.yaml.",
            path=str(path),
            line=row.line,
            found=row.label,
            expected=list(allowed),
        )


def _check_same(first: LabelRow, second: LabelRow, path: Path) -> None:
    """Refuse two rows of one file that say different things about it."""
    differing = [
        field.name
        for field in fields(LabelRow)
        if field.name != "line" and getattr(first, field.name) != getattr(second, field.name)
    ]
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
        columns=differing,
    )
