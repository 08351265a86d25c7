import numpy as np
import pytest

from medclf.evaluate.auc import delong
from medclf.evaluate.figures import answered_figures, intended_figures, is_clustered
from medclf.evaluate.proportion import wilson


def figures_of(cases, *, kind=answered_figures, clustering=True, only=None):
    generator = np.random.default_rng(0)
    found = kind(cases, clustering=clustering, resamples=400, generator=generator, only=only)
    return {key: figure(confidence=0.95) for key, figure in found.items()}


def test_independent_cases_get_wilson_and_delong(make_cases, overlapping):
    truth, scores = overlapping
    found = figures_of(make_cases(truth, scores))
    called, positive = scores >= 0.5, truth == 1
    expected = wilson(int((called & positive).sum()), int(positive.sum()))
    assert found["sensitivity", ""] == expected
    assert found["auc", ""] == delong(scores, positive)
    assert found["f1", ""].method.startswith("stratified bootstrap")
    assert found["auc", "finding"] == found["auc", ""]


def test_repeated_patients_get_the_clustered_bootstrap_for_everything(make_cases, overlapping):
    truth, scores = overlapping
    clusters = tuple(f"p{i // 2}" for i in range(len(truth)))
    cases = make_cases(truth, scores, clusters=clusters)
    assert is_clustered(cases)
    for figure in figures_of(cases).values():
        assert "120 whole clusters" in figure.method
    assert figures_of(cases, clustering=False)["auc", ""].method.startswith("DeLong")


def test_copies_in_a_cluster_do_not_narrow_the_interval(make_cases, overlapping):
    truth, scores = overlapping
    once = figures_of(make_cases(truth, scores))["sensitivity", ""]
    clusters = tuple(f"p{i // 4}" for i in range(4 * len(truth)))
    copied = make_cases(np.repeat(truth, 4), np.repeat(scores, 4), clusters=clusters)
    found = figures_of(copied)["sensitivity", ""]
    assert found.estimate == once.estimate
    assert found.high - found.low == pytest.approx(once.high - once.low, rel=0.2)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_all_figures_equal_scikit_learn(make_cases, reference, kind):
    row = reference("figures")[kind]
    scores = row["scores"] if kind == "binary" else row["probabilities"]
    found = figures_of(make_cases(row["truth"], scores, threshold=row["threshold"]))
    expected = {(metric, ""): value for metric, value in row["figures"].items()}
    assert {key: found[key].estimate for key in expected} == pytest.approx(expected, abs=1e-12)
    for figure in found.values():
        assert figure.low <= figure.estimate <= figure.high


def test_unanswered_cases_are_wrong_in_the_intended_figures(make_cases):
    truth, scores = [1, 1, 1, 0, 0, 0, 0], [0.9, 0.8, 0.9, 0.1, 0.2, 0.9, 0.1]
    cases = make_cases(truth, scores, unanswered=[0, 3])
    found = figures_of(cases, kind=intended_figures)
    assert found["sensitivity", ""].estimate == pytest.approx(2 / 3)
    assert found["specificity", ""].estimate == pytest.approx(2 / 4)
    assert found["sensitivity", ""].n == 3


def test_only_the_wanted_figures_are_computed(make_cases, overlapping):
    found = figures_of(make_cases(*overlapping), only=frozenset({"auc", "ece"}))
    assert set(found) == {("auc", ""), ("auc", "finding"), ("ece", "")}


def test_perfect_clustered_cases_get_the_exact_bound(make_cases):
    truth = np.tile([0, 0, 1], 20)
    clusters = tuple(f"p{i // 3}" for i in range(60))
    found = figures_of(make_cases(truth, truth * 0.8 + 0.1, clusters=clusters))
    for metric, units in [("sensitivity", 20), ("specificity", 20), ("auc", 10)]:
        assert found[metric, ""].low == pytest.approx(0.025 ** (1 / units))
        assert found[metric, ""].high == 1.0


def test_one_patient_alone_shows_no_spread(make_cases, overlapping):
    truth, scores = overlapping
    found = figures_of(make_cases(truth, scores, clusters=("p",) * len(truth)))
    for (metric, _), figure in found.items():
        assert (figure.low, figure.high) == ((-1.0, 1.0) if metric == "mcc" else (0.0, 1.0))
