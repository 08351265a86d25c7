"""The cases of a validation of several findings, some of which are not told of some cases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from medclf.errors import EvaluationError
from medclf.evaluate.cases import Cases
from medclf.opinion import Status
from medclf.reasons import Reason


@dataclass(frozen=True, eq=False, slots=True)
class FindingCases:
    """What is being judged, one row a case and one column a finding.

    Attributes:
        case_ids: (n) digest or pseudonym.
        findings: (f) their names.
        truth: (n, f) int64: 1 present, 0 absent; any other number where it is not told, or
            not for sure.
        probabilities: (n, f) float64, calibrated; NaN for a case without an opinion.
        decisions: (n, f) bool, at the frozen operating points.
        scores: (n, f) float64 before calibration; NaN for a case without an opinion.
        statuses: (n) OK, ABSTAINED or REJECTED.
        reasons: (n) why there is no opinion.
        clusters: (n) cases of one cluster (patient) belong together; "" = its own.
        subgroups: name → (n) values.
        thresholds: finding → threshold.
        refused: reason code → files that never became a case.
        excluded: reason code → images left out beforehand.

    Raises:
        EvaluationError: there is no finding, one is named twice, or lengths differ.
    """

    case_ids: tuple[str, ...]
    findings: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    decisions: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    statuses: tuple[Status, ...]
    reasons: tuple[tuple[Reason, ...], ...]
    clusters: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, ...]]
    thresholds: Mapping[str, float]
    refused: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.case_ids), len(self.findings))
        tables = (self.truth, self.probabilities, self.decisions, self.scores)
        named = 0 < len(self.findings) == len(set(self.findings))
        if not named or any(table.shape != shape for table in tables):
            raise EvaluationError(
                f"{shape[1]} findings of {shape[0]} cases were given, with tables of "
                f"{', '.join(str(table.shape) for table in tables)}.",
                advice="Give each finding once, and a row for each case in every table.",
                findings=self.findings,
            )

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def read(self) -> npt.NDArray[np.bool_]:
        """(n,) bool, True where there is an opinion."""
        return np.array([status is Status.OK for status in self.statuses], dtype=np.bool_)

    def told(self, finding: str) -> npt.NDArray[np.int64]:
        """Return the rows that tell of a finding, for sure, that it is present or absent."""
        own = self.truth[:, self.findings.index(finding)]
        return np.flatnonzero((own == 0) | (own == 1)).astype(np.int64)

    def of(self, finding: str) -> Cases:
        """Return the cases that tell of a finding, as those of a binary task.

        What never became a case stays with the whole.
        """
        rows, column = self.told(finding), self.findings.index(finding)
        probability, score = self.probabilities[rows, column], self.scores[rows, column]
        called = self.decisions[rows, column]
        return Cases(
            case_ids=tuple(self.case_ids[row] for row in rows),
            labels=(absence_of(finding), finding),
            positive=finding,
            truth=self.truth[rows, column],
            probabilities=np.stack([1 - probability, probability], axis=1),
            decisions=np.stack([~called, called], axis=1),
            statuses=tuple(self.statuses[row] for row in rows),
            reasons=tuple(self.reasons[row] for row in rows),
            clusters=tuple(self.clusters[row] for row in rows),
            subgroups={
                name: tuple(values[row] for row in rows) for name, values in self.subgroups.items()
            },
            logits_uncalibrated=np.stack([np.zeros_like(score), score], axis=1),
            thresholds={finding: self.thresholds[finding]},
        )


def absence_of(finding: str) -> str:
    """Return the label of a case that is told not to have a finding."""
    return f"no {finding}"
