"""One case: an image, its label and what is known about it, as a row of the manifest.

A case holds no name and no number of a person: `patient` is a keyed pseudonym.
The path is kept, because the image must be found again; no message repeats it.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from medclf.reasons import Reason


@dataclass(frozen=True, slots=True)
class Case:
    """One accepted image.

    Attributes:
        path: relative to the manifest's base where it lies below it, else absolute.
        digest: of the file's bytes.
        picture: digest of what is shown: the stored pixels for DICOM, the file's bytes else.
        label: "" in a cohort without a reference standard.
        patient: pseudonym, or "" when unknown.
        group: pictures that belong together beside the patient, such as one slide.
        site: where the picture was taken, as the table or the header says.
        device: model or station of the machine.
        view: `PA`, `AP` …, upper case.
        laterality: `L`, `R` or "".
        sex: `F`, `M`, `O` or "".
        age_years: in [0, 130], or None.
        subtype: a finer label that is reported on and never learned.
        kind: `xray`, `fundus` or `pathology`.
        format: `dicom`, `png` or `jpeg`.
        sop_instance_uid: "" for PNG and JPEG.
        rows: height in pixels.
        columns: width in pixels.
        part: of the split, when the labels table fixes it, else "".
        line: in the labels table; 0 when the case has none.
        taken_on: year and month of the picture, `YYYY-MM`, or ""; never the day, which would
            help to find the person.
        findings: for a cohort of several findings, one for each of the manifest's fact
            `findings`: 1 present, 0 absent, -1 uncertain, -2 not told; else empty.
    """

    path: str
    digest: str
    picture: str
    label: str
    patient: str = ""
    group: str = ""
    site: str = ""
    device: str = ""
    view: str = ""
    laterality: str = ""
    sex: str = ""
    age_years: float | None = None
    subtype: str = ""
    kind: str = ""
    format: str = ""
    sop_instance_uid: str = ""
    rows: int = 0
    columns: int = 0
    part: str = ""
    line: int = 0
    taken_on: str = ""
    findings: tuple[int, ...] = ()


def _texts(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.string(), nullable=False) for name in names]


SCHEMA = pa.schema(
    [
        *_texts("path", "digest", "picture", "label", "patient", "group"),
        *_texts("site", "device", "view", "laterality", "sex"),
        pa.field("age_years", pa.float64()),
        *_texts("subtype", "kind", "format", "sop_instance_uid"),
        pa.field("rows", pa.int32(), nullable=False),
        pa.field("columns", pa.int32(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("taken_on", pa.string(), nullable=False),
        pa.field("findings", pa.list_(pa.int8()), nullable=False),
    ]
)
"""The columns of a manifest, in the order of `Case`."""

_BATCH = 4096  # rows that are objects at a time


def cases_in(table: pa.Table) -> Iterator[Case]:
    """Yield the rows of a table with the columns `SCHEMA` as cases, in order."""
    for batch in table.to_batches(max_chunksize=_BATCH):
        for values in batch.to_pylist():
            yield Case(**{**values, "findings": tuple(values["findings"])})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that is not in the cohort, and why.

    Attributes:
        path: as in `Case`; the SOP Instance UID when the table names the file by it
            and no such file was found.
        reason: the code.
        message: what was found, without patient data.
    """

    path: str
    reason: Reason
    message: str


_REFUSAL_COLUMNS = ["path", "reason", "message"]


def refusals_as_csv(refused: Iterable[Refusal]) -> bytes:
    """Write refusals as the table that a person opens to mend them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)  # with CRLF, as RFC 4180 has it
    writer.writerow(_REFUSAL_COLUMNS)
    for refusal in refused:
        writer.writerow([refusal.path, refusal.reason.value, refusal.message])
    # A path that is not UTF-8 on the disk travels as surrogates.
    return text.getvalue().encode("utf-8", "surrogateescape")


def refusals_from_csv(data: bytes) -> tuple[Refusal, ...]:
    """Read back what `refusals_as_csv` wrote."""
    text = io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
    rows = csv.DictReader(text)
    return tuple(Refusal(row["path"], Reason(row["reason"]), row["message"]) for row in rows)
