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

import numpy as np

from medclf.cohort.manifest import Manifest
from medclf.errors import EvaluationError
from medclf.evaluate.agreement import median_grade
from medclf.evaluate.cases import Cases
from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.evaluate.figures import answered_figures
from medclf.evaluate.readers import Compared, Reader, compare_readers
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


def compare_methods(
    methods: Mapping[str, Sequence[FoldScores]],
    manifest: Manifest,
    units: np.ndarray,
    config: StudyConfig,
) -> dict[str, dict[str, Difference]]:
    """Hold the first method against each other one, by paired tests on the same cases.

    Each case was read by both, in the same fold; AUCs compare cases within their fold only.

    Args:
        methods: name → its run of each fold with the study's own seed.
        manifest: of the cohort.
        units: (n,) int64, the unit of each of the manifest's rows, which no fold parts.
        config: label space, whether it is ordered, and the seed of the bootstrap.

    Returns:
        Other method → `auc_within_folds`, and for grades `quadratic_kappa` → how far ahead the
        first method is.

    Raises:
        EvaluationError: the methods did not read the same cases in the same folds.
    """
    inorder = {
        name: sorted(runs, key=lambda run: run.fold) for name, runs in methods.items() if runs
    }
    found: dict[str, dict[str, Difference]] = {}
    for one in _Judge(manifest, units, config).compare(inorder):
        if one.ahead is not None:
            figure = WITHIN if one.metric == "auc" else one.metric
            found.setdefault(one.reader, {})[figure] = one.ahead
    return found


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
        (within,) = self.compare({runs[0].method: runs}, only_areas=True)
        found[WITHIN] = within.figure
        return found

    def compare(
        self, methods: Mapping[str, Sequence[FoldScores]], *, only_areas: bool = False
    ) -> list[Compared]:
        """Return the figures over all labels of each method, the first one held against the rest.

        Raises:
            EvaluationError: the methods did not read the same cases in the same folds.
        """
        readers, known = [], None
        for name, runs in methods.items():
            cases = self._cases(runs)
            if known is not None and cases.case_ids != known.case_ids:
                raise EvaluationError(
                    f"The folds of {name} hold other cases than those of the first method.",
                    advice="Give every method's runs on the same folds, in the same order.",
                    reader=name,
                )
            known = known or cases
            graded = cases.ordered and not only_areas
            grades = median_grade(cases.probabilities) if graded else None
            readers.append(Reader(name, cases.probabilities, grades))
        if known is None:
            return []
        lengths = [len(run.cases) for run in next(iter(methods.values()))]
        found = compare_readers(
            tuple(readers),
            known.truth,
            labels=known.labels,
            positive=known.positive,
            clusters=known.clusters,
            generator=np.random.default_rng(self._config.split.seed),
            folds=np.repeat(np.arange(len(lengths)), lengths),
            resamples=_RESAMPLES,
            confidence=_CONFIDENCE,
        )
        return [one for one in found if not one.label]

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


def _decided(run: FoldScores, labels: tuple[str, ...]) -> np.ndarray:
    """Return (n, classes) bool, each label at the threshold that its own fold froze."""
    decisions = np.zeros(run.scores.shape, dtype=np.bool_)
    probabilities = run.probabilities
    for label, threshold in run.thresholds.items():
        column = labels.index(label)
        decisions[:, column] = probabilities[:, column] >= threshold
    return decisions
