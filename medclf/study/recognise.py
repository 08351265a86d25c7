"""Recognises how a source of images is laid out, where only one reading fits.

A folder with class folders, an `.npz` file of MedMNIST, a table whose columns are called as
public collections call them: a new study starts from what is there. Whatever was taken for
granted is told in words, so that a person can object.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from medclf.cohort.class_folders import read_class_folders
from medclf.cohort.labels import read_labels
from medclf.cohort.layout import KNOWN_COLUMNS, Layout
from medclf.cohort.medmnist import read_contents
from medclf.cohort.paths import PathFinder, plain_path
from medclf.cohort.sources import files_below
from medclf.cohort.table import TableText, open_table
from medclf.cohort.values import (
    NO_FINDING,
    Unreadable,
    read_age_years,
    read_finding,
    read_projection,
    read_sex,
)

_SPACES = re.compile(r"[\s_-]+")
# How public collections (RSNA, APTOS, EyePACS, NIH ChestX-ray14, CheXpert, PadChest, ISIC) and
# hand-made tables call what medclf knows, without upper case and with blanks between words.
_PATH = (
    *("path", "image path", "file path", "filepath", "filename", "file name", "file"),
    *("image index", "image id", "id code", "imageid", "image name", "image", "img"),
)
_LABEL = ("diagnosis", "class", "target", "category", "level", "dx")
_LISTED_IN = ("finding labels", "findings")  # ChestX-ray14
_BESIDE = {
    "patient_id": ("patient id", "patientid", "subject id", "patient"),
    "sex": ("sex", "gender", "patient gender", "patient sex"),
    "age": ("age", "patient age", "age years"),
    "view": ("view", "view position", "viewposition", "ap/pa"),
    "projection": ("projection", "frontal/lateral"),
}
_READERS: dict[str, Callable[[str], object]] = {
    "sex": read_sex,
    "age": read_age_years,
    "projection": read_projection,
}
_EXTENSIONS = ("", ".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff")
_TRIED = 20  # paths that are looked up to find out where the images lie
_PATIENT = r"(?:patient|person|subject)[-_]?\d+"


@dataclass(frozen=True)
class Recognised:
    """How a source is laid out.

    Attributes:
        layout: as recognised.
        label: the column of the label; "" for several findings.
        counts: label → number of rows, blank ones left out; empty for several findings.
        rows: in all.
        table: labels table or archive.
        folder: of the images.
        told: what was recognised, a line each; empty for a table with medclf's own names.
    """

    layout: Layout
    label: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    table: Path | None = None
    folder: Path | None = None
    told: tuple[str, ...] = ()


def recognise_source(data: Path, *, label: str) -> Recognised:
    """Find out how a source is laid out.

    Args:
        data: a labels table, a folder, or an `.npz` file.
        label: the column of the label, where the source is a table that has it.

    Raises:
        LabelsRefused: it cannot be read, or not in one way only.
    """
    if data.is_dir():
        return _class_folders(data)
    if data.suffix.casefold() == ".npz":
        return _medmnist(data)
    return _table(data, label)


def _class_folders(data: Path) -> Recognised:
    layout, base = Layout(format="folders"), str(plain_path(data))
    table = read_class_folders(data, layout=layout)
    if table.rows and all(re.search(_PATIENT, row.path[len(base) :]) for row in table.rows):
        layout = Layout(format="folders", patient_pattern=_PATIENT)
    counts = Counter(table.rows.column("label").to_pylist())
    parts = sorted(set(table.rows.column("part").to_pylist()) - {""})
    told = [f"a folder for each class: {', '.join(sorted(_named(counts)))}"]
    if parts:
        told.append(f"folders fix the parts {', '.join(parts)}")
    if layout.patient_pattern:
        told.append("the patient number in the path")
    return Recognised(
        layout,
        label="label",
        counts=_named(counts),
        rows=len(table.rows),
        folder=data,
        told=tuple(told),
    )


def _medmnist(data: Path) -> Recognised:
    contents = read_contents(data)
    counts: Counter[str] = Counter()
    if not contents.findings:
        for part, count in contents.counts.items():
            counts.update(contents.label(part, place) for place in range(count))
    told = ", ".join(f"{part} {count:,}" for part, count in contents.counts.items())
    size = "×".join(map(str, contents.shape[:2]))
    return Recognised(
        Layout(format="medmnist", findings=contents.findings),
        label="label",
        counts=counts,
        rows=sum(contents.counts.values()),
        table=data,
        told=(f"a MedMNIST archive of {size} px: {told}",),
    )


def _table(data: Path, label: str) -> Recognised:
    text = open_table(data, known=KNOWN_COLUMNS | {label})
    plain = {_SPACES.sub(" ", name).strip().casefold(): name for name in text.columns}
    columns = {}
    called = next((plain[name] for name in _PATH if name in plain), None)
    if called is not None and not {"path", "sop_instance_uid"} & set(text.columns):
        columns["path"] = called
    for name, others in _BESIDE.items():
        called = next((plain[other] for other in others if other in plain), None)
        if name not in text.columns and called is not None:
            columns[name] = called
    if label not in text.columns and label == "label":
        named = [plain[name] for name in _LABEL if name in plain]
        label = named[0] if len(named) == 1 else label
    listed_in, findings = "", tuple[str, ...]()
    if label not in text.columns:
        listed_in, findings = _listed(text, plain)
        findings = findings or _findings(text, set(columns.values()))
    layout = Layout(
        format="findings" if findings else "table",
        columns=_readable(text, columns),
        findings=findings,
        listed_in=listed_in,
    )
    layout, folder = _placed(data, text, layout)
    table = read_labels(data, column=label, layout=layout, folder=folder)
    found = Recognised(
        layout,
        label="" if findings else label,
        counts=_named(Counter(table.rows.column("label").to_pylist())),
        rows=len(table.rows),
        table=data,
        folder=folder,
    )
    return replace(found, told=tuple(_told(found)))


def _listed(text: TableText, plain: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the column that lists the findings of a picture, and all that it lists."""
    column = next((plain[name] for name in _LISTED_IN if name in plain), "")
    cells = (record.values[column] for record in text.records()) if column else ()
    listed = {name.strip() for cell in cells for name in cell.split("|")} - {""}
    found = tuple(sorted(name for name in listed if name.casefold() != NO_FINDING))
    return (column, found) if found else ("", ())


def _findings(text: TableText, taken: set[str]) -> tuple[str, ...]:
    """Return the columns that hold nothing but 1, 0, -1 and blanks, when there are several."""
    possible = dict.fromkeys(c for c in text.columns if c not in taken and c not in KNOWN_COLUMNS)
    told: set[str] = set()
    for record in text.records():
        for name in list(possible):
            try:
                read_finding(record.values[name])
            except Unreadable:
                del possible[name]
            else:
                if record.values[name]:
                    told.add(name)
    found = tuple(name for name in possible if name in told)
    return found if len(found) > 1 else ()


def _readable(text: TableText, columns: dict[str, str]) -> dict[str, str]:
    """Leave out columns that are called like ours and hold something else."""
    possible = {name: called for name, called in columns.items() if name in _READERS}
    for record in text.records():
        for name, called in list(possible.items()):
            try:
                _READERS[name](record.values[called])
            except Unreadable:
                del possible[name]
    return {n: called for n, called in columns.items() if n not in _READERS or n in possible}


def _placed(data: Path, text: TableText, layout: Layout) -> tuple[Layout, Path | None]:
    """Find folder and extension of the images, and the patient number in their paths."""
    called = layout.column("path")
    if called not in text.columns:
        return layout, None
    cells = (record.values[called] for record in text.records())
    some = [cell for cell in islice(cells, _TRIED) if cell]
    every = (record.values[called] for record in text.records())
    if "patient_id" not in {*text.columns, *layout.columns} and all(
        re.search(_PATIENT, cell) for cell in every
    ):
        layout = layout.model_copy(update={"patient_pattern": _PATIENT})
    base = plain_path(data.parent)
    if _all_found(some, PathFinder(base)):
        return layout, None
    folders = [None, *sorted(path for path in base.iterdir() if path.is_dir())]
    fitting = [
        (folder, extension)
        for folder in folders
        for extension in _EXTENSIONS
        if _all_found(some, PathFinder(base, folder, extension))
    ]
    if not fitting and all("/" not in cell for cell in some) and _below(base, some):
        return layout, base  # further down; ingest matches them by name
    if not fitting or (len(fitting) > 1 and fitting[0][0] is not None):
        return layout, None  # nowhere, or in several places: ingest will say what is missing
    folder, extension = fitting[0]
    return layout.model_copy(update={"extension": extension}), folder


def _below(base: Path, names: Iterable[str]) -> bool:
    """Say whether files of these names lie anywhere below a folder."""
    wanted = set(names)
    for path in files_below(base):
        wanted.discard(path.rpartition("/")[2])
        if not wanted:
            return True
    return False


def _all_found(cells: Iterable[str], finder: PathFinder) -> bool:
    return all(os.path.lexists(finder.find(cell)) for cell in cells)


def _told(found: Recognised) -> Iterable[str]:
    layout = found.layout
    if layout.findings:
        where = (
            f"listed in the column {layout.listed_in!r}" if layout.listed_in else "a column each"
        )
        yield f"{len(layout.findings)} findings, {where}: {', '.join(layout.findings)}"
    elif found.label != "label":
        yield f"the label in the column {found.label!r}"
    for name, called in layout.columns.items():
        yield f"{name} in the column {called!r}"
    if found.folder is not None:
        yield f"the images in {found.folder.name}/"
    if layout.extension:
        yield f"paths without their extension {layout.extension}"
    if layout.patient_pattern:
        yield "the patient number in the path"


def _named(counts: Counter[str]) -> Counter[str]:
    return Counter({label: count for label, count in counts.items() if label})
