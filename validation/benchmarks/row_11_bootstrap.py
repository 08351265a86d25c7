"""Row 11 exists because an interval that takes half a minute is an interval nobody computes.

2,000 stratified resamples of AUC, sensitivity and specificity over 10,000 cases, against the
loop over scikit-learn that most papers use; and DeLong's variance by midranks (Sun & Xu 2014)
against the definition with all pairs (DeLong et al. 1988).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medclf.evaluate.auc import delong_variance
from medclf.evaluate.bootstrap import draw, stratified
from medclf.evaluate.cases import Cases
from medclf.evaluate.sums import AreaSums, DecisionSums
from medclf.opinion import Status
from validation.benchmarks.row import AtLeast, Race, Row, Trials, require

_THRESHOLD = 0.5
_METRICS = ("auc", "sensitivity", "specificity")
Floats = NDArray[np.float64]


def made_up_cases(n: int) -> Cases:
    """Return n cases, three in ten positive, read with an AUC near 0.92."""
    random = np.random.default_rng(11)
    truth = (random.random(n) < 0.3).astype(np.int64)
    belief = np.round(1 / (1 + np.exp(-random.normal(3 * truth - 1.5, 1.5))), 3)  # with ties
    return Cases(
        case_ids=tuple(f"{number:05d}" for number in range(n)),
        labels=("normal", "pneumonia"),
        positive="pneumonia",
        truth=truth,
        probabilities=np.stack([1 - belief, belief], axis=1),
        decisions=np.stack([belief < _THRESHOLD, belief >= _THRESHOLD], axis=1),
        statuses=(Status.OK,) * n,
        reasons=((),) * n,
        clusters=("",) * n,
        subgroups={},
    )


def resampled(cases: Cases, *, resamples: int) -> dict[str, Floats]:
    """Return the replicates of each metric, (resamples,) float64, as `evaluate` makes them."""
    sums = (DecisionSums.of(cases), AreaSums.of(cases))
    found: dict[str, list[Floats]] = {metric: [] for metric in _METRICS}
    resampling = stratified(cases.truth, resamples=resamples)
    for weights in draw(resampling, np.random.default_rng(0)):
        values = sums[0].values(weights) | sums[1].values(weights)
        for metric in _METRICS:
            found[metric].append(values[metric, ""])
    return {metric: np.concatenate(parts) for metric, parts in found.items()}


def by_scikit_learn(cases: Cases, rows: NDArray[np.int64]) -> list[float]:
    """Return the three figures of one resample."""
    from sklearn.metrics import recall_score, roc_auc_score

    truth, belief = cases.truth[rows], cases.probabilities[rows, 1]
    called = cases.decisions[rows, 1].astype(int)
    return [
        float(roc_auc_score(truth, belief)),
        float(recall_score(truth, called)),
        float(recall_score(truth, called, pos_label=0)),
    ]


def delong_by_pairs(scores: Floats, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Return AUC and variance from the matrix of all pairs, (positives, negatives)."""
    positive, negative = scores[truth][:, None], scores[~truth][None, :]
    won = (positive > negative) + 0.5 * (positive == negative)
    of_positive, of_negative = won.mean(axis=1), won.mean(axis=0)
    variance = of_positive.var(ddof=1) / len(of_positive)
    return float(won.mean()), float(variance + of_negative.var(ddof=1) / len(of_negative))


def trials(folder: Path, tiny: bool) -> Trials:
    cases = made_up_cases(500 if tiny else 10_000)
    resamples, timed = (100, 5) if tiny else (2000, 50)
    classes = [np.flatnonzero(cases.truth == value) for value in (0, 1)]

    def scikit_learn() -> None:
        random = np.random.default_rng(0)
        for _ in range(timed):
            by_scikit_learn(cases, np.concatenate([random.choice(c, len(c)) for c in classes]))

    def parity() -> None:
        ours = resampled(cases, resamples=3)
        drawn = np.vstack(
            list(draw(stratified(cases.truth, resamples=3), np.random.default_rng(0)))
        )
        for number, weights in enumerate(drawn):
            theirs = by_scikit_learn(cases, np.repeat(np.arange(len(cases)), weights.astype(int)))
            mine = [ours[metric][number] for metric in _METRICS]
            require(np.allclose(mine, theirs, rtol=0, atol=1e-12), f"{mine} is not {theirs}")
        resampled(cases, resamples=resamples)

    yield Race(
        "bootstrap",
        parity,
        lambda: resampled(cases, resamples=resamples),
        scikit_learn,
        rounds=5,
        peer_share=timed / resamples,
    )
    scores, truth = cases.probabilities[:, 1], cases.truth == 1

    def delong_parity() -> None:
        ours, theirs = delong_variance(scores, truth), delong_by_pairs(scores, truth)
        require(np.allclose(ours, theirs, rtol=1e-9), f"{ours} is not {theirs}")

    yield Race(
        "DeLong",
        delong_parity,
        lambda: delong_variance(scores, truth),
        lambda: delong_by_pairs(scores, truth),
        rounds=9,
    )


ROW = Row(
    number=11,
    title="intervals over 10,000 cases",
    peer="a loop over scikit-learn; DeLong by all pairs",
    bars={"bootstrap": AtLeast(100), "DeLong": AtLeast(40)},
    trials=trials,
    needs=("sklearn",),
)
