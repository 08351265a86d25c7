"""From what `study.yaml` says of the data to what the cohort room can look at."""

from pathlib import Path

from medclf.cohort.ingest import IngestConfig, Source, read_source
from medclf.cohort.layout import Layout
from medclf.cohort.medmnist import export
from medclf.digest import digest_file
from medclf.errors import LabelsRefused
from medclf.study.config import DataConfig, StudyConfig
from medclf.study.progress import Progress, silent

_EXPORTED = "medmnist"  # folder in the workspace


def open_source(config: StudyConfig, *, progress: Progress = silent) -> tuple[Source, IngestConfig]:
    """Return where the cohort comes from and how it is read.

    An archive of MedMNIST is first written out as PNG files, in the workspace.

    Raises:
        LabelsRefused: such an archive cannot be read.
        OSError: its pictures cannot be written.
    """
    data = config.data
    layout = layout_of(data)
    table = data.table
    if layout.format == "medmnist" and table is not None:
        table, findings = export(
            table,
            config.workspace / _EXPORTED,
            progress=lambda done, total: progress("export", done, total, ""),
        )
        if layout.findings not in {(), findings}:
            raise LabelsRefused(
                f"study.yaml names {len(layout.findings)} findings; the archive holds "
                f"{len(findings)}, and not the same or not in this order.",
                advice=f"Name under `findings`: {', '.join(findings)}."
                if findings
                else "This set has one label a picture: name its `labels`.",
                found=list(layout.findings),
                expected=list(findings),
            )
        layout = layout.model_copy(update={"findings": findings})
    chosen = IngestConfig(
        kind=config.kind,
        label_column="label" if layout.format == "medmnist" else data.label,
        labels=data.labels,
        conflicts=data.conflicts,
        layout=layout,
        admission=config.admission,
        threads=config.isolation.workers,
    )
    return Source(table=table, folder=data.folder), chosen


def layout_of(data: DataConfig) -> Layout:
    """Return the part of a study's data section that says how the source is laid out."""
    return Layout(**{name: getattr(data, name) for name in Layout.model_fields})


def source_digest(config: StudyConfig) -> str:
    """Return the digest of the labels as they are now, as a manifest records it.

    Raises:
        LabelsRefused: they cannot be read.
    """
    source, chosen = open_source(config)
    if source.table is not None:
        return _digest_of(source.table)
    table = read_source(source, chosen)
    return table.digest if table else ""


def _digest_of(table: Path) -> str:
    try:
        return digest_file(table)
    except OSError as error:
        raise LabelsRefused(
            f"{table} cannot be read ({type(error).__name__}).",
            advice="Check the path of the labels table.",
            path=str(table),
        ) from error
