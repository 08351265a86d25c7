"""Fits the readers that a network is held against: what is trivial, and what came before it.

They learn from the train part, choose their settings on the tune part by the figure that
chooses the network's epoch, and see nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medclf.cohort.dataset import PreparedImages
from medclf.cohort.exposure import names_of, statistics_of
from medclf.model.classical.description import describe, describe_all
from medclf.model.classical.models import Classical, fit_forest, fit_logistic, fit_svm
from medclf.model.selection import judge_scores
from medclf.pixels.transforms.resample import as_uint8
from medclf.study.config import StudyConfig
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

_STATISTICS = len(names_of(1))  # the first columns of every description; as many for colour


class Descriptions:
    """Numbers of the pictures of a cohort, each computed once, when it is first asked for."""

    def __init__(self, pictures: PreparedImages, *, threads: int) -> None:
        """Take the pictures; nothing is computed yet.

        Args:
            pictures: prepared.
            threads: that describe them.
        """
        self._pictures = pictures
        self._threads = threads
        self._known: dict[int, NDArray[np.float64]] = {}

    def of(self, rows: Sequence[int], progress: Progress) -> NDArray[np.float64]:
        """Return the numbers of some pictures, (rows, d) float64: statistics, then the rest."""
        absent = sorted(set(rows) - self._known.keys())
        found = describe_all(
            self._pictures.array,
            absent,
            _numbers_of,
            threads=self._threads,
            progress=lambda done, total: progress("describe", done, total, ""),
        )
        self._known.update(zip(absent, found, strict=True))
        return np.array([self._known[row] for row in rows])

    def blocks(self, row: int) -> tuple[int, ...]:
        """Return how many numbers tell colour, texture and shape of a picture."""
        return tuple(len(block) for block in describe(as_uint8(self._pictures[row])))


@dataclass(frozen=True, eq=False)
class ClassicalReaders:
    """The fitted readers.

    Attributes:
        trivial: logistic regression on 22 statistics of brightness or colour.
        svm: support vector machine on colour, texture and shape.
        forest: random forest on the same.
        described: where the numbers come from.
    """

    trivial: Classical
    svm: Classical
    forest: Classical
    described: Descriptions

    def scores(self, rows: Sequence[int], progress: Progress) -> dict[str, NDArray[np.float64]]:
        """Return what each reader says of some pictures: (rows, classes) log-probabilities."""
        table = self.described.of(rows, progress)
        statistics, rest = table[:, :_STATISTICS], table[:, _STATISTICS:]
        return {
            "trivial": self.trivial.score(statistics),
            "svm": self.svm.score(rest),
            "forest": self.forest.score(rest),
        }

    def settings(self) -> dict[str, dict[str, float]]:
        """Return what was chosen for each, and the figure that it reached on the tune part."""
        readers = {"trivial": self.trivial, "svm": self.svm, "forest": self.forest}
        return {name: {**one.chosen, "tune": one.tune_figure} for name, one in readers.items()}


def fit_classical(
    prepared: Prepared,
    config: StudyConfig,
    *,
    progress: Progress,
    described: Descriptions | None = None,
) -> ClassicalReaders:
    """Fit the trivial and the classical readers of a study with one label a picture.

    Args:
        prepared: whose train and tune parts.
        config: of the study.
        progress: told about `describe` and `baselines`.
        described: of the same pictures, to compute none twice; new when None.

    Raises:
        ModelMisuse: the train part lacks a class.
    """
    threads = config.isolation.workers
    known = described or Descriptions(prepared.pictures, threads=threads)
    train, tune = prepared.parts["train"], prepared.parts["tune"]
    table = known.of([*train.rows.tolist(), *tune.rows.tolist()], progress)
    learn, choose = table[: len(train.rows)], table[len(train.rows) :]
    statistics, rest = np.s_[:, :_STATISTICS], np.s_[:, _STATISTICS:]
    judge = partial(_judge, config)
    progress("baselines", 0, 3, "logistic regression")
    trivial = fit_logistic(
        (learn[statistics], train.truth), (choose[statistics], tune.truth), judge=judge
    )
    parts: Any = ((learn[rest], train.truth), (choose[rest], tune.truth))
    progress("baselines", 1, 3, "support vector machine")
    blocks = known.blocks(int(train.rows[0]))
    svm = fit_svm(*parts, blocks=blocks, judge=judge, seed=config.seed)
    progress("baselines", 2, 3, "random forest")
    forest = fit_forest(*parts, judge=judge, seed=config.seed, threads=threads)
    progress("baselines", 3, 3, "")
    return ClassicalReaders(trivial, svm, forest, known)


def _judge(config: StudyConfig, truth: NDArray[Any], scores: NDArray[np.float64]) -> float:
    return judge_scores(config.fit.select_by, truth, scores, task=config.architecture.task)


def _numbers_of(picture: NDArray[Any]) -> NDArray[np.float64]:
    eight = as_uint8(picture)
    return np.concatenate([statistics_of(eight), *describe(eight)])
