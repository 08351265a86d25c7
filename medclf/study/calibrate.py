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
from medclf.study.config import StudyConfig
from medclf.study.features import outputs_of
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
    outputs = outputs_of(
        learned.network,
        prepared,
        [*train.rows.tolist(), *held_out.rows.tolist()],
        config,
        frozen=learned.fitted is None,
        progress=progress,
    )
    scores = outputs.scores[len(train.rows) :]  # (held out, classes)
    temperature = fit_temperature(scores, held_out.truth)
    probabilities = temperature.apply(scores)
    labels = config.data.labels
    findings = labels if config.data.positive is None else (config.data.positive,)
    points = tuple(
        choose_operating_point(
            probabilities[:, labels.index(label)],
            held_out.truth == labels.index(label),
            config.calibrate.operating_point,
            label=label,
        )
        for label in findings
    )
    novelty = fit_novelty(
        outputs.features[: len(train.rows)],
        train.truth,
        outputs.features[len(train.rows) :],
        level=config.calibrate.novelty_level,
    )
    performance = _performance(probabilities, held_out.truth, points, labels)
    return Calibrated(temperature, points, novelty, performance)


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
