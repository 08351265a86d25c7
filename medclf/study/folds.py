"""The step that judges a way of training on every case at once: grouped k-fold, with seeds.

One test part of a small cohort is a matter of luck. Here each case is tested once, by a network
that learned from other units only, whose epoch, temperature and threshold were chosen on parts
of its own fold. What is judged is the recipe: no package comes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medclf.cohort.copies import Copies
from medclf.cohort.folds import make_folds
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split, split_cohort
from medclf.digest import canonical_json, digest_bytes, digest_json
from medclf.durable import write_bytes
from medclf.errors import LabelsRefused, StorageUnavailable, StudyMisuse
from medclf.evaluate.compare import Difference
from medclf.model.weights import WeightsReport
from medclf.study.alone import alone
from medclf.study.classical import Descriptions
from medclf.study.config import StudyConfig, load_study
from medclf.study.fitting import build_network
from medclf.study.fold_baselines import run_baselines
from medclf.study.fold_document import document_of
from medclf.study.fold_run import FoldRun, FoldScores, run_fold
from medclf.study.fold_summary import MethodSummary, compare_methods, summarise
from medclf.study.home import Home
from medclf.study.ingest import ingest
from medclf.study.prepare import Prepared, check_labels, is_ingested, open_pictures, parts_of
from medclf.study.progress import Progress, silent
from medclf.study.unsealing import Unsealing, record_cohort_opening

ACTION = "training.folds"

_LARGEST_SEED = 2**31 - 1
_MOST_SEEDS = 20


@dataclass(frozen=True)
class Folds:
    """What a cross-validation left behind.

    Attributes:
        methods: the study's own first; `probe` beside it where the network was
            fine-tuned, then the simple readers.
        ahead: other method → figure → how far the study's own is ahead, by a paired test.
        document: what `folds.json` holds.
        path: of `folds.json`.
        digest: of its bytes.
        unsealing: how often these images were opened here.
        audit_sequence: number of the audit record.
    """

    methods: Mapping[str, MethodSummary]
    ahead: Mapping[str, Mapping[str, Difference]]
    document: Mapping[str, Any]
    path: Path
    digest: str
    unsealing: Unsealing
    audit_sequence: int


def train_folds(
    study: Path, *, home: Home, folds: int, seeds: int = 1, progress: Progress = silent
) -> Folds:
    """Train a study's network on each of k folds, with each of some seeds, and sum them up.

    The split and its folds follow the study's seed; the networks take that seed and the ones
    after it, for their first weights, the order of the cases and their variation. A run that
    was interrupted goes on with the next unfinished network, and that one from its last epoch,
    to the very same `folds.json`.

    Args:
        study: the `study.yaml`; it is ingested first where needed.
        home: whose audit trail and lineage record it.
        folds: k, 2 to 20.
        seeds: how many, 1 to 20.
        progress: told about each stage.

    Raises:
        StudyMisuse: the cohort has several findings a picture, the seeds are out of range, or
            another training of this study is running.
        LabelsRefused: the folds cannot be made.
        StorageUnavailable: a result cannot be written.
        MedclfError: of the room where it failed; nothing half-written is left.
    """
    config = load_study(study)
    _check(config, seeds)
    _, weights = build_network(config)  # first: weights that cannot be had leave nothing behind
    config.workspace.mkdir(parents=True, exist_ok=True)
    with alone(config.workspace, doing="training", study=config.workspace):
        if not is_ingested(config):
            ingest(study, home=home, progress=progress)
        try:
            return _train_folds(config, weights, home, folds, seeds, progress)
        except OSError as error:
            raise StorageUnavailable(
                f"A fold cannot be written ({error.strerror or type(error).__name__}).",
                advice="Free some space, then run the same command again: it goes on with the "
                "fold that was not finished.",
            ) from error


def _train_folds(
    config: StudyConfig,
    weights: WeightsReport,
    home: Home,
    folds: int,
    seeds: int,
    progress: Progress,
) -> Folds:
    manifest, pictures, copies = open_pictures(config, home=home, progress=progress)
    check_labels(manifest, config)
    splits = make_folds(manifest, config.split, count=folds, copies=copies)
    cohorts = [
        Prepared(manifest, split, pictures, copies, parts_of(manifest, split, config))
        for split in splits
    ]
    runs = [
        FoldRun(number, prepared, variant, weights)
        for number, prepared in enumerate(cohorts, start=1)
        for variant in _variants(config, seeds)
    ]
    unsealing = record_cohort_opening(
        home,
        manifest,
        test_part=_sealed(manifest, config, copies),
        plan=digest_json([run.identity for run in runs]),
    )
    found: dict[str, list[FoldScores]] = {config.model.method: []}
    for done, run in enumerate(runs):
        progress("folds", done, len(runs), "")
        told = _named(progress, run, folds)
        scores = run_fold(run, config.workspace / "folds", progress=told)
        found.setdefault(scores.method, []).append(scores)
    if config.baselines:
        described = Descriptions(pictures, threads=config.isolation.workers)
        for run in runs:
            if run.config.seed == config.seed and run.config.model.method == config.model.method:
                told = _named(progress, run, folds, by="simple readers")
                for one in run_baselines(run, described, config.workspace / "folds", progress=told):
                    found.setdefault(one.method, []).append(one)
    progress("folds", len(runs), len(runs), "")
    methods = {
        name: summarise(some, manifest, splits[0].units, config) for name, some in found.items()
    }
    alike = {name: [run for run in some if run.seed == config.seed] for name, some in found.items()}
    ahead = compare_methods(alike, manifest, splits[0].units, config)
    document = document_of(
        methods, ahead, manifest=manifest, splits=splits, weights=weights, config=config
    )
    content = canonical_json(document)
    path = config.workspace / "folds.json"
    write_bytes(path, content)
    digest = digest_bytes(content)
    receipt = home.record(
        ACTION,
        {
            "study": config.name,
            "manifest": manifest.digest,
            "splits": [split.digest for split in splits],
            "weights": weights.digest,
            "seeds": seeds,
            "summary": digest,
        },
    )
    _log(home, config, weights, manifest, splits, methods, content)
    return Folds(methods, ahead, document, path, digest, unsealing, receipt.sequence)


def _check(config: StudyConfig, seeds: int) -> None:
    if not config.data.labels:
        raise StudyMisuse(
            "This study has several findings a picture; folds judge one label a picture.",
            advice="Run `medclf train` without --folds, or make a study for one finding.",
        )
    if not 1 <= seeds <= _MOST_SEEDS or config.seed + seeds - 1 > _LARGEST_SEED:
        raise StudyMisuse(
            f"{seeds} seeds from {config.seed} on were asked for; 1 to {_MOST_SEEDS} are "
            f"possible, none above {_LARGEST_SEED}.",
            advice="Name another number, or another `seed` in study.yaml.",
        )


def _variants(config: StudyConfig, seeds: int) -> list[StudyConfig]:
    """Return the networks of one fold: the study's own with each seed, and its probe."""
    variants = [config.model_copy(update={"seed": config.seed + extra}) for extra in range(seeds)]
    if config.model.method != "probe" and config.model.weights != "random":
        model = config.model.model_copy(update={"method": "probe"})
        variants.append(config.model_copy(update={"model": model}))  # no seed changes a probe
    return variants


def _sealed(manifest: Manifest, config: StudyConfig, copies: Copies) -> list[str]:
    """Return the pictures that a plain training of this study seals."""
    try:
        rows = split_cohort(manifest, config.split, copies=copies).rows("test")
    except LabelsRefused:  # the cohort can be dealt into folds, but not into that split
        return []
    pictures = manifest.column("picture")
    return [pictures[row] for row in rows.tolist()]


def _named(progress: Progress, run: FoldRun, folds: int, *, by: str = "") -> Progress:
    which = f"fold {run.fold}/{folds} {by or run.config.model.method} seed {run.config.seed}"
    return lambda stage, done, total, note: progress(stage, done, total, f"{which} {note}".strip())


def _log(
    home: Home,
    config: StudyConfig,
    weights: WeightsReport,
    manifest: Manifest,
    splits: tuple[Split, ...],
    methods: Mapping[str, MethodSummary],
    content: bytes,
) -> None:
    """Log one run over all, and below it one for each network."""
    own = methods[config.model.method]
    metrics = {f"{name}_mean": spread.mean for name, spread in own.over_folds.items()}
    metrics |= {f"{name}_sd_folds": spread.sd for name, spread in own.over_folds.items()}
    metrics |= {f"{name}_sd_seeds": spread.sd for name, spread in own.over_seeds.items()}
    digests = {f"fold-{number}": split.digest for number, split in enumerate(splits, start=1)}
    if weights.digest:  # random ones have none
        digests["weights"] = weights.digest
    home.lineage().log_folds(
        config.name,
        summary_digest=digest_bytes(content),
        parameters={
            "backbone": config.model.backbone,
            "method": config.model.method,
            "weights": weights.source,
            "size": config.preprocessing.size,
            "seed": config.seed,
            **{f"fit.{name}": value for name, value in config.fit.model_dump(mode="json").items()},
        },
        metrics=metrics,
        data_digests={"manifest": manifest.digest, **digests},
        artifacts={"folds.json": content},
        runs={
            f"{method} fold {one.scores.fold} seed {one.scores.seed}": one.figures
            for method, summary in methods.items()
            for one in summary.runs
        },
    )
