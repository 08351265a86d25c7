"""All figures of one set of cases, each ready to give its interval at any confidence.

Independent cases: Wilson for shares, DeLong for the AUC, stratified bootstrap for the rest.
Clustered cases: whole clusters are resampled for everything. Several classes: the mean over
labels of one-against-the-rest figures, by bootstrap; single labels as in a binary task.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from medclf.errors import EvaluationError
from medclf.evaluate.auc import delong
from medclf.evaluate.bootstrap import Resampling, cluster_index, clustered, draw, percentile
from medclf.evaluate.bootstrap import stratified as stratify
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.proportion import wilson
from medclf.evaluate.sums import (
    AreaSums,
    DecisionSums,
    Key,
    MatrixSums,
    ProbabilitySums,
    Values,
    decided,
)

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
# Called with `confidence=`, gives the figure with that interval.
Figure = Callable[..., Estimate]
Figures = Mapping[Key, Figure]

# Figures that follow the protocol's rule for abstentions and rejections.
DECISION_METRICS = frozenset(
    {"sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy"}
)


class _Sums(Protocol):
    def values(self, weights: FloatArray) -> Values: ...


def is_clustered(cases: Cases | FindingCases) -> bool:
    """Whether some cluster holds more than one case."""
    return len(set(cluster_index(cases.clusters).tolist())) < len(cases)


def require_classes(cases: Cases) -> None:
    """Refuse cases with an opinion among which a label is missing.

    Raises:
        EvaluationError: names the missing labels.
    """
    missing = missing_labels(cases)
    if missing:
        given = {label: int((cases.truth == cases.labels.index(label)).sum()) for label in missing}
        raise EvaluationError(
            f"No case with an opinion is truly {' or '.join(missing)} "
            f"(of {len(cases)} cases, {int(cases.read.sum())} have an opinion).",
            advice="Add such cases; without them there is neither an AUC nor a sensitivity.",
            missing=missing,
            given=given,
        )


def missing_labels(cases: Cases) -> tuple[str, ...]:
    """Return the labels that no case with an opinion truly has."""
    present = set(cases.truth[cases.read].tolist())
    return tuple(label for index, label in enumerate(cases.labels) if index not in present)


def answered_figures(
    cases: Cases,
    *,
    clustering: bool,
    resamples: int,
    generator: np.random.Generator,
    only: frozenset[str] | None = None,
) -> Figures:
    """Return all figures of cases that all have an opinion.

    Args:
        cases: each with status OK, each label present.
        clustering: resample whole clusters where one holds two cases.
        resamples: of the bootstrap.
        generator: of the bootstrap.
        only: the metrics wanted; None for all.
    """
    decisions = DecisionSums.of(cases)
    sums: list[_Sums] = [decisions, AreaSums.of(cases), MatrixSums.of(cases)]
    sums.append(ProbabilitySums.of(cases))
    closed: dict[Key, Figure] = {}
    together = clustering and is_clustered(cases)
    if not together:
        closed = dict(_shares(decisions))
        right = int((decided(cases) == cases.truth).sum())
        closed["accuracy", ""] = partial(wilson, right, len(cases))
        for index in cases.judged:
            area = partial(delong, cases.probabilities[:, index], cases.truth == index)
            closed["auc", cases.labels[index]] = area
            if cases.positive is not None:
                closed["auc", ""] = area
    resampling = _resampling(cases, together=together, resamples=resamples)
    basis = _Basis(decisions, cases, resampling)
    return _complete(closed, sums, basis, generator, only)


def intended_figures(
    cases: Cases,
    *,
    clustering: bool,
    resamples: int,
    generator: np.random.Generator,
    only: frozenset[str] | None = None,
) -> Figures:
    """Return the decision figures of all cases, those without an opinion decided wrongly.

    Args:
        cases: any status, each label present.
        clustering: resample whole clusters where one holds two cases.
        resamples: of the bootstrap.
        generator: of the bootstrap.
        only: the metrics wanted; None for all of `DECISION_METRICS`.
    """
    decisions = DecisionSums.of(cases)
    together = clustering and is_clustered(cases)
    closed = {} if together else dict(_shares(decisions))
    resampling = _resampling(cases, together=together, resamples=resamples)
    basis = _Basis(decisions, cases, resampling)
    wanted = DECISION_METRICS if only is None else only & DECISION_METRICS
    return _complete(closed, [decisions], basis, generator, wanted)


def _resampling(cases: Cases, *, together: bool, resamples: int) -> Resampling:
    if together:
        return clustered(cases.clusters, resamples=resamples)
    return stratify(cases.truth, resamples=resamples)


def _shares(decisions: DecisionSums) -> Figures:
    figures: dict[Key, Figure] = {}
    for column, label in enumerate(decisions.labels):
        actual, called = decisions.actual[:, column], decisions.called[:, column]
        parts = {
            "sensitivity": (called, actual),
            "specificity": (~called, ~actual),
            "ppv": (actual, called),
            "npv": (~actual, ~called),
            "prevalence": (actual, np.ones_like(actual)),
        }
        for metric, (hit, among) in parts.items():
            figure = partial(wilson, int((hit & among).sum()), int(among.sum()))
            figures[metric, label] = figure
            if len(decisions.labels) == 1:
                figures[metric, ""] = figure
    return figures


class _Basis:
    """The cases and the independent units that stand behind each figure."""

    def __init__(self, decisions: DecisionSums, cases: Cases, resampling: Resampling) -> None:
        self.resampling = resampling
        self._decisions = decisions
        self._all = np.ones(len(cases), dtype=np.bool_)
        classes = [self._units(cases.truth == index) for index in range(len(cases.labels))]
        # So many pairs of one unit from each of two classes can be had without overlap.
        self._pairs = min(*classes, max(1, resampling.units // 2))
        if resampling.units < 2:
            self._pairs = 1
        self._brier_span = (0.0, 1.0) if cases.positive is not None else (0.0, 2.0)

    def _units(self, mask: BoolArray) -> int:
        return len(np.unique(self.resampling.unit[mask]))

    def figure(self, key: Key, point: float, replicates: FloatArray) -> Figure:
        metric, label = key
        mask, units = self._all, self._pairs
        column = 0 if len(self._decisions.labels) == 1 else -1
        if label in self._decisions.labels:
            column = self._decisions.labels.index(label)
        if column >= 0 and metric in {"sensitivity", "specificity", "ppv", "npv"}:
            table = self._decisions.called if "pv" in metric else self._decisions.actual
            mask = table[:, column]
            mask = mask if metric in {"sensitivity", "ppv"} else ~mask
            units = self._units(mask)
        elif metric.startswith(("ece", "brier")) or metric in {"accuracy", "prevalence"}:
            units = self.resampling.units
        if self.resampling.units < 2:
            units = 1
        span = (-1.0, 1.0) if metric in {"mcc", "quadratic_kappa"} else (0.0, 1.0)
        return partial(
            percentile,
            replicates,
            point=point,
            resampling=self.resampling,
            n=int(mask.sum()),
            units=units,
            span=self._brier_span if metric.startswith("brier") else span,
        )


def _complete(
    closed: Mapping[Key, Figure],
    sums: Sequence[_Sums],
    basis: _Basis,
    generator: np.random.Generator,
    only: frozenset[str] | None,
) -> Figures:
    """Add to the closed forms what needs the bootstrap."""
    ones = np.ones((1, len(basis.resampling.unit)))
    points: dict[Key, float] = {}
    busy: list[_Sums] = []
    for part in sums:
        values = part.values(ones)
        wanted = {key: float(value[0]) for key, value in values.items() if key not in closed}
        wanted = {key: value for key, value in wanted.items() if only is None or key[0] in only}
        points |= wanted
        if wanted:
            busy.append(part)
    figures = {key: figure for key, figure in closed.items() if only is None or key[0] in only}
    if not points:
        return figures
    pieces: dict[Key, list[FloatArray]] = {key: [] for key in points}
    for weights in draw(basis.resampling, generator):
        for part in busy:
            for key, value in part.values(weights).items():
                if key in pieces:
                    pieces[key].append(value)
    for key, point in points.items():
        figures[key] = basis.figure(key, point, np.concatenate(pieces[key]))
    return figures
