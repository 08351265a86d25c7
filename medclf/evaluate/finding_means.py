"""Means over several findings, and average precision, resampled over the cases.

A case is drawn with all that is told of it, so that findings that occur together wander together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt

from medclf.evaluate.average_precision import average_precision
from medclf.evaluate.bootstrap import Resampling, clustered, draw, percentile, stratified
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.figures import Figure, is_clustered
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.protocol import Protocol
from medclf.evaluate.sums import AreaSums, DecisionSums

FloatArray = npt.NDArray[np.float64]
MEANS = ("auc", "average_precision", "sensitivity", "specificity")


def _resampling(cases: FindingCases, protocol: Protocol) -> Resampling:
    """Whole clusters where one holds two cases, else cases; truth is several, so no strata."""
    if protocol.clustering == "auto" and is_clustered(cases):
        return clustered(cases.clusters, resamples=protocol.resamples)
    rows = np.arange(len(cases), dtype=np.int64)
    return Resampling(rows, np.zeros_like(rows), "bootstrap", protocol.resamples)


class Means:
    """The mean over findings of each figure, with what resampling the cases makes of it.

    Args:
        cases: in their order.
        judged: finding → the cases that tell of it.
        protocol: clustering, resamples, seed, rule for cases without an opinion.
    """

    def __init__(
        self, cases: FindingCases, judged: Mapping[str, Cases], protocol: Protocol
    ) -> None:
        self._n = int(cases.read.sum())
        self._resampling = _resampling(cases, protocol)
        self._parts = [
            _Part.of(cases.told(name), part, wrong=protocol.unanswered == "count_as_wrong")
            for name, part in judged.items()
        ]
        generator = np.random.default_rng(protocol.seed)
        drawn = [self._values(weights) for weights in draw(self._resampling, generator)]
        self._replicates = {
            name: np.concatenate([values[name] for values in drawn]) for name in MEANS
        }
        self._points = self._values(np.ones((1, len(cases))))

    def _values(self, weights: FloatArray) -> dict[str, FloatArray]:
        found = [part.values(weights) for part in self._parts]
        return {name: np.stack([own[name] for own in found]).mean(axis=0) for name in MEANS}

    def figure(self, name: str, *, confidence: float) -> Estimate:
        """Return one of `MEANS` with its interval."""
        return percentile(
            self._replicates[name],
            point=float(self._points[name][0]),
            confidence=confidence,
            resampling=self._resampling,
            n=self._n,
            units=self._units(name),
            span=(0.0, 1.0),
        )

    def _units(self, name: str) -> int:
        """Return the fewest independent units that stand behind the figure of any finding."""
        unit = self._resampling.unit
        present = min(len(np.unique(unit[part.read[part.present]])) for part in self._parts)
        absent = min(len(np.unique(unit[part.read[~part.present]])) for part in self._parts)
        if name == "specificity":
            return absent
        return present if name == "sensitivity" else min(present, absent)


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """One finding's figures under weights of all cases.

    Attributes:
        read: rows of the whole that tell of it and have an opinion.
        decided: rows whose decisions count; those without an opinion as wrong ones.
    """

    read: npt.NDArray[np.int64]
    decided: npt.NDArray[np.int64]
    areas: AreaSums
    decisions: DecisionSums
    scores: FloatArray
    present: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: npt.NDArray[np.int64], cases: Cases, *, wrong: bool) -> Self:
        """Take the cases that tell of a finding, `rows` of the whole."""
        among = np.flatnonzero(cases.read).astype(np.int64)
        read = cases.take(among)
        counted = cases if wrong else read
        return cls(
            read=rows[among],
            decided=rows if wrong else rows[among],
            areas=AreaSums.of(read),
            decisions=DecisionSums.of(counted),
            scores=read.probabilities[:, 1],
            present=read.truth == 1,
        )

    def values(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Return (r,) of each figure, of weights (r, n) of all cases."""
        of_read, decisions = weights[:, self.read], self.decisions.values(weights[:, self.decided])
        return {
            "auc": self.areas.values(of_read)["auc", ""],
            "average_precision": average_precision(self.scores, self.present, of_read),
            "sensitivity": decisions["sensitivity", ""],
            "specificity": decisions["specificity", ""],
        }


def finding_precisions(judged: Mapping[str, Cases], protocol: Protocol) -> dict[str, Figure]:
    """Return the average precision of each finding, ready for any confidence."""
    figures: dict[str, Figure] = {}
    for number, (name, cases) in enumerate(judged.items()):
        read = cases.take(np.flatnonzero(cases.read).astype(np.int64))
        scores, present = read.probabilities[:, 1], read.truth == 1
        together = protocol.clustering == "auto" and is_clustered(read)
        resampling = (
            clustered(read.clusters, resamples=protocol.resamples)
            if together
            else stratified(read.truth, resamples=protocol.resamples)
        )
        generator = np.random.default_rng([protocol.seed, number])
        pieces = [average_precision(scores, present, w) for w in draw(resampling, generator)]
        figures[name] = partial(
            percentile,
            np.concatenate(pieces),
            point=float(average_precision(scores, present, np.ones((1, len(read))))[0]),
            resampling=resampling,
            n=len(read),
            units=len(np.unique(resampling.unit[present])),
            span=(0.0, 1.0),
        )
    return figures
