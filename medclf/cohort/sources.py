"""Which files an ingest has to look at: those of a labels table, of a folder, or of both.

A table alone names its files. A folder alone is an unlabelled cohort. Both together are
matched by path or by SOP Instance UID, and whatever stays without a partner is refused
by name, so that no image drops out silently.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.labels import LabelRow, LabelsTable
from medclf.errors import LabelsRefused

_NOT_IMAGES = frozenset(("DICOMDIR", "Thumbs.db"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file to look at.

    Attributes:
        path: relative to the base where it lies below it, else absolute.
        row: what the labels table says of it, None when nothing was found by path.
    """

    path: str
    row: LabelRow | None


@dataclass(frozen=True)
class Candidates:
    """All files to look at.

    Attributes:
        base: the folder that relative paths start from.
        files: sorted by path.
        by_uid: rows that name their file by SOP Instance UID alone.
        unfound: rows whose path lies outside the folder or is not in it.
    """

    base: Path
    files: tuple[Candidate, ...]
    by_uid: dict[str, LabelRow]
    unfound: tuple[LabelRow, ...]


def plain_path(path: Path) -> Path:
    """Return a path from the root without `.` and `..`; links are left as they are."""
    return Path(os.path.normpath(path.absolute()))


def relative_to(path: str, base: Path) -> str:
    """Return an absolute path as seen from the base, or unchanged when it lies elsewhere."""
    return path.removeprefix(str(base) + os.sep)


def from_table(table: LabelsTable) -> Candidates:
    """Return the files that a labels table names.

    Raises:
        LabelsRefused: a row names its file by SOP Instance UID, and there is no folder
            to look for it in.
    """
    base = plain_path(table.path.parent)
    pathless = next((row for row in table.rows if not row.path), None)
    if pathless is not None:
        raise LabelsRefused(
            f"{table.path}, line {pathless.line}: names a SOP Instance UID and no path.",
            advice="Name the folder of the images too, or add a column path.",
            path=str(table.path),
            line=pathless.line,
        )
    files = (Candidate(relative_to(row.path, base), row) for row in table.rows)
    return Candidates(
        base=base,
        files=tuple(sorted(files, key=lambda candidate: candidate.path)),
        by_uid={},
        unfound=(),
    )


def from_folder(folder: Path, table: LabelsTable | None = None) -> Candidates:
    """Return the files below a folder, with what the table says of each.

    Hidden files, `DICOMDIR` and the table itself are passed over.

    Raises:
        LabelsRefused: the folder cannot be read or holds no file.
    """
    base = plain_path(folder)
    rows = table.rows if table else ()
    by_path = {row.path: row for row in rows if row.path}
    skipped = {str(plain_path(table.path))} if table else set()
    found = [path for path in _files_below(base) if path not in skipped]
    if not found:
        raise LabelsRefused(
            f"{folder} is not a folder with files in it.",
            advice="Check the path of the folder of images.",
            path=str(folder),
        )
    files = (Candidate(relative_to(path, base), by_path.get(path)) for path in found)
    present = set(found)
    return Candidates(
        base=base,
        files=tuple(sorted(files, key=lambda candidate: candidate.path)),
        by_uid={row.sop_instance_uid: row for row in rows if not row.path},
        unfound=tuple(row for path, row in by_path.items() if path not in present),
    )


def _files_below(base: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(base):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and name not in _NOT_IMAGES:
                yield os.path.join(folder, name)  # noqa: PTH118 - text, one for each of a million
