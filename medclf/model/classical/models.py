"""Fits logistic regression, a support vector machine and a forest, each as well as it can be.

A baseline that nobody took trouble over flatters the network beside it. So each model chooses
among a few settings, fixed here, by the same figure on the tune part as the network its epoch.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from medclf.errors import ModelMisuse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Judge = Callable[[IntArray, FloatArray], float]
"""Truth (n,) and scores (n, classes) → a figure, the higher the better."""

Described = tuple[FloatArray, IntArray]
"""What is known of a part: numbers (n, d) and truth (n,)."""

_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)  # inverse strengths C, the strongest first
_MARGINS = (0.3, 3.0, 30.0, 300.0)  # C of the SVM
_WIDTHS = (0.1, 0.3, 1.0)  # gamma of the SVM, times 1 / (components · variance)
_COMPONENTS = 64
_LEAVES = (10, 3, 1)  # smallest cases of a leaf, the plainest trees first
_TREES = 300
_SHARPNESS = (1.0, 3.0)  # of more than two labels: factor of the SVM's decision values
_GAIN = 1e-4  # by which a later setting must be better: the plainer one wins a tie
_SMALLEST = 1e-6  # share of the trees that stands for none, so that its logarithm is a number


@dataclass(frozen=True, eq=False)
class Classical:
    """A fitted model.

    Attributes:
        chosen: setting → value that was best on the tune part.
        tune_figure: what it reached there.
        score: numbers (n, d) → (n, classes) float64 log-probabilities.
    """

    chosen: dict[str, float]
    tune_figure: float
    score: Callable[[FloatArray], FloatArray]


def fit_logistic(train: Described, tune: Described, *, judge: Judge) -> Classical:
    """Fit logistic regression on standardised numbers; its penalty is chosen.

    Args:
        train: to learn from; every class is there.
        tune: to choose by.
        judge: the figure.

    Raises:
        ModelMisuse: the train part lacks a class.
    """

    def candidates() -> Iterator[tuple[dict[str, float], Any]]:
        for penalty in _PENALTIES:
            regression = LogisticRegression(C=penalty, class_weight="balanced", max_iter=2000)
            yield {"C": penalty}, make_pipeline(StandardScaler(), regression)

    return _choose(candidates(), train, tune, judge)


def fit_svm(
    train: Described, tune: Described, *, blocks: Sequence[int], judge: Judge, seed: int
) -> Classical:
    """Fit a support vector machine (Cortes & Vapnik 1995, Machine Learning 20:273), RBF kernel.

    Numbers are standardised, each block of them then weighs the same whatever its width, and
    64 principal components are kept. Its decision values stand for log odds; they order cases
    and are no calibrated probabilities.

    Args:
        train: to learn from; every class is there.
        tune: to choose by.
        blocks: how many columns colour, texture and shape have.
        judge: the figure.
        seed: of the principal components.

    Raises:
        ModelMisuse: the train part lacks a class.
    """
    weights = np.concatenate([np.full(width, 1 / np.sqrt(width)) for width in blocks])
    components = min(_COMPONENTS, train[0].shape[1], len(train[0]) - 1)
    reduce = make_pipeline(
        StandardScaler(),
        FunctionTransformer(_times, kw_args={"weights": weights}),
        PCA(components, svd_solver="randomized", random_state=seed),
    )
    with threadpool_limits(1):
        reduced = reduce.fit_transform(train[0]), train[1]
        tuned = reduce.transform(tune[0]), tune[1]

    def candidates() -> Iterator[tuple[dict[str, float], Any]]:
        unit = 1 / max(components * float(reduced[0].var()), 1e-12)
        for margin, width in product(_MARGINS, _WIDTHS):
            machine = SVC(C=margin, gamma=width * unit, class_weight="balanced", cache_size=500)
            yield {"C": margin, "gamma": width}, machine

    found = _choose(candidates(), reduced, tuned, judge)

    def score(table: FloatArray) -> FloatArray:
        with threadpool_limits(1):
            return found.score(reduce.transform(table))

    return Classical(found.chosen, found.tune_figure, score)


def fit_forest(
    train: Described, tune: Described, *, judge: Judge, seed: int, threads: int
) -> Classical:
    """Fit a random forest (Breiman 2001, Machine Learning 45:5); the size of leaves is chosen.

    Args:
        train: to learn from; every class is there.
        tune: to choose by.
        judge: the figure.
        seed: of the trees.
        threads: that grow trees; the forest is the same for any number.

    Raises:
        ModelMisuse: the train part lacks a class.
    """

    def candidates() -> Iterator[tuple[dict[str, float], Any]]:
        for leaf in _LEAVES:
            forest = RandomForestClassifier(
                _TREES,
                min_samples_leaf=leaf,
                class_weight="balanced",
                random_state=seed,
                n_jobs=threads,
            )
            yield {"leaf": float(leaf)}, forest

    return _choose(candidates(), train, tune, judge)


def _choose(
    candidates: Iterator[tuple[dict[str, float], Any]],
    train: Described,
    tune: Described,
    judge: Judge,
) -> Classical:
    """Fit every candidate and keep the first of those that are best on the tune part.

    All models weigh classes evenly. For more than two labels, where that decides which label
    comes first, the odds of the train part may be put back (Elkan 2001, IJCAI): whichever is
    better on the tune part.
    """
    classes = max(2, *(int(truth.max(initial=-1)) + 1 for _, truth in (train, tune)))
    shares = np.bincount(train[1], minlength=classes) / max(len(train[1]), 1)
    if not shares.all():
        raise ModelMisuse(
            f"The train part lacks {np.count_nonzero(shares == 0)} of {classes} classes.",
            advice="Check the labels and the split; every class is needed to learn from.",
        )
    best: Classical | None = None
    for chosen, model in candidates:
        with threadpool_limits(1):  # so that sums do not depend on the number of threads
            model.fit(*train)
        if isinstance(model, RandomForestClassifier):
            model.set_params(n_jobs=1)  # several threads would add votes up in any order
        for reading in _readings(model, shares):
            score = _Scored(model, shares, reading)
            figure = judge(tune[1], score(tune[0]))
            if best is None or figure > best.tune_figure + _GAIN:
                best = Classical({**chosen, **reading}, figure, score)
    if best is None:
        raise ModelMisuse("No setting was given to try.", advice="Name at least one.")
    return best


def _readings(model: Any, shares: FloatArray) -> Iterator[dict[str, float]]:
    """Yield the ways to read a model's scores that the tune part may choose from."""
    if len(shares) == 2:  # neither changes the order of the cases
        yield {}
        return
    sharpness = _SHARPNESS if isinstance(model, SVC) else (1.0,)
    for sharp, own_odds in product(sharpness, (0.0, 1.0)):
        yield {"sharpness": sharp, "own_odds": own_odds}


@dataclass(frozen=True, eq=False)
class _Scored:
    """Scores of one model, read in one way."""

    model: Any
    shares: FloatArray
    reading: dict[str, float]

    def __call__(self, table: FloatArray) -> FloatArray:
        """Return (n, classes) float64 log-probabilities."""
        with threadpool_limits(1):
            scores = self._scores(table)
        if self.reading.get("own_odds"):
            scores = scores + np.log(np.maximum(self.shares, _SMALLEST))
        return np.asarray(log_softmax(scores, axis=1), dtype=np.float64)

    def _scores(self, table: FloatArray) -> FloatArray:
        if isinstance(self.model, SVC):
            values = self.model.decision_function(table)
            if values.ndim == 1:
                return np.column_stack([log_expit(-values), log_expit(values)])
            return np.asarray(values * self.reading["sharpness"], dtype=np.float64)
        shares = self.model.predict_proba(table)
        return np.asarray(np.log(np.maximum(shares, _SMALLEST)), dtype=np.float64)


def _times(table: FloatArray, weights: FloatArray) -> FloatArray:
    return table * weights
