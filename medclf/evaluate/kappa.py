"""Agreement on ordered grades: Cohen's kappa with quadratic weights.

Sources: Cohen 1968, Psychological Bulletin 70:213; Fleiss & Cohen 1973, Educational and
Psychological Measurement 33:613.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def quadratic_kappa(matrix: FloatArray) -> FloatArray:
    """Return how far decided and true grades agree beyond chance, far misses counting most.

    Args:
        matrix: (..., k, k) float64 counts, row = truth, column = decided.

    Returns:
        (...) float64 in [-1, 1]; NaN where all cases share one grade, decided and true.

    >>> float(quadratic_kappa(np.array([[5.0, 0, 0], [0, 5, 0], [0, 0, 5]])))
    1.0
    """
    k = matrix.shape[-1]
    far = np.square(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    truth, decided = matrix.sum(axis=-1), matrix.sum(axis=-2)
    total = truth.sum(axis=-1)
    seen = (matrix * far).sum(axis=(-2, -1)) * total
    chance = np.einsum("...i,ij,...j->...", truth, far, decided)
    safe = np.where(chance > 0, chance, 1.0)
    return np.asarray(np.where(chance > 0, 1 - seen / safe, np.nan), dtype=np.float64)


@dataclass(frozen=True, eq=False, slots=True)
class GradeSums:
    """Grades of n cases, ready for any weights; `cells` is (n, k * k), one 1 a row."""

    cells: FloatArray
    classes: int

    @classmethod
    def of(cls, truth: IntArray, grades: IntArray, *, classes: int) -> Self:
        """Take true and decided grades, each (n,) int64 in [0, classes)."""
        cells = np.zeros((len(truth), classes * classes))
        cells[np.arange(len(truth)), truth * classes + grades] = 1.0
        return cls(cells, classes)

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return the kappa of each of (r, n) weightings, (r,) float64."""
        matrix = (weights @ self.cells).reshape(-1, self.classes, self.classes)
        return quadratic_kappa(matrix)
