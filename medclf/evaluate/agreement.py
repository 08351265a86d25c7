"""How well grades agree: quadratic kappa, which charges a grade by the square of its distance.

Source: Cohen 1968, Psychological Bulletin 70:213 (weighted kappa).
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def median_grade(probabilities: FloatArray) -> IntArray:
    """Return the lowest grade that is at least as probable to be reached as to be passed.

    The median is the grade of the least expected distance from the truth. Unlike the most
    probable grade it lies between two camps that are torn.

    Args:
        probabilities: (n, grades) float64 in [0, 1], rows add up to 1, the lowest grade first.

    Returns:
        (n,) int64.

    >>> median_grade(np.array([[0.45, 0.10, 0.45], [0.6, 0.3, 0.1]])).tolist()
    [1, 0]
    """
    passed = 1 - np.cumsum(probabilities, axis=1)[:, :-1]  # (n, grades - 1)
    return np.asarray((passed > 0.5).sum(axis=1), dtype=np.int64)


def agreement_cells(truth: IntArray, grades: IntArray, *, count: int) -> FloatArray:
    """Return (n, count * count) float64: a single 1 a row, in its cell of truth by grade.

    Weighted sums of the rows are confusion matrices, so that one table serves the figure and
    all of its resamples.
    """
    cells = np.zeros((len(truth), count * count))
    cells[np.arange(len(truth)), truth * count + grades] = 1.0
    return cells


def quadratic_kappa(matrix: FloatArray) -> FloatArray:
    """Return quadratic kappa of confusion matrices; NaN where chance alone explains all.

    Args:
        matrix: (..., grades, grades) float64, row = truth, column = grade given.

    Returns:
        (...) float64 in [-1, 1].

    >>> float(quadratic_kappa(np.array([[2.0, 0.0], [0.0, 2.0]])))
    1.0
    """
    grades = np.arange(matrix.shape[-1])
    cost = (grades[:, None] - grades[None, :]) ** 2
    total = matrix.sum(axis=(-2, -1))
    rows, columns = matrix.sum(axis=-1), matrix.sum(axis=-2)
    seen = (matrix * cost).sum(axis=(-2, -1)) * total
    by_chance = (rows[..., :, None] * columns[..., None, :] * cost).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - seen / np.where(by_chance > 0, by_chance, np.nan), dtype=np.float64)
