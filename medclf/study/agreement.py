"""Measures how far two ways of running one network agree, on pictures kept for calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medclf.calibrate.novelty import Novelty
from medclf.calibrate.scaling import Temperature
from medclf.classifier import PackedModel
from medclf.model.features import Outputs
from medclf.model.runtime import Runtime
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress


@dataclass(frozen=True)
class Said:
    """What a model says of n pictures, as an opinion would.

    Attributes:
        probabilities: (n, classes) float64.
        decisions: (n, points) bool, one column for each operating point.
        novelty: (n,) float64; above 1 an opinion is withheld.
    """

    probabilities: np.ndarray[Any, np.dtype[np.float64]]
    decisions: np.ndarray[Any, np.dtype[np.bool_]]
    novelty: np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Agreement:
    """How far two models agree.

    Attributes:
        pictures: compared.
        largest_probability_difference: over all pictures and classes.
        largest_novelty_difference: in units of the abstention threshold.
        decisions_changed: at the operating points, over all findings.
        abstentions_changed: pictures of which only one of the two gives an opinion.
    """

    pictures: int
    largest_probability_difference: float
    largest_novelty_difference: float
    decisions_changed: int
    abstentions_changed: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures for the lineage, differences to two digits."""
        return {
            "pictures": self.pictures,
            "largest_probability_difference": _two_digits(self.largest_probability_difference),
            "largest_novelty_difference": _two_digits(self.largest_novelty_difference),
            "decisions_changed": self.decisions_changed,
            "abstentions_changed": self.abstentions_changed,
        }


def calibrate_rows(prepared: Prepared, *, most: int | None = None) -> list[int]:
    """Return rows of the calibrate part, evenly spread where there are more than `most`."""
    rows: list[int] = prepared.parts["calibrate"].rows.tolist()
    if most is None or len(rows) <= most:
        return rows
    places = np.linspace(0, len(rows) - 1, most).round().astype(int)
    return [rows[place] for place in places]


def run_over(
    runtime: Runtime,
    prepared: Prepared,
    rows: Sequence[int],
    model: PackedModel,
    *,
    progress: Progress,
) -> Outputs:
    """Run a network over some pictures one by one, as the service does."""
    scores, features = [], []
    for done, row in enumerate(rows, start=1):
        picture = prepared.pictures.array[np.asarray([row])]
        found = runtime.run(normalise(picture, model.preprocessing))  # (1, classes), (1, features)
        scores.append(found[0])
        features.append(found[1])
        progress(f"run {runtime.name}", done, len(rows), "")
    return Outputs(np.concatenate(scores), np.concatenate(features))


def say(model: PackedModel, novelty: Novelty, outputs: Outputs) -> Said:
    """Return what a package says where its network gave these outputs."""
    probabilities = Temperature(model.temperature).apply(outputs.scores)
    decisions = [
        probabilities[:, model.labels.index(point.label)] >= point.threshold
        for point in model.operating_points
    ]
    return Said(probabilities, np.stack(decisions, axis=1), novelty.distance(outputs.features))


def compare(ours: Said, reference: Said) -> Agreement:
    """Return how far two models agree on the same pictures."""
    return Agreement(
        pictures=len(ours.probabilities),
        largest_probability_difference=_largest(ours.probabilities, reference.probabilities),
        largest_novelty_difference=_largest(ours.novelty, reference.novelty),
        decisions_changed=int((ours.decisions != reference.decisions).sum()),
        abstentions_changed=int(((ours.novelty > 1) != (reference.novelty > 1)).sum()),
    )


def _largest(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    return float(np.abs(left - right).max())


def _two_digits(value: float) -> float:
    return float(f"{value:.1e}")
