"""A folder for each class, as many public collections come: read as a labels table.

`NORMAL/x.jpeg` carries the label NORMAL; `train/NORMAL/x.jpeg` carries it in the part
train. Folders further down say nothing. A file outside every class folder has no label and
is refused later, by name.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.label_rows import LabelRow, LabelRows
from medclf.cohort.labels import LabelsTable, check_spelling
from medclf.cohort.layout import Layout
from medclf.cohort.paths import plain_path, relative_to
from medclf.cohort.sources import files_below
from medclf.cohort.values import Unreadable, read_part
from medclf.errors import LabelsRefused


def read_class_folders(
    folder: Path, *, layout: Layout, allowed: Collection[str] = ()
) -> LabelsTable:
    """Read the labels that folder names give.

    Args:
        folder: above the class folders, or above folders named train, val or test.
        layout: whether the parts are kept, and how a path tells the patient.
        allowed: the label space; empty allows every label.

    Returns:
        A table whose digest is that of the sorted file names.

    Raises:
        LabelsRefused: there is no file, a class folder is outside the label space, or two
            of them differ in upper and lower case alone.
    """
    base = plain_path(folder)
    names = sorted(_utf8(relative_to(path, base) for path in files_below(base)))
    if not names:
        raise LabelsRefused(
            f"{folder} is not a folder with files in it.",
            advice="Check the path of the folder of images.",
            path=str(folder),
        )
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0")
    reader = _NameReader(base, layout)
    rows = LabelRows.of(map(reader.read, names))
    labels = sorted(set(rows.column("label").unique().to_pylist()) - {""})
    unknown = [label for label in labels if allowed and label not in allowed]
    if unknown:
        raise LabelsRefused(
            f"{folder}: the class folder {unknown[0]!r} is not one of {', '.join(allowed)}.",
            advice="Rename the folder, or add it to the label space in study.yaml.",
            path=str(folder),
            found=unknown,
            expected=list(allowed),
        )
    if not allowed:
        check_spelling(dict.fromkeys(labels, 0), folder)
    return LabelsTable(path=base, digest=f"sha256:{digest.hexdigest()}", label_column="", rows=rows)


@dataclass(frozen=True)
class _NameReader:
    base: Path
    layout: Layout

    def read(self, name: str) -> LabelRow:
        folders = list(Path(name).parts[:-1])
        part = _part_of(folders[0]) if folders else ""
        if part:
            del folders[0]
        return LabelRow(
            line=0,
            label=folders[0] if folders else "",
            path=str(self.base / name),
            patient_id=self.layout.patient_in(name),
            part=part if self.layout.parts == "keep" else "",
        )


def _part_of(folder: str) -> str:
    try:
        return read_part(folder)
    except Unreadable:
        return ""


def _utf8(names: Iterator[str]) -> Iterator[str]:
    """Pass over names that are not UTF-8; ingest meets the files again and refuses them."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            continue
        yield name
