"""Several readers of the same cases: the figure of each, and how far the first one is ahead."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medclf.errors import EvaluationError
from medclf.evaluate.agreement import agreement_cells, quadratic_kappa
from medclf.evaluate.auc import delong, rank, weighted_auc
from medclf.evaluate.bootstrap import (
    Resampling,
    cluster_index,
    clustered,
    draw,
    percentile,
    stratified,
)
from medclf.evaluate.compare import Difference, bootstrap_difference, delong_difference
from medclf.evaluate.evaluation import Estimate

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_Figure = Callable[[FloatArray], FloatArray]
"""Weights (r, n) → (r,) values."""


@dataclass(frozen=True, eq=False, slots=True)
class Reader:
    """What one reader says of n cases.

    Attributes:
        name: such as `network`.
        scores: (n, k) float64, for each label the higher the likelier.
        grades: (n,) int64, the grade that it decides on; None where labels have no order.
    """

    name: str
    scores: FloatArray
    grades: IntArray | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of one reader.

    Attributes:
        reader: its name.
        metric: `auc`, the mean over labels for more than two; or
            `quadratic_kappa`.
        label: that `auc` is of, against all others; empty for the figure over all labels.
        figure: with its interval.
        ahead: the first reader's figure less this one; None for the first reader itself.
    """

    reader: str
    metric: str
    label: str
    figure: Estimate
    ahead: Difference | None


def compare_readers(
    readers: tuple[Reader, ...],
    truth: IntArray,
    *,
    labels: tuple[str, ...],
    positive: str | None,
    clusters: tuple[str, ...],
    generator: np.random.Generator,
    folds: IntArray | None = None,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[Compared, ...]:
    """Return the figures of all readers, those over all labels first, the first reader on top.

    Independent cases: AUC of one label by DeLong, difference by his paired test. Clusters of
    several cases, means over labels and kappa: the bootstrap, the same resamples for everyone.
    With folds, an AUC is the mean over them, of cases among their own (LeDell, Petersen & van der
    Laan 2015, Electronic Journal of Statistics 9:1583), and always bootstrapped.

    Args:
        readers: the first one is held against each of the others.
        truth: (n,) int64, index into `labels`.
        labels: k of them.
        positive: the finding of two labels; None for more.
        clusters: (n) cases of one cluster (patient) belong together; "" = of its own.
        generator: of the bootstrap.
        folds: (n,) int64, by which network of each reader a case was read; None for one network.
        resamples: of the bootstrap.
        confidence: of all intervals.

    Raises:
        EvaluationError: a label is missing, a score is not finite, or lengths differ.
    """
    _check(readers, truth, labels, clusters)
    apart = np.zeros_like(truth) if folds is None else np.unique(folds, return_inverse=True)[1]
    tied = len(set(cluster_index(clusters).tolist())) < len(truth)
    strata = truth + len(labels) * apart  # a class goes missing in no fold
    resampling = (
        clustered(clusters, resamples=resamples)
        if tied
        else stratified(strata, resamples=resamples)
    )
    judged = range(len(labels)) if positive is None else [labels.index(positive)]
    single = {labels[k] if positive is None else "": k for k in judged}
    figures: dict[tuple[str, str], list[_Figure]] = {}
    if any(reader.grades is not None for reader in readers):
        figures["quadratic_kappa", ""] = [_kappa(reader, truth, len(labels)) for reader in readers]
    if positive is None:
        columns = range(len(labels))
        figures["auc", ""] = [_mean_area(reader, truth, columns, apart) for reader in readers]
    by_delong = not tied and folds is None
    if not by_delong:
        for label, k in single.items():
            figures["auc", label] = [_mean_area(reader, truth, [k], apart) for reader in readers]
    found = _bootstrapped(readers, figures, truth, resampling, generator, confidence)
    if by_delong:
        for label, k in single.items():
            found += _by_delong(readers, truth == k, k, label, confidence)
    return tuple(sorted(found, key=lambda one: bool(one.label)))


def _by_delong(
    readers: tuple[Reader, ...],
    truth: npt.NDArray[np.bool_],
    k: int,
    label: str,
    confidence: float,
) -> list[Compared]:
    first = readers[0].scores[:, k]
    found = []
    for number, reader in enumerate(readers):
        column = reader.scores[:, k]
        ahead = delong_difference(first, column, truth, confidence=confidence) if number else None
        figure = delong(column, truth, confidence=confidence)
        found.append(Compared(reader.name, "auc", label, figure, ahead))
    return found


def _bootstrapped(
    readers: tuple[Reader, ...],
    figures: Mapping[tuple[str, str], list[_Figure]],
    truth: IntArray,
    resampling: Resampling,
    generator: np.random.Generator,
    confidence: float,
) -> list[Compared]:
    """Compute all figures on the same resamples."""
    if not figures:
        return []
    pieces: dict[tuple[tuple[str, str], int], list[FloatArray]] = {}
    for weights in draw(resampling, generator):
        for key, several in figures.items():
            for number, figure in enumerate(several):
                pieces.setdefault((key, number), []).append(figure(weights))
    ones = np.ones((1, len(truth)))
    # So many pairs of one unit from each of two classes can be had without overlap.
    units = min(len(np.unique(resampling.unit[truth == k])) for k in range(int(truth.max()) + 1))
    found = []
    for (metric, label), several in figures.items():
        estimates, replicates = [], []
        for number, figure in enumerate(several):
            replicates.append(np.concatenate(pieces[(metric, label), number]))
            estimates.append(
                percentile(
                    replicates[-1],
                    point=float(figure(ones)[0]),
                    confidence=confidence,
                    resampling=resampling,
                    n=len(truth),
                    units=units,
                    span=(-1.0, 1.0) if metric == "quadratic_kappa" else (0.0, 1.0),
                )
            )
        for number, reader in enumerate(readers):
            ahead = None
            if number:
                ahead = bootstrap_difference(
                    estimates[0],
                    estimates[number],
                    (replicates[0], replicates[number]),
                    resampling=resampling,
                    confidence=confidence,
                )
            found.append(Compared(reader.name, metric, label, estimates[number], ahead))
    return found


def _mean_area(
    reader: Reader, truth: IntArray, columns: Iterable[int], folds: npt.NDArray[np.integer]
) -> _Figure:
    """Return the mean AUC over labels and folds, each case ranked among those of its fold."""
    several = [np.flatnonzero(folds == number) for number in np.unique(folds)]
    ranked = [
        (rows, rank(reader.scores[rows, k], truth[rows] == k)) for rows in several for k in columns
    ]

    def mean(weights: FloatArray) -> FloatArray:
        areas = [weighted_auc(ranking, weights[:, rows]) for rows, ranking in ranked]
        return np.asarray(np.mean(areas, axis=0), dtype=np.float64)

    return mean


def _kappa(reader: Reader, truth: IntArray, classes: int) -> _Figure:
    if reader.grades is None:
        raise EvaluationError(
            f"The reader {reader.name} decides on no grades, where others do.",
            advice="Give the grades of every reader, or of none.",
            reader=reader.name,
        )
    cells = agreement_cells(truth, reader.grades, count=classes)
    return lambda weights: quadratic_kappa((weights @ cells).reshape(-1, classes, classes))


def _check(
    readers: tuple[Reader, ...],
    truth: IntArray,
    labels: tuple[str, ...],
    clusters: tuple[str, ...],
) -> None:
    names = [reader.name for reader in readers]
    if not names or len(set(names)) < len(names):
        raise EvaluationError(
            f"{len(names)} readers with {len(set(names))} different names were given.",
            advice="Name each reader once, and give at least one.",
        )
    wanted = (len(truth), len(labels))
    for reader in readers:
        if reader.scores.shape != wanted or len(clusters) != len(truth):
            raise EvaluationError(
                f"The scores of {reader.name} have the shape {reader.scores.shape}, with "
                f"{len(clusters)} clusters; {len(truth)} cases and {len(labels)} labels need "
                f"{wanted}.",
                advice="Give every reader's scores, and clusters, for the same cases.",
                reader=reader.name,
            )
    missing = [label for k, label in enumerate(labels) if not (truth == k).any()]
    if missing:
        raise EvaluationError(
            f"No case is truly {' or '.join(missing)} (of {len(truth)} cases).",
            advice="Add such cases; without them there is no AUC.",
            missing=missing,
        )
