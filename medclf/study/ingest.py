"""The step from images and a labels table to a checked manifest."""

from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.ingest import IngestConfig, Source
from medclf.cohort.ingest import ingest as ingest_cohort
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Instance
from medclf.errors import LabelsRefused, PixelsRefused
from medclf.pixels.isolation import DecodingPool
from medclf.pixels.quality import assess
from medclf.reasons import Reason
from medclf.study.config import StudyConfig, load_study
from medclf.study.home import Home
from medclf.study.progress import Progress, silent


@dataclass(frozen=True)
class Ingested:
    """A manifest and where it was saved."""

    manifest: Manifest
    folder: Path


def ingest(study: Path, *, home: Home, progress: Progress = silent) -> Ingested:
    """Check every image that a study names and write its manifest.

    Args:
        study: the `study.yaml`.
        home: whose audit trail records it.
        progress: told about each image.

    Raises:
        ConfigError: the study breaks a rule.
        LabelsRefused: the labels table breaks a rule, or no image is left.
        AuditUnavailable: the step could not be recorded.
        DecodingUnavailable: no process to decode in can be started.
    """
    config = load_study(study)
    with DecodingPool(config.isolation) as pool:
        manifest = ingest_cohort(
            Source(table=config.data.table, folder=config.data.folder),
            ingest_config(config),
            secret=home.pseudonym_secret(),
            check=lambda instance: unreadable(instance, config, pool),
            progress=lambda done, total: progress("ingest", done, total, ""),
        )
    manifest.save(config.workspace)
    if not len(manifest):
        found = ", ".join(sorted({refusal.reason.value for refusal in manifest.refused}))
        raise LabelsRefused(
            f"Every one of the {len(manifest.refused)} images was refused ({found}).",
            advice=f"See {config.workspace / 'refused.csv'}; check the paths in the labels "
            "table (with / between folders) and the kind in study.yaml.",
        )
    home.record(
        "study.ingested",
        {
            "study": config.name,
            "manifest": manifest.digest,
            "accepted": len(manifest),
            "refused": len(manifest.refused),
        },
    )
    return Ingested(manifest, config.workspace)


def ingest_config(config: StudyConfig) -> IngestConfig:
    """Return what the cohort room needs to know of a study."""
    return IngestConfig(
        kind=config.kind,
        label_column=config.data.label,
        labels=config.data.labels,
        conflicts=config.data.conflicts,
        admission=config.admission,
    )


def unreadable(instance: Instance, config: StudyConfig, pool: DecodingPool) -> tuple[Reason, ...]:
    """Return why the pixels of an image cannot be used; empty when they can."""
    try:
        return assess(
            pool.decode(instance, frame=0),
            config.kind,
            refuse_text=config.admission.burned_in == "refuse",
        )
    except PixelsRefused as error:
        return (error.reason,)
