"""Calibrates a fitted network on the part kept for it: temperature, thresholds, novelty."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medclf.calibrate.novelty import Novelty, fit_novelty
from medclf.calibrate.scaling import Temperature, fit_temperature
from medclf.calibrate.threshold import OperatingPoint, choose_operating_point
from medclf.evaluate.auc import delong
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.proportion import wilson
from medclf.model.features import compute_outputs
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig
from medclf.study.fitting import Learned
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress


@dataclass(frozen=True)
class Calibrated:
    """What the calibrate part settled.

    Attributes:
        performance: figures on that very part, for the model card; too good, because the
            threshold was chosen on it.
    """

    temperature: Temperature
    points: tuple[OperatingPoint, ...]
    novelty: Novelty
    performance: Mapping[str, Estimate]


def calibrate(
    learned: Learned, prepared: Prepared, config: StudyConfig, *, progress: Progress
) -> Calibrated:
    """Fit temperature, operating points and the novelty threshold; the test part is not touched.

    Raises:
        CalibrationRefused: the calibrate part is too small or lacks a label.
    """
    train, held_out = prepared.parts["train"], prepared.parts["calibrate"]
    outputs = compute_outputs(
        learned.network,
        prepared.pictures.array,
        [*train.rows.tolist(), *held_out.rows.tolist()],
        normalise=lambda batch: normalise(batch, config.preprocessing),
        progress=lambda done, total: progress("calibrate", done, total, ""),
    )
    scores = outputs.scores[len(train.rows) :]  # (held out, classes)
    temperature, points = settle(scores, held_out.truth, config)
    novelty = fit_novelty(
        outputs.features[: len(train.rows)],
        train.truth,
        outputs.features[len(train.rows) :],
        level=config.calibrate.novelty_level,
    )
    probabilities = temperature.apply(scores)
    performance = _performance(probabilities, held_out.truth, points, config.data.labels)
    return Calibrated(temperature, points, novelty, performance)


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


def _performance(
    probabilities: np.ndarray[Any, np.dtype[np.float64]],
    truth: np.ndarray[Any, np.dtype[np.int64]],
    points: tuple[OperatingPoint, ...],
    labels: tuple[str, ...],
) -> dict[str, Estimate]:
    """Return the figures of a two-class model, or the accuracy for more classes."""
    if len(points) > 1:
        right = int((probabilities.argmax(axis=1) == truth).sum())
        return {"accuracy": wilson(right, len(truth))}
    point = points[0]
    column = labels.index(point.label)
    positive = truth == column
    called = probabilities[:, column] >= point.threshold
    return {
        "auc": delong(probabilities[:, column], positive),
        "sensitivity": wilson(int((called & positive).sum()), int(positive.sum())),
        "specificity": wilson(int((~called & ~positive).sum()), int((~positive).sum())),
    }
