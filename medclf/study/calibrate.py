"""Calibrates a fitted network on the part kept for it: temperature, thresholds, novelty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medclf.calibrate.findings import (
    finding_probabilities,
    fit_finding_temperature,
    require_told,
)
from medclf.calibrate.novelty import Novelty, fit_novelty
from medclf.calibrate.scaling import Temperature, fit_temperature
from medclf.calibrate.threshold import OperatingPoint, choose_operating_point
from medclf.evaluate.evaluation import Estimate
from medclf.model.part import UNKNOWN
from medclf.model.task import Task
from medclf.study.config import StudyConfig
from medclf.study.features import outputs_of
from medclf.study.fitting import Learned
from medclf.study.part_figures import figures_on_part
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress


@dataclass(frozen=True)
class Calibrated:
    """What the calibrate part settled.

    Attributes:
        temperature: of the scores of labels that exclude each other; 1 for findings.
        performance: figures on that very part, for the model card; too good, because the
            threshold was chosen on it.
        temperatures: one for each of several findings, in their order; else empty.
        per_label: finding → figures on that very part; empty but for several findings.
    """

    temperature: Temperature
    points: tuple[OperatingPoint, ...]
    novelty: Novelty
    performance: Mapping[str, Estimate]
    temperatures: tuple[Temperature, ...] = ()
    per_label: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """A warning for the report, or empty."""
        of_findings = (
            f"{point.label}: {fitted.note}"
            for point, fitted in zip(self.points, self.temperatures, strict=False)
            if fitted.note
        )
        return " ".join(filter(None, (self.temperature.note, *of_findings)))


def calibrate(
    learned: Learned, prepared: Prepared, config: StudyConfig, *, progress: Progress
) -> Calibrated:
    """Fit temperature, operating points and the novelty threshold; the test part is not touched.

    Raises:
        CalibrationRefused: the calibrate part is too small or lacks a label.
    """
    train, held_out = prepared.parts["train"], prepared.parts["calibrate"]
    outputs = outputs_of(
        learned.network,
        prepared,
        [*train.rows.tolist(), *held_out.rows.tolist()],
        config,
        frozen=learned.fitted is None and learned.probe is not None,
        progress=progress,
    )
    scores = outputs.scores[len(train.rows) :]  # (held out, classes)
    units = prepared.split.units[held_out.rows]
    if config.data.task is Task.FINDINGS:
        novelty = fit_novelty(
            outputs.features[: len(train.rows)],
            np.zeros(len(train.rows), dtype=np.int64),  # one cloud: findings are no classes
            outputs.features[len(train.rows) :],
            level=config.calibrate.novelty_level,
        )
        return _of_findings(scores, held_out.truth, units, novelty, config)
    temperature, points = settle(scores, held_out.truth, config)
    novelty = fit_novelty(
        outputs.features[: len(train.rows)],
        train.truth,
        outputs.features[len(train.rows) :],
        level=config.calibrate.novelty_level,
    )
    probabilities = temperature.apply(scores)
    binary = config.data.positive is not None
    names = ["auc", "sensitivity", "specificity"] if binary else ["accuracy"]
    performance = figures_on_part(
        [*names, "quadratic_kappa"] if config.data.ordered else names,
        probabilities,
        held_out.truth,
        points,
        units,
        labels=config.data.labels,
        positive=config.data.positive,
        ordered=config.data.ordered,
    )
    return Calibrated(temperature, points, novelty, performance)


def _of_findings(
    scores: np.ndarray[Any, np.dtype[np.float64]],
    truth: np.ndarray[Any, np.dtype[np.int64]],
    units: np.ndarray[Any, np.dtype[np.int64]],
    novelty: Novelty,
    config: StudyConfig,
) -> Calibrated:
    """Settle each finding by itself, on the cases that tell of it."""
    names = config.data.findings
    require_told(truth, names)
    temperatures, points, per_label = [], [], {}
    for column, name in enumerate(names):
        told = truth[:, column] != UNKNOWN
        own, present = scores[told, column], truth[told, column] == 1
        temperature = fit_finding_temperature(own, present)
        probability = finding_probabilities(own[:, None], [temperature.value])[:, 0]
        point = choose_operating_point(
            probability, present, config.calibrate.operating_point, label=name
        )
        temperatures.append(temperature)
        points.append(point)
        per_label[name] = figures_on_part(
            ("auc", "sensitivity", "specificity"),
            np.column_stack([1 - probability, probability]),
            present.astype(np.int64),
            [point],
            units[told],
            labels=(f"no {name}", name),
            positive=name,
        )
    return Calibrated(Temperature(1.0), tuple(points), novelty, {}, tuple(temperatures), per_label)


def settle(
    scores: np.ndarray[Any, np.dtype[np.float64]],
    truth: np.ndarray[Any, np.dtype[np.int64]],
    config: StudyConfig,
) -> tuple[Temperature, tuple[OperatingPoint, ...]]:
    """Fit the temperature, and with it the threshold of each label that is decided on.

    Args:
        scores: (n, classes) float64 of the calibrate part, before calibration.
        truth: (n,) int64.
        config: label space and rule of the operating point.

    Raises:
        CalibrationRefused: the calibrate part is too small or lacks a label.
    """
    temperature = fit_temperature(scores, truth)
    probabilities = temperature.apply(scores)
    labels = config.data.labels
    findings = labels if config.data.positive is None else (config.data.positive,)
    points = tuple(
        choose_operating_point(
            probabilities[:, labels.index(label)],
            truth == labels.index(label),
            config.calibrate.operating_point,
            label=label,
        )
        for label in findings
    )
    return temperature, points
