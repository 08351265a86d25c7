"""Figures of one part of a cohort for the model card."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from medclf.calibrate.threshold import OperatingPoint
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.figures import answered_figures
from medclf.opinion import Status

_RESAMPLES = 2000  # as a protocol's default
_CONFIDENCE = 0.95


def figures_on_part(
    names: Sequence[str],
    probabilities: np.ndarray[Any, np.dtype[np.float64]],
    truth: np.ndarray[Any, np.dtype[np.int64]],
    points: Sequence[OperatingPoint],
    units: np.ndarray[Any, np.dtype[np.int64]],
    *,
    labels: tuple[str, ...],
    positive: str | None,
    ordered: bool = False,
) -> dict[str, Estimate]:
    """Return some figures of a part that was read whole, by the formulas of every report.

    Args:
        names: as `answered_figures` names those of all labels together.
        probabilities: (n, k) float64, calibrated, rows add up to 1.
        truth: (n,) int64, index into `labels`.
        points: of the labels that are decided on.
        units: (n,) int64; where one holds several cases, whole units give the intervals.
        labels: (k) label space, every one of which has a case.
        positive: the positive label of a binary task, None for several classes.
        ordered: whether `labels` are grades, from the lowest to the highest.

    Raises:
        EvaluationError: a label has no case, or a probability is not in [0, 1].
    """
    decisions = np.zeros(probabilities.shape, dtype=np.bool_)
    for point in points:
        column = labels.index(point.label)
        decisions[:, column] = probabilities[:, column] >= point.threshold
    cases = Cases(
        case_ids=tuple(map(str, range(len(truth)))),
        labels=labels,
        positive=positive,
        truth=truth,
        probabilities=probabilities,
        decisions=decisions,
        statuses=(Status.OK,) * len(truth),
        reasons=((),) * len(truth),
        clusters=tuple(map(str, units.tolist())),
        subgroups={},
        ordered=ordered,
    )
    figures = answered_figures(
        cases,
        clustering=True,
        resamples=_RESAMPLES,
        generator=np.random.default_rng(0),
        only=frozenset(names),
    )
    return {name: figures[name, ""](confidence=_CONFIDENCE) for name in names}
