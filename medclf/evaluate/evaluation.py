"""What a validation found, as frozen values: the one thing the report is written from.

Every figure is an `Estimate`, which cannot exist without its interval, its method and
the number of cases behind it. A figure that these cases cannot give (a PPV when no case
was called positive) has `estimate` NaN and the widest possible interval, and a note
says so; in JSON it is null.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from medclf.evaluate.protocol import Direction, Protocol, Task


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure with its interval.

    Attributes:
        estimate: the figure; NaN when these cases cannot give it.
        low: lower end of the two-sided interval.
        high: upper end of the two-sided interval.
        method: how the interval was computed, for example `Wilson 95 %`.
        n: cases behind the figure (the denominator, for a proportion).
    """

    estimate: float
    low: float
    high: float
    method: str
    n: int

    @property
    def defined(self) -> bool:
        """Whether these cases can give the figure at all."""
        return not math.isnan(self.estimate)


class Outcome(StrEnum):
    """What the interval says of the bound."""

    MET = "met"
    NOT_MET = "not met"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One endpoint of the protocol held against its bound.

    Attributes:
        endpoint: name of the metric, a key of `Evaluation.metrics`.
        label: the label it was taken for; empty for the figure over all labels.
        direction: whether the figure has to lie above or below the bound.
        bound: fixed in the protocol.
        confidence: of the interval, in (0, 1).
        estimate: the figure, at that confidence.
        verdict: met when the whole interval lies on the right side, not met when it lies
            on the wrong one, inconclusive otherwise.
    """

    endpoint: str
    label: str
    direction: Direction
    bound: float
    confidence: float
    estimate: Estimate
    verdict: Outcome


@dataclass(frozen=True, slots=True)
class Flow:
    """Where every case went, as STARD 2015 item 19 asks.

    Attributes:
        given: all that was handed in; the sum of the five below.
        refused: files that were no acceptable image.
        excluded: images left out of the cases beforehand, such as those without a label.
        rejected: cases that the classifier may not read (`REJECTED`).
        abstained: cases that the classifier would not judge (`ABSTAINED`).
        read: cases with an opinion.
        reasons: for `refused`, `excluded`, `rejected` and `abstained`: reason code → count.
            A case may have several reasons, so these may add up to more than the count.
    """

    given: int
    refused: int
    excluded: int
    rejected: int
    abstained: int
    read: int
    reasons: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class OperatingResult:
    """How one frozen operating point did.

    Attributes:
        name: of the operating point, from the protocol.
        label: the label it decides on.
        threshold: in [0, 1]; None when the cases do not tell it.
        sensitivity: on the cases with an opinion.
        specificity: on the cases with an opinion.
        true_positives: cases.
        false_positives: cases.
        true_negatives: cases.
        false_negatives: cases.
    """

    name: str
    label: str
    threshold: float | None
    sensitivity: Estimate
    specificity: Estimate
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Corner points of the ROC curve from (0, 0) to (1, 1).

    `threshold[i]` calls a case positive at a probability of at least itself; the first
    is infinite (nothing is positive; null in JSON).
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    threshold: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PrecisionRecallCurve:
    """Precision (PPV) over recall (sensitivity), by falling threshold."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    threshold: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predicted against observed in one slice of probability.

    Attributes:
        lower: edge, in [0, 1].
        upper: edge, in [0, 1].
        count: cases in the slice, at least one: empty slices are left out.
        mean_probability: predicted, in [0, 1].
        observed: share of them that is truly positive.
        low: lower end of the Wilson 95 % interval of `observed`.
        high: upper end.
    """

    lower: float
    upper: float
    count: int
    mean_probability: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the probability of one label is spread, for each true label.

    Attributes:
        edges: (bins + 1,) ascending from 0 to 1.
        counts: true label → (bins,) cases.
    """

    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of one label against all others."""

    label: str
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    reliability: tuple[ReliabilityBin, ...]
    histogram: Histogram


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """The main figures of one part of the cases.

    Attributes:
        name: what divides, for example `sex`.
        value: which part, for example `F`; `not stated` where the record is silent.
        n: cases with an opinion.
        n_positive: truly positive among them; None in a task of several classes.
        auc: None when there are too few cases; macro mean for several classes.
        sensitivity: as `auc`.
        specificity: as `auc`.
        note: why figures are missing, or empty.
    """

    name: str
    value: str
    n: int
    n_positive: int | None
    auc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a validation found.

    Attributes:
        task: binary, multiclass, ordinal or findings.
        labels: the label space, in the order of `confusion`; of several findings those.
        positive: the positive label of a binary task, else None.
        protocol: what was fixed beforehand.
        protocol_digest: names that protocol by its content.
        confidence: of the intervals in `metrics`, `per_label` and `subgroups`.
        flow: where every case went.
        metrics: always auc, sensitivity, specificity, ppv, npv, f1, balanced_accuracy, ece
            and brier; then mcc, accuracy, ece_adaptive, coverage, sensitivity_answered,
            specificity_answered, sensitivity_worst_case, specificity_worst_case, for a
            binary task prevalence, and where scores before calibration are known
            ece_uncalibrated and brier_uncalibrated; of grades quadratic_kappa. Of several
            findings the means over them of auc, average_precision, sensitivity and
            specificity, and coverage.
        per_label: label → auc, sensitivity, specificity, ppv, npv, f1, prevalence against
            all other labels (only the positive one in a binary task). Of a finding against
            its absence, on the cases that tell of it; with average_precision, ece and brier.
        confusion: (k, k) cases with an opinion, row = truth, column = decided. Binary: at the
            operating point; grades: the median; several classes: the most probable label.
            Empty for several findings: see `operating_points`.
        operating_points: one for each label that is decided on.
        curves: one for each of those labels.
        reliability: what `ece` is computed from (probability of the positive label; for
            several classes the probability of the most probable one). Empty for several
            findings: see `curves`.
        reliability_uncalibrated: the same before calibration; empty when unknown.
        subgroups: in the order of the protocol; empty when none was asked for.
        verdicts: one for each endpoint of the protocol, in its order.
        notes: gaps and warnings in plain words.
    """

    task: Task
    labels: tuple[str, ...]
    positive: str | None
    protocol: Protocol
    protocol_digest: str
    confidence: float
    flow: Flow
    metrics: Mapping[str, Estimate]
    per_label: Mapping[str, Mapping[str, Estimate]]
    confusion: tuple[tuple[int, ...], ...]
    operating_points: tuple[OperatingResult, ...]
    curves: tuple[Curves, ...]
    reliability: tuple[ReliabilityBin, ...]
    reliability_uncalibrated: tuple[ReliabilityBin, ...] = ()
    subgroups: tuple[SubgroupRow, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return plain values, the same for the same evaluation; NaN and infinity are null."""
        plain = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        plain["protocol"] = self.protocol.model_dump(mode="json")
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    return value
