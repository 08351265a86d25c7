"""How far luck alone carries a figure on the tune part."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from medclf.model.fit_config import Selection
from medclf.model.task import Task


@dataclass(frozen=True, slots=True)
class TuneError:
    """The standard error of a figure, from how many cases stand on either side.

    An AUC's is that of Hanley & McNeil 1982, Radiology 143:29, for exponential scores; an
    average precision's is the binomial one of Boyd, Eng & Page 2013, ECML PKDD 8190:451, which
    counts positives alone. Of a mean over labels it is the mean of theirs, as if they all went
    wrong together: too large rather than too small. Kappa has none that needs no table of
    grades; it gets that of an AUC of the same height on as many cases, half on either side.

    Attributes:
        selection: which figure.
        counts: positive and negative cases of each label that the figure is a mean over.
    """

    selection: Selection
    counts: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls, selection: Selection, truth: np.ndarray[Any, Any], *, classes: int, task: Task
    ) -> "TuneError":
        """Count the cases of a tune part.

        Args:
            selection: which figure chooses.
            truth: (n,) int64, or (n, findings) of 0, 1 and `UNKNOWN`.
            classes: labels, or findings.
            task: how the labels relate.
        """
        if selection is Selection.KAPPA:
            return cls(selection, ((len(truth) // 2, len(truth) - len(truth) // 2),))
        present = truth == 1 if task is Task.FINDINGS else truth[:, None] == np.arange(classes)
        absent = truth == 0 if task is Task.FINDINGS else ~present
        pairs = zip(present.sum(axis=0).tolist(), absent.sum(axis=0).tolist(), strict=True)
        return cls(selection, tuple(pair for pair in pairs if min(pair)))

    def at(self, figure: float) -> float:
        """Return the standard error of a figure of that height; 0 where nothing is counted.

        >>> round(TuneError(Selection.AUC, ((100, 100),)).at(0.9), 3)
        0.023
        >>> round(TuneError(Selection.AUC, ((5, 195),)).at(0.9), 3)
        0.093
        """
        height = min(max(figure, 0.0), 1.0)
        if not self.counts:
            return 0.0
        if self.selection is Selection.AVERAGE_PRECISION:
            errors = [math.sqrt(height * (1 - height) / max(hits, 1)) for hits, _ in self.counts]
        else:
            errors = [_of_area(height, *pair) for pair in self.counts]
        return sum(errors) / len(errors)


def _of_area(area: float, positive: int, negative: int) -> float:
    m, n = max(positive, 1), max(negative, 1)
    two_hits, two_misses = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area) + (m - 1) * (two_hits - area**2) + (n - 1) * (two_misses - area**2)
    ) / (m * n)
    return math.sqrt(max(variance, 0.0))
