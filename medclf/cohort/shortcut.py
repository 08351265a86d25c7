"""The shortcut audit: can the label be told without looking at what is in the picture?

If site, device, size, file format or brightness alone predict the label, a network will
find that out too, and its figures then say how well it knows the hospital. Each shortcut
is judged by predictions across folds in which no patient lies on both sides, so that it
measures the cohort and not the memory of the classifier.

A high figure is a reason to look, not a proof of a fault: a consolidated lung is brighter,
and a tumour takes more stain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from medclf.cohort.assign import assign, deal_order
from medclf.cohort.copies import Pictures
from medclf.cohort.exposure import statistics_of
from medclf.cohort.finding_truth import finding_truth
from medclf.cohort.manifest import Manifest
from medclf.errors import EvaluationError
from medclf.evaluate.auc import rank, weighted_auc
from medclf.evaluate.bootstrap import Resampling, draw, percentile
from medclf.evaluate.evaluation import Estimate
from medclf.model.part import UNKNOWN
from medclf.pixels.transforms.resample import as_uint8

FOLDS = 5
_RESAMPLES = 500  # of units; an interval to judge a warning by needs no more
_STRONG, _SOME = 0.75, 0.6  # lower ends of the interval from which a shortcut is called so
_TREES = 60  # of depth 3: enough for two dozen numbers
_LINEAR, _TREE = "logistic regression", "gradient boosted trees"


class Level(StrEnum):
    """How much of the label a shortcut tells, by the lower end of its interval."""

    NONE = "none"
    SOME = "some"
    STRONG = "strong"


@dataclass(frozen=True)
class Shortcut:
    """What one kind of fact tells about the label.

    Attributes:
        name: `site`, `device`, `format`, `size`, `intensity`, `colour` or `all`.
        numbers: how many numbers the classifier was given.
        method: the classifier.
        auc: of its cross-validated scores; the mean over labels for more than two. None
            when it could not be judged.
        note: why it could not.
        finding: which of several findings it tells; "" for the label.
    """

    name: str
    numbers: int
    method: str
    auc: Estimate | None = None
    note: str = ""
    finding: str = ""

    @property
    def level(self) -> Level:
        """How much of the label it tells."""
        low = 0.0 if self.auc is None else self.auc.low
        return Level.STRONG if low >= _STRONG else Level.SOME if low >= _SOME else Level.NONE

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "finding": self.finding,
            "method": self.method,
            "numbers": self.numbers,
            "auc": None if self.auc is None else round(self.auc.estimate, 4),
            "low": None if self.auc is None else round(self.auc.low, 4),
            "high": None if self.auc is None else round(self.auc.high, 4),
            "n": 0 if self.auc is None else self.auc.n,
            "level": self.level.value,
            "note": self.note,
        }


def audit_shortcuts(
    manifest: Manifest,
    pictures: Pictures,
    *,
    units: NDArray[np.int64],
    rows: Sequence[int] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Shortcut, ...]:
    """Judge every shortcut that the cohort offers.

    Several findings are judged one by one, on the rows that tell of each for sure.

    Args:
        manifest: of the cases.
        pictures: prepared, row for row the manifest's.
        units: (n,) int64, rows that must not be parted.
        rows: to look at, such as all but the sealed test part; every row when None.
        seed: of folds and resamples.
        progress: told after each picture.
    """
    chosen = np.arange(len(manifest)) if rows is None else np.asarray(rows, dtype=np.int64)
    found = []
    for done, row in enumerate(chosen.tolist(), start=1):
        found.append(statistics_of(as_uint8(pictures[row])))
        progress(done, len(chosen))
    colour = np.asarray(pictures[int(chosen[0])]).ndim == 3
    looks = _Looks("colour" if colour else "intensity", np.array(found))
    if not manifest.findings:
        labels = np.array(manifest.column("label"))[chosen]
        return _judge_all(manifest, chosen, labels, units, looks, seed)
    truth = finding_truth(manifest)[chosen]
    judged: list[Shortcut] = []
    for place, name in enumerate(manifest.findings):
        told = np.flatnonzero(truth[:, place] != UNKNOWN)
        own = replace(looks, numbers=looks.numbers[told])
        of_finding = _judge_all(manifest, chosen[told], truth[told, place], units, own, seed)
        judged += [replace(one, finding=name) for one in of_finding]
    return tuple(judged)


def _judge_all(
    manifest: Manifest,
    rows: NDArray[np.int64],
    labels: NDArray[Any],
    units: NDArray[np.int64],
    looks: "_Looks",
    seed: int,
) -> tuple[Shortcut, ...]:
    """Judge each shortcut to the labels (m,) of some rows (m,)."""
    classes, truth = np.unique(labels, return_inverse=True)
    _, own = np.unique(units[rows], return_inverse=True)
    folds = _folds(truth, own, len(classes), seed) if len(rows) else None
    judge = _Judge(truth, own, len(classes), folds, seed)
    chosen = rows.tolist()
    size = _size(manifest, chosen)
    tables = {name: _one_hot(manifest, name, chosen) for name in ("site", "device", "format")}
    every = np.hstack([*tables.values(), size, looks.numbers])
    judged = (
        *(judge.of(name, table, _LINEAR) for name, table in tables.items()),
        judge.of("size", size, _TREE),
        judge.of(looks.name, looks.numbers, _LINEAR),
        judge.of(looks.name, looks.numbers, _TREE),
    )
    telling = [found for found in judged if found.auc is not None]
    if len({found.name for found in telling}) < 2:  # all together is then one of them again
        return judged
    return (*judged, judge.of("all", every, _TREE))


def warnings_of(shortcuts: Sequence[Shortcut]) -> tuple[str, ...]:
    """Return a sentence for each shortcut that tells much of the label, by its worse method."""
    worst: dict[tuple[str, str], Shortcut] = {}
    for found in shortcuts:
        if found.auc is None or found.level is Level.NONE or found.name == "all":
            continue
        held = worst.get((found.finding, found.name))
        if held is None or held.auc is None or found.auc.estimate > held.auc.estimate:
            worst[found.finding, found.name] = found
    return tuple(
        f"{found.name.capitalize()} alone predicts {found.finding or 'the label'} with AUC "
        f"{found.auc.estimate:.3f} ({found.auc.low:.3f} to {found.auc.high:.3f}, {found.method}): "
        "a model may learn it instead of the finding."
        for found in worst.values()
        if found.auc is not None
    )


@dataclass(frozen=True, eq=False)
class _Looks:
    """How bright or how coloured the pictures are: `numbers` (m, 22)."""

    name: str
    numbers: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Judge:
    truth: NDArray[np.int64]
    units: NDArray[np.int64]
    classes: int
    folds: NDArray[np.int64] | None
    seed: int

    def of(self, name: str, table: NDArray[np.float64], method: str) -> Shortcut:
        numbers = table.shape[1]
        if self.folds is None:
            return Shortcut(name, numbers, method, note="too few patients of some label")
        if not numbers or (table == table[0]).all():
            return Shortcut(name, numbers, method, note="the same or unknown for all images")
        scores = np.zeros((len(table), self.classes))
        for fold in range(FOLDS):
            tested = self.folds == fold
            with threadpool_limits(1, "openmp"):  # idle threads of small fits wait for each other
                model = _model(method, self.seed).fit(table[~tested], self.truth[~tested])
                scores[tested] = model.predict_proba(table[tested])
        try:
            return Shortcut(name, numbers, method, auc=self._auc(scores))
        except EvaluationError as error:
            return Shortcut(name, numbers, method, note=error.message)

    def _auc(self, scores: NDArray[np.float64]) -> Estimate:
        """Return the AUC, over labels the mean of each against the rest, units resampled whole."""
        judged = [1] if self.classes == 2 else list(range(self.classes))
        rankings = [rank(scores[:, k], self.truth == k) for k in judged]
        ones = np.ones((1, len(scores)))
        point = float(np.mean([weighted_auc(ranking, ones)[0] for ranking in rankings]))
        stratum = np.zeros(int(self.units.max()) + 1, dtype=np.int64)
        stratum[self.units] = self.truth  # a unit of several labels counts by its last row
        _, stratum = np.unique(stratum, return_inverse=True)
        resampling = Resampling(
            self.units, stratum.astype(np.int64), "stratified bootstrap of units", _RESAMPLES
        )
        replicates = np.concatenate(
            [
                np.mean([weighted_auc(ranking, weights) for ranking in rankings], axis=0)
                for weights in draw(resampling, np.random.default_rng(self.seed))
            ]
        )
        return percentile(
            replicates,
            point=point,
            confidence=0.95,
            resampling=resampling,
            n=len(scores),
            units=resampling.units,
            span=(0.0, 1.0),
        )


def _model(method: str, seed: int) -> Any:
    if method == _LINEAR:
        # Scores of a plain regression on numbers in [0, 1], with scikit-learn's own penalty.
        return LogisticRegression(max_iter=2000)
    return HistGradientBoostingClassifier(
        max_iter=_TREES, max_depth=3, early_stopping=False, random_state=seed
    )


def _folds(
    truth: NDArray[np.int64], units: NDArray[np.int64], classes: int, seed: int
) -> NDArray[np.int64] | None:
    """Return the fold of each row; None when some label cannot be in every fold."""
    counts = np.zeros((int(units.max()) + 1, classes), dtype=np.int64)
    np.add.at(counts, (units, truth), 1)
    if classes < 2 or ((counts > 0).sum(axis=0) < FOLDS).any():
        return None
    order = deal_order([str(unit) for unit in range(len(counts))], counts.sum(axis=1), seed=seed)
    dealt = assign(counts, order, np.full(FOLDS, 1 / FOLDS), minimum=1)
    held = np.zeros((FOLDS, classes), dtype=np.int64)
    np.add.at(held, dealt, counts)
    chosen: NDArray[np.int64] = dealt[units]
    return chosen if (held > 0).all() else None


def _one_hot(manifest: Manifest, name: str, rows: Sequence[int]) -> NDArray[np.float64]:
    """Return a column for each value; no column when nothing is known."""
    values = np.array(manifest.column(name), dtype=object)[list(rows)].astype(str)
    known = np.unique(values)
    if len(known) < 2:
        return np.zeros((len(rows), 0))
    columns: NDArray[np.float64] = (values[:, None] == known[None, :]).astype(np.float64)
    return columns


def _size(manifest: Manifest, rows: Sequence[int]) -> NDArray[np.float64]:
    """Return height, width and aspect of the original pictures."""
    height = np.array(manifest.column("rows"), dtype=np.float64)[list(rows)]
    width = np.array(manifest.column("columns"), dtype=np.float64)[list(rows)]
    return np.column_stack([height, width, width / np.maximum(height, 1)])
