"""What is summed over the cases, so that a figure and all of its resamples share one formula.

Each class here holds columns of n cases and turns weights (r, n) into values (r,): with all
weights 1 that is the figure itself, with drawn weights its bootstrap replicates. A key is
(metric, label), the label being "" for the figure over all labels.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from medclf.evaluate import classification
from medclf.evaluate.agreement import agreement_cells, median_grade, quadratic_kappa
from medclf.evaluate.auc import Ranking, rank, weighted_auc
from medclf.evaluate.cases import Cases
from medclf.evaluate.classification import Counts
from medclf.evaluate.reliability import bin_edges, gaps, squared_errors

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Key = tuple[str, str]
Values = dict[Key, FloatArray]

_OF_COUNTS = {
    "sensitivity": classification.sensitivity,
    "specificity": classification.specificity,
    "ppv": classification.ppv,
    "npv": classification.npv,
    "f1": classification.f1,
}


@dataclass(frozen=True, eq=False, slots=True)
class DecisionSums:
    """Decisions at the operating points, a column for each label that is decided on.

    Attributes:
        labels: (a) one in a binary task, else all.
        actual: (n, a) bool, the label is true.
        called: (n, a) bool, the label was decided positive.
        table: (n, 4 a) float64, 1 where the label is: true and called; true; called; true and
            the most probable one.
    """

    labels: tuple[str, ...]
    actual: BoolArray
    called: BoolArray
    table: FloatArray

    @classmethod
    def of(cls, cases: Cases) -> Self:
        """Take decisions from cases; one without an opinion counts as decided wrongly."""
        judged = list(cases.judged)
        read = cases.read[:, None]
        actual = cases.truth[:, None] == np.array(judged)[None, :]
        called = np.where(read, cases.decisions[:, judged], ~actual)
        best = most_probable(cases)[:, None] == np.array(judged)[None, :]
        columns = np.hstack([actual & called, actual, called, actual & best & read])
        labels = tuple(cases.labels[i] for i in judged)
        return cls(labels, actual, called, columns.astype(np.float64))

    def values(self, weights: FloatArray) -> Values:
        """Return sensitivity, specificity, ppv, npv, f1, prevalence, balanced_accuracy."""
        total = weights.sum(axis=1)[:, None]
        summed = weights @ self.table
        hit, actual, called, recalled = np.split(summed, 4, axis=1)
        counts = Counts(hit, called - hit, actual - hit, total - actual - called + hit)
        values: Values = {}
        for metric, formula in _OF_COUNTS.items():
            of_labels = formula(counts)
            values[metric, ""] = of_labels.mean(axis=1)
            for column, label in enumerate(self.labels):
                values[metric, label] = of_labels[:, column]
        prevalence = classification.share(actual, np.broadcast_to(total, actual.shape))
        for column, label in enumerate(self.labels):
            values["prevalence", label] = prevalence[:, column]
        if len(self.labels) == 1:
            values["prevalence", ""] = prevalence[:, 0]
            values["balanced_accuracy", ""] = classification.balanced_accuracy(counts)[:, 0]
        else:
            values["balanced_accuracy", ""] = classification.share(recalled, actual).mean(axis=1)
        return values


@dataclass(frozen=True, eq=False, slots=True)
class MatrixSums:
    """The confusion matrix of cases with an opinion; `cells` is (n, k * k), one 1 a row."""

    cells: FloatArray
    classes: int
    ordered: bool = False

    @classmethod
    def of(cls, cases: Cases) -> Self:
        """Take truth and decided label from cases that were all read."""
        k = len(cases.labels)
        return cls(agreement_cells(cases.truth, decided(cases), count=k), k, cases.ordered)

    def values(self, weights: FloatArray) -> Values:
        """Return accuracy, mcc and, of grades, quadratic_kappa."""
        matrix = (weights @ self.cells).reshape(-1, self.classes, self.classes)
        right, total = np.trace(matrix, axis1=1, axis2=2), matrix.sum(axis=(1, 2))
        values = {
            ("accuracy", ""): classification.accuracy(right, total),
            ("mcc", ""): classification.mcc(matrix),
        }
        if self.ordered:
            values["quadratic_kappa", ""] = quadratic_kappa(matrix)
        return values


@dataclass(frozen=True, eq=False, slots=True)
class ProbabilitySums:
    """Errors of probability; each table is (n, bins) from `reliability.gaps`."""

    gaps: dict[str, FloatArray]
    squares: dict[str, FloatArray]

    @classmethod
    def of(cls, cases: Cases) -> Self:
        """Take probabilities from cases that were all read."""
        positive = cases.judged[0] if cases.positive is not None else None
        belief, outcome = believed(cases.probabilities, cases)
        tables = {
            "ece": gaps(belief, outcome, bin_edges(belief)),
            "ece_adaptive": gaps(belief, outcome, bin_edges(belief, kind="count")),
        }
        squares = {"brier": squared_errors(cases.probabilities, cases.truth, positive=positive)}
        if (raw := uncalibrated(cases)) is not None:
            belief, outcome = believed(raw, cases)
            tables["ece_uncalibrated"] = gaps(belief, outcome, bin_edges(belief))
            squares["brier_uncalibrated"] = squared_errors(raw, cases.truth, positive=positive)
        return cls(tables, squares)

    def values(self, weights: FloatArray) -> Values:
        """Return ece, ece_adaptive, brier and, where known, the same before calibration."""
        total = weights.sum(axis=1)
        values = {
            (metric, ""): np.abs(weights @ table).sum(axis=1) / total
            for metric, table in self.gaps.items()
        }
        return values | {
            (metric, ""): weights @ column / total for metric, column in self.squares.items()
        }


@dataclass(frozen=True, eq=False, slots=True)
class AreaSums:
    """The ROC curve of each label, sorted once."""

    rankings: dict[str, Ranking]

    @classmethod
    def of(cls, cases: Cases) -> Self:
        """Take scores from cases that were all read, each label present and absent."""
        return cls(
            {
                cases.labels[i]: rank(cases.probabilities[:, i], cases.truth == i)
                for i in cases.judged
            }
        )

    def values(self, weights: FloatArray) -> Values:
        """Return the auc of each label and their mean."""
        areas = {label: weighted_auc(ranking, weights) for label, ranking in self.rankings.items()}
        mean = np.stack(list(areas.values())).mean(axis=0)
        return {("auc", ""): mean} | {("auc", label): area for label, area in areas.items()}


def most_probable(cases: Cases) -> npt.NDArray[np.int64]:
    """Return (n,) int64, the most probable label of each case; 0 for one that was not read."""
    known = np.where(cases.read[:, None], cases.probabilities, 0.0)
    return np.asarray(known.argmax(axis=1), dtype=np.int64)


def decided(cases: Cases) -> npt.NDArray[np.int64]:
    """Return (n,) int64: the label that each case is given.

    Binary: at the operating point. Grades: the median of their distribution; 0 for a case
    that was not read. Else the most probable label.
    """
    if cases.ordered:
        return median_grade(np.where(cases.read[:, None], cases.probabilities, 1.0))
    if cases.positive is None:
        return most_probable(cases)
    positive = cases.judged[0]
    called = cases.decisions[:, positive]
    return np.asarray(np.where(called, positive, 1 - positive), dtype=np.int64)


def believed(probabilities: FloatArray, cases: Cases) -> tuple[FloatArray, BoolArray]:
    """Return what the calibration error looks at: (n,) probability and (n,) whether it came true.

    That is the positive label in a binary task, else the most probable one.
    """
    if cases.positive is not None:
        positive = cases.judged[0]
        return probabilities[:, positive], cases.truth == positive
    top = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(top)), top], cases.truth == top


def uncalibrated(cases: Cases) -> FloatArray | None:
    """Return (n, k) probabilities as they were before temperature scaling, if known."""
    if cases.logits_uncalibrated is None:
        return None
    return np.asarray(softmax(cases.logits_uncalibrated, axis=1), dtype=np.float64)
