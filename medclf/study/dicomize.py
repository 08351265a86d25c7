"""Pictures with a labels table into DICOM, so that research data can walk the hospital's road.

PNG and JPEG become Digital X-Ray, Ophthalmic Photography 8 Bit or VL Microscopic objects
with patients, studies and series. The stored pixels are those that medclf decodes from
the source, so a model sees the same picture either way. Running twice gives the same bytes.
"""

import csv
import hashlib
import hmac
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.case import Refusal, refusals_as_csv
from medclf.cohort.labels import KNOWN_COLUMNS, LabelRow, LabelsTable, read_labels
from medclf.cohort.table import Table, read_table
from medclf.dicom.instance import Kind, open_instance
from medclf.digest import digest_bytes
from medclf.durable import write_bytes, write_text
from medclf.errors import (
    DicomMisuse,
    InstanceRefused,
    LabelsRefused,
    PixelsRefused,
    StudyMisuse,
)
from medclf.pixels.isolation import Decode, DecodingPool, Isolation
from medclf.reasons import Reason
from medclf.study.picture_object import Belonging, picture_object
from medclf.study.progress import Progress, silent

TABLE = "labels.csv"
REFUSED = "refused.csv"

_STAGE = "dicomize"


@dataclass(frozen=True)
class _Place:
    """Where one row's object goes: in the hierarchy of patients, and on the disk."""

    row: LabelRow
    source: str  # as the table has it
    path: str  # relative to the output folder
    belonging: Belonging


@dataclass(frozen=True)
class _Written:
    """What the new table says about one object."""

    path: str
    sha256: str


def dicomize(
    table: Path,
    out: Path,
    *,
    kind: Kind,
    limit: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Turn pictures into DICOM objects and write a labels table over them.

    One patient for each `patient_id`, else for each `group_id`, else for each file; one
    study with one series a patient. Patient IDs in the objects are pseudonyms keyed by the
    table's digest: who has the table can find a patient again, who has the objects cannot.
    Files appear whole or not at all; a run that was cut off is taken up by the next.

    Args:
        table: labels table (path, label and what `read_labels` knows).
        out: folder; new, empty, or left by an earlier run over the same table.
        kind: decides the SOP class.
        limit: only the first so many pictures.
        progress: told about each picture.

    Returns:
        The new `labels.csv`: every column of the old one, with new `path` and `sha256`.
        Beside it `refused.csv` lists the pictures that could not be turned, with reasons.

    Raises:
        LabelsRefused: the table breaks a rule, or no picture of it could be read.
        StudyMisuse: an unknown kind, a limit below 1, or `out` holds other things.
        DecodingUnavailable: no process to decode in can be started.
        OSError: the folder cannot be written.
    """
    kind = _known(kind)
    if limit is not None and limit < 1:
        raise StudyMisuse(f"The limit is {limit}; at least 1 is expected.", limit=limit)
    original = read_table(table, known=KNOWN_COLUMNS | {"label"})
    labels = read_labels(table)
    places = _places(labels, original, kind=kind)
    _check_free(out, (place.path for place in places))
    chosen = places[:limit]
    written: dict[int, _Written] = {}
    refused: list[Refusal] = []
    with DecodingPool(Isolation(workers=1)) as pool:
        for done, place in enumerate(chosen, start=1):
            try:
                written[place.row.line] = _convert(place, out, kind, pool.decode)
            except (InstanceRefused, PixelsRefused) as error:
                refused.append(Refusal(place.source, error.reason, error.message))
            except DicomMisuse as error:
                refused.append(Refusal(place.source, Reason.PIXELS_UNDECODABLE, error.message))
            progress(_STAGE, done, len(chosen), "")
    if not written:
        reasons = ", ".join(sorted({refusal.reason.value for refusal in refused}))
        raise LabelsRefused(
            f"None of the {len(refused)} pictures could be turned into DICOM ({reasons}).",
            advice="Check the paths in the table: they are relative to the table.",
            refused=len(refused),
        )
    write_bytes(out / REFUSED, refusals_as_csv(refused))
    write_text(out / TABLE, _new_table(original, written))
    return out / TABLE


def _known(kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError as error:
        raise StudyMisuse(
            f"The kind {kind!r} is unknown.",
            advice=f"Name one of {', '.join(Kind)}.",
            expected=list(Kind),
        ) from error


def _places(labels: LabelsTable, original: Table, *, kind: Kind) -> list[_Place]:
    """Give every row a patient, a number in the patient's study, and a file."""
    if "path" not in original.columns:
        raise LabelsRefused(
            f"{labels.path} has no column 'path'; it has: {', '.join(original.columns)}.",
            advice="Add a column path, relative to the table.",
            path=str(labels.path),
            expected="path",
            found=list(original.columns),
        )
    sources = {record.line: record.values["path"] for record in original.records}
    key = labels.digest.encode()
    numbers: Counter[str] = Counter()
    places = []
    for row in labels.rows:
        source = sources[row.line]
        patient_id = _pseudonym(key, kind, _owner(row, source))
        numbers[patient_id] += 1
        name = hmac.new(key, f"file\0{source}".encode(), hashlib.sha256).hexdigest()[:16]
        places.append(
            _Place(
                row=row,
                source=source,
                path=f"{patient_id}/{name}.dcm",
                belonging=Belonging(patient_id, number=numbers[patient_id], seed=source),
            )
        )
    return places


def _owner(row: LabelRow, source: str) -> str:
    if row.patient_id:
        return f"patient\0{row.patient_id}"
    return f"group\0{row.group_id}" if row.group_id else f"file\0{source}"


def _pseudonym(key: bytes, kind: Kind, owner: str) -> str:
    return hmac.new(key, f"{kind}\0{owner}".encode(), hashlib.sha256).hexdigest()[:32]


def _check_free(out: Path, expected: Iterable[str]) -> None:
    """Refuse a folder that holds anything but what a run over the same table writes."""
    if not out.exists():
        return
    own = {*expected, TABLE, REFUSED}
    strangers = not out.is_dir() or any(
        path.is_file()
        and path.relative_to(out).as_posix() not in own
        and not (path.name.startswith(".") and path.name.endswith(".part"))  # of a killed run
        for path in out.rglob("*")
    )
    if strangers:
        raise StudyMisuse(
            f"{out} holds other things than the DICOM objects of this table.",
            advice="Name a folder that does not exist yet.",
            path=str(out),
        )


def _convert(place: _Place, out: Path, kind: Kind, decode: Decode) -> _Written:
    if not place.row.path:
        raise InstanceRefused(Reason.FILE_MISSING, "The row names no file.")
    instance = open_instance(Path(place.row.path))
    if place.row.digest and instance.digest != place.row.digest:
        raise InstanceRefused(
            Reason.FILE_CHANGED, "The file's SHA-256 is not the one in the labels table."
        )
    data = picture_object(instance, place.row, place.belonging, kind=kind, decode=decode)
    path = out / place.path
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)
    return _Written(place.path, digest_bytes(data).removeprefix("sha256:"))


def _new_table(original: Table, written: Mapping[int, _Written]) -> str:
    """Return the table with its columns and a row for each object written.

    Only `patient_id` is left out: the objects carry its pseudonym.
    """
    columns: Sequence[str] = [name for name in original.columns if name != "patient_id"]
    if "sha256" not in columns:
        columns = (*columns, "sha256")
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for record in original.records:
        if record.line in written:
            new = written[record.line]
            writer.writerow({**record.values, "path": new.path, "sha256": new.sha256})
    return stream.getvalue()
