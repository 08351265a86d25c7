"""What the networks of a cross-validation come to: figures of each, two spreads, one pool.

The spread over folds tells how much the cohort at hand matters, the spread over seeds how much
the luck of one training does; mixing them would hide both. Neither is a standard error: the
folds learn from overlapping cases, and no unbiased estimate of their variance exists
(Bengio & Grandvalet 2004, Journal of Machine Learning Research 5:1089). Intervals come from all
cases together, each judged once by a network that never saw it. An AUC over them compares
probabilities of different networks; `auc_within_folds` compares within each fold only (LeDell,
Petersen & van der Laan 2015, Electronic Journal of Statistics 9:1583).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medclf.cohort.manifest import Manifest
from medclf.evaluate.auc import rank, weighted_auc
from medclf.evaluate.bootstrap import clustered, draw, percentile, stratified
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.figures import answered_figures, is_clustered
from medclf.evaluate.sums import AreaSums, DecisionSums, MatrixSums, ProbabilitySums
from medclf.opinion import Status
from medclf.study.config import StudyConfig
from medclf.study.fold_run import FoldScores

KAPPA = "quadratic_kappa"
WITHIN = "auc_within_folds"

_OF_ALL = ("auc", "sensitivity", "specificity", "balanced_accuracy", "ece")
_RESAMPLES = 2000  # as a protocol's default
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """Several values of one figure.

    Attributes:
        mean: of them.
        sd: with n - 1 below the line.
        low: the smallest.
        high: the largest.
        n: how many.
    """

    mean: float
    sd: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise two values or more.

        >>> Spread.of([0.5, 1.0, 0.0])
        Spread(mean=0.5, sd=0.5, low=0.0, high=1.0, n=3)
        """
        column = np.array(values, dtype=np.float64)
        return cls(
            mean=float(column.mean()),
            sd=float(column.std(ddof=1)),
            low=float(column.min()),
            high=float(column.max()),
            n=len(column),
        )


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One network on the test part of its fold.

    Attributes:
        scores: what it said.
        figures: name → value.
    """

    scores: FoldScores
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MethodSummary:
    """All networks of one method.

    Attributes:
        runs: by seed, then fold.
        over_folds: name → spread of the folds' figures, each the mean over its seeds.
        over_seeds: name → spread of the seeds' figures, each the mean over its folds; empty
            with one seed.
        pooled: seed → name → figure of all cases, each judged by the network of its fold;
            `auc_within_folds` is the mean over folds, with an interval.
    """

    runs: tuple[RunFigures, ...]
    over_folds: Mapping[str, Spread]
    over_seeds: Mapping[str, Spread]
    pooled: Mapping[int, Mapping[str, Estimate]]


def summarise(
    runs: Sequence[FoldScores], manifest: Manifest, units: np.ndarray, config: StudyConfig
) -> MethodSummary:
    """Judge the networks of one method, each fold with each seed.

    Args:
        runs: every fold with every seed.
        manifest: of the cohort.
        units: (n,) int64, the unit of each of the manifest's rows, which no fold parts.
        config: label space, whether it is ordered, and the seed of the bootstrap.

    Raises:
        EvaluationError: the scores of a run are not finite.
    """
    judge = _Judge(manifest, units, config)
    ordered = sorted(runs, key=lambda run: (run.seed, run.fold))
    judged = tuple(RunFigures(run, judge.figures([run])) for run in ordered)
    names = list(judged[0].figures)
    folds, seeds = _values(ordered, lambda run: run.fold), _values(ordered, lambda run: run.seed)

    def spread(name: str, key: Callable[[FoldScores], int], values: list[int]) -> Spread:
        means = [
            float(np.mean([one.figures[name] for one in judged if key(one.scores) == value]))
            for value in values
        ]
        return Spread.of(means)

    several = len(seeds) > 1
    return MethodSummary(
        runs=judged,
        over_folds={name: spread(name, lambda run: run.fold, folds) for name in names},
        over_seeds={name: spread(name, lambda run: run.seed, seeds) for name in names if several},
        pooled={
            seed: judge.estimates([run for run in ordered if run.seed == seed]) for seed in seeds
        },
    )


def _values(runs: Sequence[FoldScores], key: Callable[[FoldScores], int]) -> list[int]:
    return sorted({key(run) for run in runs})


class _Judge:
    """Turns what networks said into figures, by the formulas of every report."""

    def __init__(self, manifest: Manifest, units: np.ndarray, config: StudyConfig) -> None:
        self._rows = {digest: row for row, digest in enumerate(manifest.column("digest"))}
        self._truth = manifest.label_indices(config.data.labels)
        self._units = units
        self._config = config

    def figures(self, runs: Sequence[FoldScores]) -> dict[str, float]:
        """Return every figure of the cases of some runs."""
        cases = self._cases(runs)
        ones = np.ones((1, len(cases)))
        values = DecisionSums.of(cases).values(ones) | AreaSums.of(cases).values(ones)
        values |= ProbabilitySums.of(cases).values(ones)
        found = {name: float(values[name, ""][0]) for name in _OF_ALL}
        if cases.ordered:
            found[KAPPA] = float(MatrixSums.of(cases).values(ones)[KAPPA, ""][0])
        return found

    def estimates(self, runs: Sequence[FoldScores]) -> dict[str, Estimate]:
        """Return every figure of the pooled cases with its interval."""
        cases = self._cases(runs)
        names = (*_OF_ALL, KAPPA) if cases.ordered else _OF_ALL
        generator = np.random.default_rng(self._config.split.seed)
        figures = answered_figures(
            cases,
            clustering=True,
            resamples=_RESAMPLES,
            generator=generator,
            only=frozenset(names),
        )
        found = {name: figures[name, ""](confidence=_CONFIDENCE) for name in names}
        found[WITHIN] = _bootstrap(cases, _areas(cases, runs), generator)
        return found

    def _cases(self, runs: Sequence[FoldScores]) -> Cases:
        data = self._config.data
        digests = tuple(digest for run in runs for digest in run.cases)
        rows = np.array([self._rows[digest] for digest in digests], dtype=np.int64)
        probabilities = np.concatenate([run.probabilities for run in runs])
        decisions = np.concatenate([_decided(run, data.labels) for run in runs])
        return Cases(
            case_ids=digests,
            labels=data.labels,
            positive=data.positive,
            truth=self._truth[rows],
            probabilities=probabilities,
            decisions=decisions,
            statuses=(Status.OK,) * len(digests),
            reasons=((),) * len(digests),
            clusters=tuple(str(unit) for unit in self._units[rows].tolist()),
            subgroups={},
            ordered=data.ordered,
        )


def _bootstrap(
    cases: Cases, areas: Callable[[np.ndarray], np.ndarray], generator: np.random.Generator
) -> Estimate:
    """Return an area under weighted cases with the interval that whole units give."""
    resampling = (
        clustered(cases.clusters, resamples=_RESAMPLES)
        if is_clustered(cases)
        else stratified(cases.truth, resamples=_RESAMPLES)
    )
    pieces = [areas(weights) for weights in draw(resampling, generator)]
    return percentile(
        np.concatenate(pieces),
        point=float(areas(np.ones((1, len(cases))))[0]),
        confidence=_CONFIDENCE,
        resampling=resampling,
        n=len(cases),
        units=resampling.units,
        span=(0.0, 1.0),
    )


def _areas(cases: Cases, runs: Sequence[FoldScores]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the formula of the mean AUC over folds and labels, each ranked within its fold."""
    ends = np.cumsum([0, *(len(run.cases) for run in runs)]).tolist()
    ranked = [
        (slice(start, end), rank(cases.probabilities[start:end, k], cases.truth[start:end] == k))
        for start, end in pairwise(ends)
        for k in cases.judged
    ]

    def mean(weights: np.ndarray) -> np.ndarray:
        areas = [weighted_auc(ranking, weights[:, own]) for own, ranking in ranked]
        return np.asarray(np.mean(areas, axis=0))

    return mean


def _decided(run: FoldScores, labels: tuple[str, ...]) -> np.ndarray:
    """Return (n, classes) bool, each label at the threshold that its own fold froze."""
    decisions = np.zeros(run.scores.shape, dtype=np.bool_)
    probabilities = run.probabilities
    for label, threshold in run.thresholds.items():
        column = labels.index(label)
        decisions[:, column] = probabilities[:, column] >= threshold
    return decisions
