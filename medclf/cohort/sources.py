"""Which files an ingest has to look at: those of a labels table, of a folder, or of both.

A table alone names its files. A folder alone is an unlabelled cohort. Both together are
matched by path or by SOP Instance UID, and whatever stays without a partner is refused
by name, so that no image drops out silently.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medclf.cohort.label_rows import LabelRow, LabelRows, RowsByUid
from medclf.cohort.labels import LabelsTable
from medclf.cohort.paths import plain_path, relative_to
from medclf.errors import LabelsRefused

_NOT_IMAGES = frozenset(("DICOMDIR", "Thumbs.db"))
_BATCH = 4096  # candidates that are objects at a time
_NO_ROWS = LabelRows.of(())


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
class Files:
    """Files to look at, sorted by path.

    Attributes:
        paths: as the disk has them, which need not be UTF-8.
        places: (n,) int64, the row of each file among `rows`, -1 where it has none.
        rows: of the labels table.
    """

    paths: pa.BinaryArray
    places: np.ndarray
    rows: LabelRows

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Candidate]:
        return self.since(0)

    def since(self, start: int) -> Iterator[Candidate]:
        """Yield the files from a place on, counted from 0."""
        for begin in range(start, len(self), _BATCH):
            places = self.places[begin : begin + _BATCH]
            known = iter(self.rows.pick(places[places >= 0]))
            for path, place in zip(self.paths[begin : begin + _BATCH], places, strict=True):
                yield Candidate(os.fsdecode(path.as_py()), next(known) if place >= 0 else None)


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
    files: Files
    by_uid: RowsByUid
    unfound: LabelRows


def from_table(table: LabelsTable) -> Candidates:
    """Return the files that a labels table names.

    Raises:
        LabelsRefused: a row names its file by SOP Instance UID, and there is no folder
            to look for it in.
    """
    base = plain_path(table.path.parent)
    pathless = pc.index(table.rows.column("path"), "").as_py()
    if pathless >= 0:
        line = table.rows[pathless].line
        raise LabelsRefused(
            f"{table.path}, line {line}: names a SOP Instance UID and no path.",
            advice="Name the folder of the images too, or add a column path.",
            path=str(table.path),
            line=line,
        )
    paths = _paths_of(table.rows, base)
    return Candidates(
        base=base,
        files=_sorted(paths, np.arange(len(paths)), table.rows),
        by_uid=RowsByUid(_NO_ROWS),
        unfound=_NO_ROWS,
    )


def from_folder(folder: Path, table: LabelsTable | None = None) -> Candidates:
    """Return the files below a folder, with what the table says of each.

    Hidden files, `DICOMDIR` and the table itself are passed over.

    Raises:
        LabelsRefused: the folder cannot be read or holds no file.
    """
    base = plain_path(folder)
    rows = table.rows if table else _NO_ROWS
    skipped = str(plain_path(table.path)) if table else ""
    found = _held(relative_to(path, base) for path in files_below(base) if path != skipped)
    if not len(found):
        raise LabelsRefused(
            f"{folder} is not a folder with files in it.",
            advice="Check the path of the folder of images.",
            path=str(folder),
        )
    named = np.flatnonzero(pc.not_equal(rows.column("path"), "").to_numpy())
    paths = _paths_of(rows.pick(named), base)
    at = pc.fill_null(pc.index_in(found, value_set=paths), -1).to_numpy().copy()
    absent = pc.invert(pc.is_in(paths, value_set=found)).to_numpy(zero_copy_only=False).copy()
    if table and absent.any():
        beside = os.fsencode(relative_to(str(plain_path(table.path.parent) / "_"), base))[:-1]
        _match_by_name(found, paths, at, absent, beside)
    return Candidates(
        base=base,
        files=_sorted(found, np.where(at >= 0, np.append(named, -1)[at], -1), rows),
        by_uid=RowsByUid(rows),
        unfound=rows.pick(named[absent]),
    )


def _match_by_name(
    found: pa.BinaryArray, paths: pa.BinaryArray, at: np.ndarray, absent: np.ndarray, beside: bytes
) -> None:
    """Match rows that name a file without any folder with the one file of that name.

    ChestX-ray14 comes so: twelve folders, and a table that names files without them. Where
    the folder holds two files of a name, neither is taken.

    Args:
        found: files of the folder.
        paths: files that the rows name.
        at: (files,) int64, the row of each file, -1 where it has none; filled in.
        absent: (rows,) bool, whether a row has no file; cleared.
        beside: what the path of a file in the table's own folder begins with.
    """
    named = {paths[row].as_py(): row for row in np.flatnonzero(absent)}
    free: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(at < 0):
        name = beside + found[place].as_py().rpartition(b"/")[2]
        if name in named:
            free.setdefault(name, []).append(int(place))
    for name, places in free.items():
        if len(places) == 1:
            at[places[0]], absent[named[name]] = named[name], False


def files_below(base: Path) -> Iterator[str]:
    """Yield the absolute path of every file below a folder that may be an image.

    Links to folders are followed, each folder once.

    Raises:
        LabelsRefused: a folder cannot be read, so that its images would drop out silently.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(base, onerror=_refuse_folder, followlinks=True):
        about = os.stat(folder)  # noqa: PTH116 - text, as below
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and name not in _NOT_IMAGES:
                yield os.path.join(folder, name)  # noqa: PTH118 - text, one for each of a million


def _refuse_folder(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):  # nothing is there, as the caller will see
        return
    raise LabelsRefused(
        f"A folder of images cannot be read ({type(error).__name__}).",
        advice="Give yourself the right to read every folder there, or move it elsewhere.",
        path=str(error.filename),
    ) from error


def _held(paths: Iterable[str]) -> pa.BinaryArray:
    """Hold paths as the bytes that the disk has: some fifty instead of two hundred each."""
    chunks = []
    batch: list[bytes] = []
    for path in paths:
        batch.append(os.fsencode(path))
        if len(batch) == _BATCH:
            chunks.append(pa.array(batch, pa.binary()))
            batch.clear()
    chunks.append(pa.array(batch, pa.binary()))
    return pa.concat_arrays(chunks)


def _paths_of(rows: LabelRows, base: Path) -> pa.BinaryArray:
    chunks = rows.column("path").chunks
    return _held(relative_to(path, base) for chunk in chunks for path in chunk.to_pylist())


def _sorted(paths: pa.BinaryArray, places: np.ndarray, rows: LabelRows) -> Files:
    order = pc.sort_indices(paths)  # by bytes, which for UTF-8 is by character
    return Files(paths.take(order), places[order.to_numpy()], rows)
