"""The cases of a validation, each with its truth and what the classifier said of it.

Nothing here names a patient: case ids are digests or pseudonyms, and so are clusters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from medclf.errors import EvaluationError
from medclf.evaluate.protocol import Task
from medclf.opinion import Status
from medclf.reasons import Reason

# Softmax in float32, stored as float32 and read back, is off by at most some 1e-6.
_SUM_TOLERANCE = 1e-5
T = TypeVar("T")


@dataclass(frozen=True, eq=False, slots=True)
class Cases:
    """What is being judged, one row a case.

    Attributes:
        case_ids: (n) digest or pseudonym.
        labels: (k) label space; two labels for a binary task.
        positive: the positive label of a binary task, None for several classes.
        truth: (n,) int64, index into `labels`, from the reference standard.
        probabilities: (n, k) float64, calibrated, in [0, 1], rows add up to 1; rows of cases
            without an opinion are never looked at (NaN by convention).
        decisions: (n, k) bool, for each label at its frozen operating point; in a binary
            task only the column of `positive` counts.
        statuses: (n) OK, ABSTAINED or REJECTED.
        reasons: (n) why there is no opinion; empty for OK.
        clusters: (n) cases of one cluster (patient) belong together; "" = a cluster of its own.
        subgroups: name → (n) values; "" = not stated.
        logits_uncalibrated: (n, k) float64 scores before calibration, None when unknown.
        thresholds: label → threshold of its operating point, for the report and to check
            `decisions`; may be empty.
        refused: reason code → files that never became a case, for the flow of cases.
        excluded: reason code → images left out beforehand, for the flow of cases.
        ordered: whether `labels` are grades, from the lowest to the highest.

    Raises:
        EvaluationError: lengths differ, a read case has a NaN or a probability outside
            [0, 1], a truth outside the label space, or decisions contradict the thresholds.
    """

    case_ids: tuple[str, ...]
    labels: tuple[str, ...]
    positive: str | None
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    decisions: npt.NDArray[np.bool_]
    statuses: tuple[Status, ...]
    reasons: tuple[tuple[Reason, ...], ...]
    clusters: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, ...]]
    logits_uncalibrated: npt.NDArray[np.float64] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    ordered: bool = False

    def __post_init__(self) -> None:
        _check_labels(self)
        _check_lengths(self)
        _check_values(self)
        _check_decisions(self)

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def read(self) -> npt.NDArray[np.bool_]:
        """(n,) bool, True where there is an opinion."""
        return np.array([status is Status.OK for status in self.statuses], dtype=np.bool_)

    @property
    def judged(self) -> tuple[int, ...]:
        """Columns of the labels that are decided on: one in a binary task, else all."""
        if self.positive is None:
            return tuple(range(len(self.labels)))
        return (self.labels.index(self.positive),)

    def take(self, rows: npt.NDArray[np.int64]) -> "Cases":
        """Return some of the cases, in the order asked for; refusals stay with the whole."""

        def pick(values: tuple[T, ...]) -> tuple[T, ...]:
            return tuple(values[row] for row in rows)

        logits = self.logits_uncalibrated
        return replace(
            self,
            case_ids=pick(self.case_ids),
            truth=self.truth[rows],
            probabilities=self.probabilities[rows],
            decisions=self.decisions[rows],
            statuses=pick(self.statuses),
            reasons=pick(self.reasons),
            clusters=pick(self.clusters),
            subgroups={name: pick(values) for name, values in self.subgroups.items()},
            logits_uncalibrated=None if logits is None else logits[rows],
        )


def task_of(cases: Cases) -> Task:
    """Return what was asked of the classifier."""
    if cases.positive is not None:
        return Task.BINARY
    return Task.ORDINAL if cases.ordered else Task.MULTICLASS


def count_reasons(reasons: Iterable[tuple[Reason, ...]]) -> dict[str, int]:
    """Count reason codes over cases, in the order of their codes."""
    counts = Counter(reason.value for several in reasons for reason in several)
    return dict(sorted(counts.items()))


def _check_labels(cases: Cases) -> None:
    labels = cases.labels
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise EvaluationError(
            f"A label space of {len(labels)} labels, {len(set(labels))} of them different, "
            "was given; two or more different ones are needed.",
            advice="Give every label once, the negative one too.",
            labels=labels,
        )
    if cases.positive is not None and (len(labels) != 2 or cases.positive not in labels):
        raise EvaluationError(
            f"The positive label {cases.positive!r} needs a label space of two that holds it; "
            f"found {labels}.",
            advice="Give the two labels, or positive=None for several classes.",
            labels=labels,
            positive=cases.positive,
        )


def _check_lengths(cases: Cases) -> None:
    n, k = len(cases.case_ids), len(cases.labels)
    logits = cases.logits_uncalibrated
    found = {
        "truth": (cases.truth.shape, (n,)),
        "probabilities": (cases.probabilities.shape, (n, k)),
        "decisions": (cases.decisions.shape, (n, k)),
        "statuses": ((len(cases.statuses),), (n,)),
        "reasons": ((len(cases.reasons),), (n,)),
        "clusters": ((len(cases.clusters),), (n,)),
        "logits_uncalibrated": ((n, k) if logits is None else logits.shape, (n, k)),
    } | {f"subgroup {name}": ((len(column),), (n,)) for name, column in cases.subgroups.items()}
    for name, (shape, wanted) in found.items():
        if shape != wanted:
            raise EvaluationError(
                f"{name} has the shape {shape}; {n} cases and {k} labels need {wanted}.",
                advice="Give every column for the same cases in the same order.",
                column=name,
                found=shape,
                expected=wanted,
            )


def _check_values(cases: Cases) -> None:
    k, read = len(cases.labels), cases.read
    if len(cases) and (cases.truth.min() < 0 or cases.truth.max() >= k):
        raise EvaluationError(
            f"truth holds indices outside 0 to {k - 1}.",
            advice="Give indices into the label space; leave out cases without a label.",
            labels=cases.labels,
        )
    scores = {"probabilities": cases.probabilities}
    if cases.logits_uncalibrated is not None:
        scores["logits_uncalibrated"] = cases.logits_uncalibrated
    for name, values in scores.items():
        bad = int(np.sum(~np.isfinite(values[read]).all(axis=1)))
        if bad:
            raise EvaluationError(
                f"{name} of {bad} cases with status OK are not finite numbers.",
                advice="A case whose scores are NaN has no opinion: its status is ABSTAINED.",
                column=name,
                cases=bad,
            )
    known = cases.probabilities[read]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise EvaluationError(
            f"Probabilities from {known.min():g} to {known.max():g} were found; "
            "they must lie in [0, 1].",
            advice="Give calibrated probabilities, not scores.",
        )
    off = float(np.abs(known.sum(axis=1) - 1).max()) if known.size else 0.0
    if off > _SUM_TOLERANCE:
        raise EvaluationError(
            f"Probabilities of one case add up to 1 ± {off:g}.",
            advice="Give one probability for every label, the negative one (1 - p) too.",
        )


def _check_decisions(cases: Cases) -> None:
    read = cases.read
    for label, threshold in cases.thresholds.items():
        if label not in cases.labels:
            raise EvaluationError(
                f"A threshold is given for {label!r}, which is not in the label space.",
                advice=f"Known labels: {', '.join(cases.labels)}.",
                label=label,
            )
        column = cases.labels.index(label)
        expected = cases.probabilities[read, column] >= threshold
        differing = int(np.sum(expected != cases.decisions[read, column]))
        if differing:
            raise EvaluationError(
                f"{differing} decisions on {label} contradict the threshold {threshold:g}.",
                advice="Judge the decisions that the package took, at its own threshold.",
                label=label,
                cases=differing,
            )
