"""The step from images and a labels table to a checked manifest."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.deciding import deciding
from medclf.cohort.ingest import ingest as ingest_cohort
from medclf.cohort.journal import Journal
from medclf.cohort.manifest import Manifest
from medclf.dicom.instance import Instance
from medclf.digest import digest_json
from medclf.errors import LabelsRefused, PixelsRefused
from medclf.pixels.isolation import DecodingPool
from medclf.pixels.quality import assess
from medclf.reasons import Reason
from medclf.study.alone import alone
from medclf.study.config import StudyConfig, load_study
from medclf.study.home import Home
from medclf.study.progress import Progress, silent
from medclf.study.source import open_source
from medclf.study.words import ingested_in_words

_JOURNAL = "ingest-journal"  # folder in the workspace, gone when the manifest is saved


@dataclass(frozen=True, repr=False)
class Ingested:
    """A manifest and where it was saved.

    Attributes:
        manifest: of the cohort.
        folder: that holds it.
        resumed: files that an earlier run, which was stopped, had looked at already.
    """

    manifest: Manifest
    folder: Path
    resumed: int = 0

    def __repr__(self) -> str:
        return ingested_in_words(self)


def ingest(study: Path, *, home: Home, progress: Progress = silent) -> Ingested:
    """Check every image that a study names and write its manifest.

    A run that was stopped or killed goes on where it was, to the same manifest.

    Args:
        study: the `study.yaml`.
        home: whose audit trail records it.
        progress: told about each image.

    Raises:
        ConfigError: the study breaks a rule.
        LabelsRefused: the labels table breaks a rule, or no image is left.
        StudyMisuse: another ingest of this study is running.
        AuditUnavailable: the step could not be recorded.
        DecodingUnavailable: no process to decode in can be started.
        OSError: journal or manifest cannot be written.
    """
    config = load_study(study)
    with (
        _journal_folder(config.workspace) as folder,
        DecodingPool(config.isolation) as pool,
    ):
        source, chosen = open_source(config, progress=progress)
        journal = Journal(folder, purpose=_purpose(config))
        manifest = ingest_cohort(
            source,
            chosen,
            secret=home.pseudonym_secret(),
            check=lambda instance: unreadable(instance, config, pool),
            progress=lambda done, total: progress("ingest", done, total, ""),
            journal=journal,
        )
        manifest.save(config.workspace)
        journal.remove()
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
    return Ingested(manifest, config.workspace, resumed=journal.resumed)


@contextmanager
def _journal_folder(workspace: Path) -> Iterator[Path]:
    """Hold a study's journal against a second ingest, and leave no empty folder behind."""
    folder = workspace / _JOURNAL
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, doing="ingest", study=workspace):
        try:
            yield folder
        finally:
            with suppress(OSError):  # it holds segments, to go on from, unless nothing was begun
                folder.rmdir()


def _purpose(config: StudyConfig) -> str:
    """Name what the check of a picture depends on: the study, this version, the decoders."""
    content = config.model_dump(mode="json", exclude={"data", "workspace", "model", "fit"})
    return digest_json({"study": content, **deciding()})


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
