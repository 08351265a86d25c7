"""Fits a linear head on frozen features: the quickest honest transfer there is.

The penalty is chosen on folds of the train part that never part a patient, so that neither the
tune part nor a patient seen twice speaks for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medclf.errors import ModelMisuse

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Truth = np.ndarray[Any, Any]

Judge = Callable[[_Truth, _Array], float]
"""Truth (n,) int and scores (n, classes) float64 → a figure, the higher the better."""

PENALTIES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)

_MOST_FOLDS = 5
_SAME = 1e-4  # figures that differ by less are equal, and the stronger penalty wins
_WORSE = 3  # penalties in a row that bring no gain: weaker ones would only overfit more
_ROUGH, _EXACT = 1e-4, 1e-6  # gradient at which fitting stops, on a fold and at the end


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights of a linear layer with what was found on the way.

    Attributes:
        weight: (classes, features) float64, on features as the backbone gives them.
        bias: (classes,) float64.
        penalty: the inverse L2 strength C that was chosen.
        tune_auc: macro one-vs-rest AUC on the tune part for each C that was fitted on all of
            the train part; the one that was chosen, at least.
        figures: what each C that was tried came to where the choice was made: the mean over
            the folds, or the figure on the tune part.
        folds: of the train part, on which the penalty was chosen; 0 where a class has too few
            cases for two, and the tune part chose.
        grouped: whether the folds kept cases of one unit together; False where each case is
            a unit of its own.
    """

    weight: _Array
    bias: _Array
    penalty: float
    tune_auc: dict[float, float]
    figures: dict[float, float] = field(default_factory=dict)
    folds: int = 0
    grouped: bool = False

    @property
    def chosen_on(self) -> str:
        """Where the penalty was chosen, in words."""
        if not self.folds:
            return "the tune part"
        return f"{self.folds} {'grouped ' if self.grouped else ''}folds"


def macro_auc(truth: _Truth, scores: _Array) -> float:
    """Return the macro one-vs-rest AUC; the plain AUC for two classes.

    Args:
        truth: (n,) int, each class present.
        scores: (n, classes) float64.
    """
    from sklearn.metrics import roc_auc_score

    if scores.shape[1] == 2:
        return float(roc_auc_score(truth, scores[:, 1] - scores[:, 0]))
    per_class = [
        roc_auc_score(truth == k, scores[:, k] - np.delete(scores, k, axis=1).max(axis=1))
        for k in range(scores.shape[1])
    ]
    return float(np.mean(per_class))


def fit_probe(
    train: tuple[_Array, _Truth],
    tune: tuple[_Array, _Truth],
    *,
    units: _Truth | None = None,
    penalties: Sequence[float] = PENALTIES,
    balanced: bool = True,
    judge: Judge = macro_auc,
    seed: int = 0,
) -> LinearHead:
    """Fit logistic regression on standardised features, with the penalty chosen on folds.

    The features are standardised once, over the whole train part, and the standardisation is
    folded into the weights, so that the head works on the features as they come. Penalties are
    tried from the strongest on, each fit starting from the one before; among equal figures the
    stronger one wins, and the search ends when weaker ones bring no gain. The head is then
    fitted on all of the train part.

    Args:
        train: features (n, d) float64 and truth (n,) int.
        tune: features (m, d) float64 and truth (m,) int; chooses only where the train part
            has too few cases of a class for two folds.
        units: (n,) int, equal for cases that must stay together; each by itself when None.
        penalties: the inverse L2 strengths C to try.
        balanced: weigh classes by the inverse of their frequency.
        judge: the figure that chooses.
        seed: of the folds.

    Raises:
        ModelMisuse: the train part holds a single class, or no penalty is given.
    """
    x, y = train
    if len(np.unique(y)) < 2:
        raise ModelMisuse(
            "The train part holds a single class.",
            advice="Check the labels and the split; a classifier needs two classes at least.",
        )
    if not penalties:
        raise ModelMisuse("No penalty was given to try.", advice="Name at least one C.")
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    ready = (x - mean) / scale  # (n, d)
    tuned = (tune[0] - mean) / scale  # (m, d)
    alone = np.arange(len(y))
    units = alone if units is None else np.unique(units, return_inverse=True)[1]
    grouped = len(np.unique(units)) < len(y)
    folds = _make_folds(y, units, grouped=grouped, seed=seed)
    races = [
        _Race((ready[fit], y[fit]), (ready[held], y[held]), balanced=balanced)
        for fit, held in folds
    ] or [_Race((ready, y), (tuned, tune[1]), balanced=balanced)]
    figures: dict[float, float] = {}
    penalty, worse = min(penalties), 0
    for tried in sorted(penalties):
        figures[tried] = float(np.mean([race.run(tried, judge) for race in races]))
        if tried == penalty:
            continue
        gain = figures[tried] > figures[penalty] + _SAME
        penalty, worse = (tried, 0) if gain else (penalty, worse + 1)
        if worse == _WORSE:
            break
    weight, bias = _both_ways(_fit((ready, y), penalty, balanced=balanced, tolerance=_EXACT))
    weight = weight / scale  # (classes, d)
    bias = bias - weight @ mean  # (classes,)
    return LinearHead(
        weight,
        bias,
        penalty,
        tune_auc={penalty: macro_auc(tune[1], tune[0] @ weight.T + bias)},
        figures=figures,
        folds=len(folds),
        grouped=grouped and bool(folds),
    )


def _make_folds(
    y: _Truth, units: _Truth, *, grouped: bool, seed: int
) -> list[tuple[_Truth, _Truth]]:
    """Return (fit, held out) rows of up to five folds, every class on both sides of each.

    Fewer where a class is in few units; none where not even two can be had.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    classes = np.unique(y)
    rarest = min(len(np.unique(units[y == k])) for k in classes)
    make = StratifiedGroupKFold if grouped else StratifiedKFold
    for count in range(min(_MOST_FOLDS, rarest), 1, -1):
        dealt = make(count, shuffle=True, random_state=seed).split(
            units, y, units if grouped else None
        )
        folds = [(fit, held) for fit, held in dealt]
        if all(len(np.unique(y[side])) == len(classes) for fold in folds for side in fold):
            return folds
    return []


class _Race:
    """Penalties on one fold, each fit starting from the coefficients of the one before."""

    def __init__(
        self, fit: tuple[_Array, _Truth], held: tuple[_Array, _Truth], *, balanced: bool
    ) -> None:
        self._fit, self._held, self._balanced = fit, held, balanced
        self._model: Any = None

    def run(self, penalty: float, judge: Judge) -> float:
        """Return the figure on what is held out."""
        self._model = _fit(
            self._fit, penalty, balanced=self._balanced, tolerance=_ROUGH, start=self._model
        )
        weight, bias = _both_ways(self._model)
        return judge(self._held[1], self._held[0] @ weight.T + bias)


def _fit(
    cases: tuple[_Array, _Truth],
    penalty: float,
    *,
    balanced: bool,
    tolerance: float,
    start: Any = None,
) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = start or LogisticRegression(
        max_iter=2000, class_weight="balanced" if balanced else None, warm_start=True
    )
    return model.set_params(C=penalty, tol=tolerance).fit(*cases)


def _both_ways(model: Any) -> tuple[_Array, _Array]:
    """Return (classes, d) and (classes,), also for two classes, where one row says all."""
    coefficient, intercept = model.coef_, model.intercept_
    if coefficient.shape[0] == 1:  # two classes: one row, for the second
        coefficient = np.vstack([-coefficient / 2, coefficient / 2])
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    return coefficient, intercept
