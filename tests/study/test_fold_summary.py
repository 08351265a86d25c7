"""Figures, spreads and the pool of made-up scores, against scikit-learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from medclf.calibrate.scaling import Temperature
from medclf.cohort.case import Case
from medclf.cohort.manifest import Manifest
from medclf.cohort.split import seal_split
from medclf.config import parse
from medclf.errors import EvaluationError
from medclf.model.weights import WeightsReport
from medclf.study.config import StudyConfig
from medclf.study.fold_document import document_of
from medclf.study.fold_run import FoldScores
from medclf.study.fold_summary import KAPPA, WITHIN, Spread, compare_methods, summarise

_GRADES = ("none", "mild", "severe")


def study(*, ordered: bool) -> StudyConfig:
    two = {"labels": ["no", "yes"], "positive": "yes"}
    several = {"labels": list(_GRADES), "ordered": True}
    return parse(
        {
            "name": "made-up",
            "seed": 0,
            "data": {"table": "labels.csv", **(several if ordered else two)},
            "split": {},
            "preprocessing": {"kind": "xray", "size": 32},
            "model": {"backbone": "medclf/spotnet", "weights": "random"},
        },
        StudyConfig,
        where="made up",
    )


def cohort(labels: tuple[str, ...], truth: np.ndarray) -> Manifest:
    cases = [
        Case(path=f"{row}.png", digest=f"d{row}", picture=f"p{row}", label=labels[one])
        for row, one in enumerate(truth.tolist())
    ]
    return Manifest.from_cases(cases, base=Path())


def scored(fold: int, seed: int, rows: np.ndarray, truth: np.ndarray, k: int) -> FoldScores:
    draw = np.random.default_rng([fold, seed])
    return FoldScores(
        fold=fold,
        seed=seed,
        method="finetune",
        identity=f"sha256:{fold}{seed}",
        cases=tuple(f"d{row}" for row in rows.tolist()),
        scores=draw.normal(size=(len(rows), k)) + 1.5 * np.eye(k)[truth[rows]],
        temperature=Temperature(0.5 + fold),
        thresholds={"yes": 0.3 + 0.1 * fold} if k == 2 else dict.fromkeys(_GRADES, 0.4),
        epochs=3,
        best_epoch=2,
    )


@pytest.fixture(params=[False, True], ids=["two labels", "grades"])
def given(request):
    config = study(ordered=request.param)
    labels = config.data.labels
    truth = np.arange(60) % len(labels)
    blocks = [np.random.default_rng(1).permutation(60)[start::3] for start in range(3)]
    runs = [
        scored(fold, seed, np.sort(block), truth, len(labels))
        for seed in (4, 5)
        for fold, block in enumerate(blocks, start=1)
    ]
    units = np.arange(60) // 2  # pairs that belong together
    return config, truth, runs, summarise(runs[::-1], cohort(labels, truth), units, config)


def _rows(run: FoldScores) -> np.ndarray:
    return np.array([int(digest[1:]) for digest in run.cases])


def _auc(truth: np.ndarray, probabilities: np.ndarray) -> float:
    columns = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return float(np.mean([roc_auc_score(truth == k, probabilities[:, k]) for k in columns]))


def test_each_run_is_judged_on_its_own_test_part(given):
    config, truth, _, summary = given
    assert [(one.scores.seed, one.scores.fold) for one in summary.runs] == [
        (seed, fold) for seed in (4, 5) for fold in (1, 2, 3)
    ]
    for one in summary.runs:
        own, rows = one.scores.probabilities, _rows(one.scores)
        assert one.figures["auc"] == pytest.approx(_auc(truth[rows], own), abs=1e-12)
        assert (KAPPA in one.figures) == config.data.ordered
        if not config.data.ordered:
            called = own[:, 1] >= one.scores.thresholds["yes"]
            assert one.figures["sensitivity"] == pytest.approx(called[truth[rows] == 1].mean())
            assert one.figures["specificity"] == pytest.approx((~called)[truth[rows] == 0].mean())


def test_spread_over_folds_and_over_seeds_are_told_apart(given):
    _, truth, runs, summary = given
    table = np.array(
        [
            [_auc(truth[_rows(run)], run.probabilities) for run in runs if run.seed == seed]
            for seed in (4, 5)
        ]
    )  # (seeds, folds)
    folds, seeds = summary.over_folds["auc"], summary.over_seeds["auc"]
    assert folds.mean == pytest.approx(seeds.mean) == pytest.approx(table.mean())
    assert (folds.n, seeds.n) == (3, 2)
    assert folds.sd == pytest.approx(table.mean(axis=0).std(ddof=1))
    assert seeds.sd == pytest.approx(table.mean(axis=1).std(ddof=1))
    assert (folds.low, folds.high) == pytest.approx(
        (table.mean(axis=0).min(), table.mean(axis=0).max())
    )


def test_pooled_figure_judges_every_case_once_with_whole_units_drawn(given):
    config, truth, runs, summary = given
    for seed in (4, 5):
        own = [run for run in runs if run.seed == seed]
        rows = np.concatenate([_rows(run) for run in own])
        probabilities = np.concatenate([run.probabilities for run in own])
        assert sorted(rows.tolist()) == list(range(60))
        found = summary.pooled[seed]["auc"]
        assert found.estimate == pytest.approx(_auc(truth[rows], probabilities), abs=1e-12)
        assert found.low < found.estimate < found.high
        assert "30 whole clusters" in found.method
        if config.data.ordered:
            grades = (np.cumsum(probabilities, axis=1) < 0.5).sum(axis=1)
            expected = cohen_kappa_score(truth[rows], grades, weights="quadratic")
            kappa = summary.pooled[seed][KAPPA]
            assert kappa.estimate == pytest.approx(expected, abs=1e-12)
            assert kappa.low < kappa.estimate < kappa.high
            assert "30 whole clusters" in kappa.method


def test_area_within_folds_is_the_mean_over_folds_with_an_interval(given):
    _, _, _, summary = given
    for seed in (4, 5):
        own = [one.figures["auc"] for one in summary.runs if one.scores.seed == seed]
        found = summary.pooled[seed][WITHIN]
        assert found.estimate == pytest.approx(np.mean(own), abs=1e-12)
        assert found.low < found.estimate < found.high


def test_network_that_is_too_sure_of_itself_spoils_the_pool_and_not_the_folds(given):
    config, truth, runs, _ = given
    own = [run for run in runs if run.seed == 4]
    sure = [replace(own[0], temperature=Temperature(0.2)), *own[1:]]
    units, manifest = np.arange(60), cohort(config.data.labels, truth)
    calm, spoilt = (summarise(some, manifest, units, config) for some in (own, sure))
    assert spoilt.pooled[4]["auc"].estimate != calm.pooled[4]["auc"].estimate
    if not config.data.ordered:  # with two labels no temperature changes an order
        assert spoilt.pooled[4][WITHIN].estimate == pytest.approx(calm.pooled[4][WITHIN].estimate)


def test_network_whose_calibration_went_wrong_is_warned_of_by_fold_and_seed(given):
    config, truth, runs, _ = given
    bad = replace(runs[1], temperature=Temperature(0.05, note="ended at its bound"))
    own = [runs[0], bad, runs[2]]
    manifest = cohort(config.data.labels, truth)
    summary = summarise(own, manifest, np.arange(60), config)
    names = ("train", "tune", "calibrate", "test")
    parts = [names[row // len(config.data.labels) % 4] for row in range(60)]
    split = seal_split(manifest, np.arange(60), parts, config.split, source="seed")
    document = document_of(
        {"finetune": summary},
        {},
        manifest=manifest,
        splits=[split],
        weights=WeightsReport("random", "", (), (), ()),
        config=config,
    )
    assert document["warnings"][-1] == "Fold 2, seed 4: ended at its bound"
    assert "no longer unseen" in document["statements"][0]


def test_methods_are_compared_on_the_same_cases_within_their_folds(given):
    config, truth, runs, _ = given
    own = [run for run in runs if run.seed == 4]
    noise = np.random.default_rng(0)
    weak = [replace(run, scores=noise.normal(size=run.scores.shape)) for run in own]
    manifest, units = cohort(config.data.labels, truth), np.arange(60) // 2
    found = compare_methods({"own": own, "weak": weak[::-1]}, manifest, units, config)
    assert list(found) == ["weak"]
    means = [
        np.mean([_auc(truth[_rows(run)], run.probabilities) for run in some])
        for some in (own, weak)
    ]
    area = found["weak"][WITHIN]
    assert area.estimate == pytest.approx(means[0] - means[1], abs=1e-12)
    assert 0 < area.low < area.estimate < area.high
    assert area.p < 0.05
    assert "paired bootstrap of 30 whole clusters" in area.method
    assert (KAPPA in found["weak"]) == config.data.ordered
    same = compare_methods({"own": own, "copy": own}, manifest, units, config)
    assert (same["copy"][WITHIN].estimate, same["copy"][WITHIN].p) == (0, 1)


def test_methods_that_read_other_cases_are_not_compared(given):
    config, truth, runs, _ = given
    own = [run for run in runs if run.seed == 4]
    manifest = cohort(config.data.labels, truth)
    with pytest.raises(EvaluationError, match="other cases"):
        compare_methods({"own": own, "less": own[:2]}, manifest, np.arange(60), config)


def test_one_seed_has_no_spread_over_seeds(given):
    config, truth, runs, _ = given
    own = [run for run in runs if run.seed == 4]
    units = np.arange(60)
    summary = summarise(own, cohort(config.data.labels, truth), units, config)
    assert not summary.over_seeds
    assert list(summary.pooled) == [4]


def test_spread_is_the_one_with_one_less_below_the_line():
    assert Spread.of([1.0, 3.0]) == Spread(mean=2.0, sd=2.0**0.5, low=1.0, high=3.0, n=2)
