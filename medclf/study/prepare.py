"""The part of training before any network runs: manifest, split, prepared pictures."""

from dataclasses import dataclass

from medclf.cohort.copies import Copies, find_copies
from medclf.cohort.dataset import PreparedImages
from medclf.cohort.finding_truth import finding_truth
from medclf.cohort.ingest import rules_digest
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split, split_cohort
from medclf.errors import LabelsRefused, StudyMisuse
from medclf.model.part import Part
from medclf.pixels.isolation import DecodingPool
from medclf.study.config import StudyConfig
from medclf.study.home import Home
from medclf.study.progress import Progress
from medclf.study.source import open_source, source_digest

PARTS = ("train", "tune", "calibrate", "test")


@dataclass(frozen=True)
class Prepared:
    """A cohort ready to learn from.

    Attributes:
        cache_bytes: that the cache of the pictures may hold, see `Home.cache_bytes`.
    """

    manifest: Manifest
    split: Split
    pictures: PreparedImages
    copies: Copies
    parts: dict[str, Part]
    cache_bytes: int | None = None


def prepare(config: StudyConfig, *, home: Home, progress: Progress) -> Prepared:
    """Load the manifest, prepare its pictures, find copies among them and split it.

    Raises:
        ManifestTampered: the manifest or an image is not the one that was ingested.
        LabelsRefused: the split cannot be made.
        StudyMisuse: the labels table has changed since ingest.
        CacheUnavailable: the pictures cannot be kept.
    """
    manifest, pictures, copies = open_pictures(config, home=home, progress=progress)
    check_labels(manifest, config)
    split = split_cohort(manifest, config.split, copies=copies)
    split.save(config.workspace)
    parts = parts_of(manifest, split, config)
    return Prepared(manifest, split, pictures, copies, parts, home.cache_bytes)


def parts_of(manifest: Manifest, split: Split, config: StudyConfig) -> dict[str, Part]:
    """Return the rows of each part with what is known of them.

    The study's rule for uncertain findings is for learning: in the other parts they are
    unknown, so that nothing is chosen, calibrated or judged by a doubtful reference.
    """
    parts = {}
    for name in PARTS:
        rows = split.rows(name)
        if manifest.findings:
            truth = finding_truth(manifest, ruled=name == "train")
        else:
            truth = manifest.label_indices(config.data.labels)
        parts[name] = Part(rows, truth[rows])
    return parts


def open_pictures(
    config: StudyConfig, *, home: Home, progress: Progress
) -> tuple[Manifest, PreparedImages, Copies]:
    """Load the manifest, prepare its pictures and find copies among them.

    Raises:
        ManifestTampered: the manifest or an image is not the one that was ingested.
        StudyMisuse: the labels table has changed since ingest.
        CacheUnavailable: the pictures cannot be kept.
    """
    manifest = Manifest.load(config.workspace)
    _check_current(manifest, config)
    with DecodingPool(config.isolation) as pool:
        pictures = PreparedImages.build(
            manifest,
            config.preprocessing,
            home.cache_folder,
            threads=config.isolation.workers,
            decoding=pool.decode,
            limit_bytes=home.cache_bytes,
            progress=lambda done, total: progress("prepare", done, total, ""),
        )
    copies = find_copies(
        manifest,
        pictures,
        kind=config.kind,
        progress=lambda done, total: progress("copies", done, total, ""),
    )
    return manifest, pictures, copies


def check_labels(manifest: Manifest, config: StudyConfig) -> None:
    """Refuse a manifest that holds no case of a label.

    Raises:
        LabelsRefused: names the labels.
    """
    if manifest.findings:
        return  # their columns were read, and the split asks for cases of each
    absent = [label for label in config.data.labels if label not in manifest.labels]
    if absent:
        raise LabelsRefused(
            f"No accepted image carries the label {', '.join(absent)}; the manifest holds "
            f"{', '.join(manifest.labels)}, and a model needs cases of every label.",
            advice="Add cases, or take the label out of `labels` in study.yaml.",
            absent=absent,
        )


def is_ingested(config: StudyConfig) -> bool:
    """Return whether a manifest lies in the study's workspace."""
    return (config.workspace / "manifest.json").exists()


def _check_current(manifest: Manifest, config: StudyConfig) -> None:
    rules = rules_digest(open_source(config)[1])
    if manifest.facts.get("rules") != rules:
        raise StudyMisuse(
            "study.yaml says something else of the data, or of what is admitted, than when they "
            "were ingested.",
            advice="Run `medclf ingest` again, so that the manifest says what is trained on.",
            expected=manifest.facts.get("rules"),
            found=rules,
        )
    found = source_digest(config)
    if manifest.facts.get("table_digest") != found:
        raise StudyMisuse(
            f"{config.data.table or config.data.folder} has changed since it was ingested.",
            advice="Run `medclf ingest` again, so that the manifest says what is trained on.",
            expected=manifest.facts.get("table_digest"),
            found=found,
        )
