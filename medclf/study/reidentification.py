"""The table that joins pseudonyms and people again, kept apart from what it would undo.

It is the most sensitive file that medclf writes: only its owner may read it, and it may not
lie in the folder whose content leaves the hospital.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from medclf.dicom.deidentify.whole import Identity
from medclf.digest import digest_bytes
from medclf.durable import write_bytes
from medclf.errors import StorageUnavailable, StudyMisuse

_OWNER_ONLY = 0o600
_COLUMNS = ("file", "source", "path", *(field.name for field in fields(Identity)))


@dataclass(frozen=True, slots=True)
class Row:
    """One file of the source.

    Attributes:
        file: its pseudonym in `refused.csv`.
        source: where it lay.
        path: what became of it, relative to the output folder; empty when it was refused.
        identity: old and new identifiers; None when it was refused.
    """

    file: str
    source: str
    path: str = ""
    identity: Identity | None = None


def require_apart(table: Path, out: Path) -> None:
    """Check that a table may be written where it is asked for.

    Raises:
        StudyMisuse: it would lie in the output folder, or another kind of file is there.
    """
    place = table.resolve()
    if place == out.resolve() or out.resolve() in place.parents:
        raise StudyMisuse(
            "The re-identification table would lie in the output folder.",
            advice="Name a place with --table that stays in the hospital.",
        )
    if place.exists():
        _read(place)


def write_table(table: Path, rows: Iterable[Row]) -> str:
    """Write the table, with what an earlier run has left in it; return its digest.

    Raises:
        StudyMisuse: another kind of file is there.
        StorageUnavailable: it cannot be written.
    """
    joined = _read(table) if table.exists() else {}
    for row in rows:
        told = {"file": row.file, "source": row.source, "path": row.path}
        if row.identity is not None:
            told |= {name: str(getattr(row.identity, name)) for name in _COLUMNS[3:]}
        joined[row.file, row.path] = told
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(joined.values())
    data = text.getvalue().encode("utf-8", "surrogateescape")
    try:
        write_bytes(table, data, mode=_OWNER_ONLY)
    except OSError:
        raise StorageUnavailable(
            "The re-identification table cannot be written.",
            advice="Check space and permissions, then run the same command again.",
        ) from None
    return digest_bytes(data)


def _read(table: Path) -> dict[tuple[str, str], dict[str, str]]:
    try:
        text = table.read_text("utf-8", "surrogateescape")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        if tuple(rows.fieldnames or ()) == _COLUMNS:
            return {(row["file"], row["path"]): row for row in rows}
    except (OSError, csv.Error):
        pass
    raise StudyMisuse(
        "There is another file where the re-identification table is to be written.",
        advice="Name a new file with --table, or the table of an earlier run.",
    )
