"""Calibrates a fitted network on the part kept for it: temperature, thresholds, novelty."""

from dataclasses import dataclass

from medclf.calibrate.novelty import Novelty, fit_novelty
from medclf.calibrate.scaling import Temperature, fit_temperature
from medclf.calibrate.threshold import OperatingPoint, choose_operating_point
from medclf.model.features import compute_outputs
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig
from medclf.study.fitting import Learned
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress


@dataclass(frozen=True)
class Calibrated:
    """What the calibrate part settled."""

    temperature: Temperature
    points: tuple[OperatingPoint, ...]
    novelty: Novelty


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
    return Calibrated(temperature, points, novelty)
