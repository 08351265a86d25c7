"""Holds the network against simpler readers on the same cases, in every run.

A network that does not clearly beat the brightness of the picture has not shown that it looks
at what is in it. The readers are compared on a part that chose no weights, no epoch and no
setting of any of them: the calibrate part, or the test part of a fold. Temperature and
thresholds do come from the calibrate part, but neither changes the order of the cases, hence
no AUC here; scores are taken before calibration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.readers import Compared, Reader, compare_readers
from medclf.model.features import compute_outputs
from medclf.model.network import Network
from medclf.model.ordinal_probe import OrdinalFit
from medclf.model.probe import LinearHead
from medclf.model.selection import read_grades
from medclf.model.task import Task
from medclf.pixels.transforms.preprocessing import normalise
from medclf.report.words import metric_name, reader_name, three
from medclf.study.classical import Descriptions, fit_classical
from medclf.study.config import StudyConfig
from medclf.study.fitting import Learned, build_network
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress
from medclf.study.task_heads import odds_shift, probe_rule, put_probe

_DIGITS = 6  # of what is kept: sums of another processor differ in the last of sixteen
_FINDINGS = (
    "No baseline was fitted: trivial and classical readers learn one label a picture, and this "
    "study has several findings."
)

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """The network beside simpler readers of the same cases.

    Attributes:
        part: on whose cases.
        cases: how many.
        figures: of all readers, the network first; empty when none could be compared.
        settings: reader → setting → value, chosen on the tune part.
        note: why there is none; empty otherwise.
    """

    part: str
    cases: int
    figures: tuple[Compared, ...] = ()
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    note: str = ""

    @property
    def overall(self) -> tuple[Compared, ...]:
        """The figures over all labels."""
        return tuple(one for one in self.figures if not one.label)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each simple reader that the network should beat and does not."""
        found = []
        for one in self.overall:
            if one.ahead is None or not _concerns(one):
                continue
            network = next(
                other.figure
                for other in self.overall
                if other.ahead is None and other.metric == one.metric
            )
            worse = one.ahead.high < 0
            found.append(
                f"The network {'does worse than' if worse else 'does not clearly beat'} "
                f"{reader_name(one.reader)} on the {self.part} part: "
                f"{metric_name(one.metric)} {three(network.estimate)} against "
                f"{three(one.figure.estimate)}, difference {three(one.ahead.estimate)} "
                f"({three(one.ahead.low)} to {three(one.ahead.high)}). "
                + (
                    "It may not look at what is in the picture."
                    if one.reader == "trivial"
                    else "Transfer or training can be improved."
                )
            )
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, the same for the same inputs; what is undefined is None."""
        return {
            "part": self.part,
            "cases": self.cases,
            "settings": {
                reader: {name: _round(value) for name, value in chosen.items()}
                for reader, chosen in self.settings.items()
            },
            "figures": [
                {
                    "reader": one.reader,
                    "metric": one.metric,
                    "label": one.label,
                    **_plain(one.figure),
                    "network_ahead": None if one.ahead is None else _plain(one.ahead),
                }
                for one in self.figures
            ],
            "warnings": list(self.warnings),
            "note": self.note,
        }

    def metrics(self) -> dict[str, float]:
        """Return the figures over all labels by name, for a lineage store."""
        found = {}
        for one in self.overall:
            found[f"{self.part}_{one.reader}_{one.metric}"] = one.figure.estimate
            if one.ahead is not None:
                name = f"{self.part}_ahead_of_{one.reader}_{one.metric}"
                found[name] = one.ahead.estimate
        return {name: value for name, value in found.items() if math.isfinite(value)}


def compare_baselines(
    learned: Learned,
    prepared: Prepared,
    config: StudyConfig,
    *,
    part: str,
    progress: Progress,
    scores: Scores | None = None,
    described: Descriptions | None = None,
) -> Comparison:
    """Fit simple readers on train and tune, and hold the network against them on another part.

    Beside the trivial and the classical ones stands the linear probe that fine-tuning started
    from, where there was one.

    Args:
        learned: the network and its probe.
        prepared: the parts; the caller answers for opening a test part.
        config: of the study.
        part: on whose cases; neither `train` nor `tune`.
        progress: told about each stage.
        scores: (cases, classes) float64, what the network says of the part; run when None.
        described: to describe no picture twice over several folds.

    Raises:
        EvaluationError: the part lacks a label.
        WeightsUnavailable: the probe's backbone cannot be had any more.
    """
    cases = prepared.parts[part]
    if config.architecture.task is Task.FINDINGS:
        return Comparison(part, len(cases.rows), note=_FINDINGS)
    rows = cases.rows.tolist()
    if scores is None:
        scores = _scores_of(learned.network, prepared, rows, config, progress)
    said = {"network": scores}
    if learned.probe is not None and learned.fitted is not None:
        said["probe"] = _probe_scores(learned.probe, prepared, rows, config, progress)
    readers = fit_classical(prepared, config, progress=progress, described=described)
    said |= readers.scores(rows, progress)
    figures = compare_readers(
        tuple(_reader(name, table, config) for name, table in said.items()),
        cases.truth,
        labels=config.data.labels,
        positive=config.data.positive,
        clusters=_clusters(prepared, rows),
        generator=np.random.default_rng(config.seed),
    )
    return Comparison(part, len(rows), figures, readers.settings())


def _scores_of(
    network: Network,
    prepared: Prepared,
    rows: list[int],
    config: StudyConfig,
    progress: Progress,
) -> Scores:
    return compute_outputs(
        network,
        prepared.pictures.array,
        rows,
        normalise=lambda batch: normalise(batch, config.preprocessing),
        progress=lambda done, total: progress("compare", done, total, ""),
    ).scores


def _probe_scores(
    probe: LinearHead | OrdinalFit,
    prepared: Prepared,
    rows: list[int],
    config: StudyConfig,
    progress: Progress,
) -> Scores:
    """Return what the probe says, on the backbone as it was before fine-tuning."""
    network, _ = build_network(config)
    put_probe(network, probe)
    network.shift_scores(odds_shift(prepared, config, probe_rule(config)))
    return _scores_of(network, prepared, rows, config, progress)


def _reader(name: str, scores: Scores, config: StudyConfig) -> Reader:
    shares: Scores = softmax(scores, axis=1)
    return Reader(name, shares, read_grades(scores) if config.data.ordered else None)


def _clusters(prepared: Prepared, rows: list[int]) -> tuple[str, ...]:
    patients, groups = prepared.manifest.column("patient"), prepared.manifest.column("group")
    return tuple(patients[row] or groups[row] for row in rows)


def _concerns(one: Compared) -> bool:
    """Whether a reader does as well as the network: the trivial one must be beaten clearly."""
    if one.ahead is None:
        return False
    return one.ahead.high < 0 or (one.reader == "trivial" and not one.ahead.low > 0)


def _plain(figure: Estimate | Difference) -> dict[str, Any]:
    names = ("estimate", "low", "high", "p", "method", "n")
    return {
        name: _round(value) if isinstance(value, float) else value
        for name in names
        if (value := getattr(figure, name, None)) is not None
    }


def _round(value: float) -> float | None:
    return round(float(value), _DIGITS) if math.isfinite(value) else None
