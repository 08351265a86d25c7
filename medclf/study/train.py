"""The step from a manifest to a package: split, fit, calibrate, pack, register."""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.values import finding_text
from medclf.durable import write_text
from medclf.errors import StorageUnavailable
from medclf.model.network import Network
from medclf.model.ordinal_probe import OrdinalFit
from medclf.model.weights import WeightsReport
from medclf.registry.package import Package
from medclf.study.alone import alone
from medclf.study.baselines import Comparison, compare_baselines
from medclf.study.calibrate import Calibrated, calibrate
from medclf.study.config import StudyConfig, load_study
from medclf.study.exporting import check_runtime
from medclf.study.fitting import Learned, build_network, fit_network
from medclf.study.home import Home
from medclf.study.ingest import ingest
from medclf.study.leakage import Leakage, inspect_prepared
from medclf.study.pack import pack
from medclf.study.prepare import Prepared, is_ingested, prepare
from medclf.study.progress import Progress, silent
from medclf.study.register import register
from medclf.study.words import trained_in_words


@dataclass(frozen=True, repr=False)
class Trained:
    """What training left behind; stands for its package wherever a path to one is asked for.

    Attributes:
        package: verified, named by its digest.
        calibrated: temperature and operating points.
        learned: the network with its history.
        test_table: labels table of the sealed test part; None when there is none.
        audit_sequence: number of the audit record.
        leakage: what crosses the parts, which copies there are, what tells the label.
        comparison: with simpler readers of the calibrate part; None when none was asked for.
        label: the column of `test_table` that holds the label.
    """

    package: Package
    calibrated: Calibrated
    learned: Learned
    test_table: Path | None
    audit_sequence: int
    leakage: Leakage
    comparison: Comparison | None
    label: str = "label"

    def __fspath__(self) -> str:
        """Return the package's folder."""
        return str(self.package.path)

    def __repr__(self) -> str:
        return trained_in_words(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the figures too good, and what they do not beat."""
        beside = () if self.comparison is None else self.comparison.warnings
        return (*self.leakage.warnings, *beside)


def train(
    study: Path, *, home: Home, out: Path | None = None, progress: Progress = silent
) -> Trained:
    """Train, calibrate and pack the model of a study.

    A study that was not ingested yet is ingested first. A run that was interrupted goes
    on from its last epoch to the same weights.

    Args:
        study: the `study.yaml`.
        home: whose audit trail and lineage record it.
        out: folder that the package is written below; `packages` in the workspace when None.
        progress: told about each stage.

    Raises:
        StudyMisuse: another training of this study is running.
        MedclfError: of the room where it failed; nothing half-written is left.
        OSError: manifest or checkpoint cannot be written.
    """
    config = load_study(study)
    built = build_network(config)  # first: weights that cannot be had leave nothing behind
    check_runtime(built[0], config)
    config.workspace.mkdir(parents=True, exist_ok=True)
    with alone(config.workspace, doing="training", study=config.workspace):
        return _train(study, config, built, home=home, out=out, progress=progress)


def _train(
    study: Path,
    config: StudyConfig,
    built: tuple[Network, WeightsReport],
    *,
    home: Home,
    out: Path | None,
    progress: Progress,
) -> Trained:
    network, weights = built
    progress("weights", 1, 1, str(weights))
    if not is_ingested(config):
        ingest(study, home=home, progress=progress)
    prepared = prepare(config, home=home, progress=progress)
    leakage = inspect_prepared(prepared, config, progress=progress)
    home.record("training.started", {"study": config.name, "manifest": prepared.manifest.digest})
    learned = fit_network(network, weights, prepared, config, progress=progress)
    calibrated = calibrate(learned, prepared, config, progress=progress)
    comparison = None
    if config.baselines:
        comparison = compare_baselines(
            learned, prepared, config, part="calibrate", progress=progress
        )
    folder = out or config.workspace / "packages"
    try:
        package = pack(folder, learned, calibrated, prepared, config, comparison, progress=progress)
        test_table = write_test_table(prepared, config)
    except OSError as error:
        raise StorageUnavailable(
            f"The package cannot be written ({error.strerror or type(error).__name__}).",
            advice="Free some space or name another folder with --out, then run the same "
            "command again: training goes on from its last checkpoint.",
        ) from error
    progress("register", 0, 1, "")
    receipt = home.record(
        "package.packed",
        {
            "study": config.name,
            "package": package.digest,
            "manifest": prepared.manifest.digest,
            "split": prepared.split.digest,
            "weights": weights.digest,
        },
    )
    register(home, package, metrics=_metrics(learned, calibrated, comparison))
    progress("register", 1, 1, "")
    return Trained(
        package,
        calibrated,
        learned,
        test_table,
        receipt.sequence,
        leakage,
        comparison,
        label=config.data.label,
    )


def write_test_table(prepared: Prepared, config: StudyConfig) -> Path | None:
    """Write the sealed test part as a labels table, for `medclf validate`."""
    rows = prepared.parts["test"].rows.tolist()
    if not rows:
        return None
    path = config.workspace / "test.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = ("site", "device", "view", "laterality", "sex", "subtype", "taken_on")
    findings = prepared.manifest.findings
    told = findings or (config.data.label,)
    writer.writerow(["path", "sha256", *told, "patient_key", "group_id", *columns, "age"])
    for row in rows:
        case = prepared.manifest.case(row)
        writer.writerow(
            [
                os.path.relpath(prepared.manifest.path_of(row), config.workspace),
                case.digest.removeprefix("sha256:"),
                *(map(finding_text, case.findings) if findings else (case.label,)),
                case.patient,
                case.group,
                *(getattr(case, name) for name in columns),
                "" if case.age_years is None else f"{case.age_years:g}",
            ]
        )
    write_text(path, text.getvalue())
    return path


def _metrics(
    learned: Learned, calibrated: Calibrated, comparison: Comparison | None
) -> dict[str, list[float]]:
    """Return the course of the training as MLflow takes it: name → value at each step."""
    history = learned.fitted.history if learned.fitted else ()
    metrics: dict[str, list[float]] = {
        "train_loss": [epoch.loss for epoch in history],
        "tune_figure": [epoch.tune_figure for epoch in history],
        "tune_loss": [epoch.tune_loss for epoch in history],
        "learning_rate": [epoch.learning_rate for epoch in history],
        "pictures_per_s": [epoch.pictures_per_s for epoch in history],
        "stall_share": [epoch.stall_share for epoch in history],
        "temperature": [calibrated.temperature.value],
    }
    if isinstance(learned.probe, OrdinalFit):
        metrics["probe_tune_kappa"] = [learned.probe.tune_kappa[learned.probe.penalty]]
    elif learned.probe:
        metrics["probe_tune_auc"] = [learned.probe.tune_auc[learned.probe.penalty]]
    for name, figure in calibrated.performance.items():
        metrics[f"calibrate_{name}"] = [figure.estimate]
    if comparison is not None:
        metrics |= {name: [value] for name, value in comparison.metrics().items()}
    return {name: steps for name, steps in metrics.items() if steps}
