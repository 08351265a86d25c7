import json
import math

import numpy as np
import pytest

from medclf.errors import EvaluationError, ProtocolRefused
from medclf.evaluate.assess import evaluate, judge
from medclf.evaluate.evaluation import Estimate, Outcome
from medclf.evaluate.protocol import Direction

REQUIRED = ["auc", "sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy", "ece"]


@pytest.fixture(scope="module")
def binary(make_cases, make_protocol, overlapping):
    truth, scores = overlapping
    logits = np.stack([np.zeros(len(truth)), 10 * np.log(scores / (1 - scores))], axis=1)
    cases = make_cases(
        truth,
        scores,
        logits_uncalibrated=logits,
        thresholds={"finding": 0.5},
        unanswered=[3, 4, 5],
        refused={"truncated": 2},
        excluded={"label_missing": 1},
    )
    endpoints = [
        {"metric": "auc", "bound": {"above": 0.6}},
        {"metric": "auc", "label": "finding", "bound": {"above": 0.99}, "confidence": 0.9},
        {"metric": "ece", "bound": {"below": 0.001}},
    ]
    return evaluate(cases, make_protocol(endpoints=endpoints, subgroups=["sex"]))


def test_required_figures_come_first_and_all_have_intervals(binary):
    assert list(binary.metrics)[:9] == [*REQUIRED, "brier"]
    for estimate in binary.metrics.values():
        assert estimate.low <= estimate.estimate <= estimate.high
        assert estimate.method
        assert estimate.n > 0


def test_flow_adds_up(binary):
    flow = binary.flow
    assert (flow.given, flow.refused, flow.excluded, flow.abstained) == (243, 2, 1, 3)
    assert flow.given == (flow.refused + flow.excluded + flow.rejected + flow.abstained + flow.read)
    assert flow.reasons["abstained"] == {"unlike_training": 3}
    assert flow.reasons["refused"] == {"truncated": 2}


def test_coverage_is_a_wilson_interval_over_all_cases(binary):
    coverage = binary.metrics["coverage"]
    assert (coverage.estimate, coverage.n) == (237 / 240, 240)
    assert coverage.method.startswith("Wilson")


def test_worst_case_is_never_better_than_answered(binary):
    for metric in ("sensitivity", "specificity"):
        worst, answered = (
            binary.metrics[f"{metric}_{name}"].estimate for name in ("worst_case", "answered")
        )
        assert worst <= answered == binary.metrics[metric].estimate


def test_confusion_matrix_and_operating_point_agree(binary):
    (point,) = binary.operating_points
    (tn, fp), (fn, tp) = binary.confusion
    assert (point.true_negatives, point.false_positives) == (tn, fp)
    assert (point.false_negatives, point.true_positives) == (fn, tp)
    assert tn + fp + fn + tp == binary.flow.read
    assert point.threshold == 0.5
    assert point.sensitivity.estimate == tp / (tp + fn)


def test_calibration_before_temperature_is_reported(binary):
    assert binary.metrics["ece_uncalibrated"].estimate > binary.metrics["ece"].estimate
    assert binary.reliability_uncalibrated


def test_verdicts_follow_the_interval_at_their_own_confidence(binary):
    outcomes = [verdict.verdict for verdict in binary.verdicts]
    assert outcomes == [Outcome.MET, Outcome.NOT_MET, Outcome.NOT_MET]
    assert "90 %" in binary.verdicts[1].estimate.method


def test_json_is_plain_finite_and_the_same_twice(binary):
    text = json.dumps(binary.as_json(), allow_nan=False)
    assert text == json.dumps(binary.as_json(), allow_nan=False)
    plain = json.loads(text)
    assert set(plain["metrics"]["auc"]) == {"estimate", "low", "high", "method", "n"}
    assert plain["curves"][0]["roc"]["threshold"][0] is None
    assert plain["protocol"]["id"] == "test-1"


def test_order_of_cases_does_not_matter(make_cases, make_protocol, overlapping):
    cases = make_cases(*overlapping)
    shuffled = cases.take(np.random.default_rng(5).permutation(len(cases)))
    protocol = make_protocol()
    assert evaluate(cases, protocol).as_json() == evaluate(shuffled, protocol).as_json()


def test_counting_as_wrong_moves_the_figures_but_not_the_worst_case(
    make_cases, make_protocol, overlapping
):
    truth, scores = overlapping
    unanswered = np.flatnonzero(truth == 1)[:20].tolist()
    cases = make_cases(truth, scores, unanswered=unanswered)
    left_out = evaluate(cases, make_protocol())
    wrong = evaluate(cases, make_protocol(unanswered="count_as_wrong"))
    assert wrong.metrics["sensitivity"] == wrong.metrics["sensitivity_worst_case"]
    assert left_out.metrics["sensitivity"] == wrong.metrics["sensitivity_answered"]
    assert wrong.metrics["f1"].estimate < left_out.metrics["f1"].estimate
    assert wrong.metrics["auc"] == left_out.metrics["auc"]
    assert any("count as wrong" in note for note in wrong.notes)


def test_three_classes_give_macro_figures_and_a_row_a_label(make_cases, make_protocol):
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 3, 150)
    logits = generator.normal(size=(150, 3)) + 2 * np.eye(3)[truth]
    table = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = evaluate(make_cases(truth, table), make_protocol(task="multiclass"))
    assert set(found.per_label) == {"a", "b", "c"}
    areas = [figures["auc"].estimate for figures in found.per_label.values()]
    assert found.metrics["auc"].estimate == pytest.approx(np.mean(areas))
    assert found.per_label["a"]["auc"].method.startswith("DeLong")
    assert np.array(found.confusion).sum() == 150
    assert np.trace(found.confusion) / 150 == found.metrics["accuracy"].estimate
    assert len(found.curves) == len(found.operating_points) == 3
    assert "prevalence" not in found.metrics


def test_missing_class_is_refused_by_name(make_cases, make_protocol):
    with pytest.raises(EvaluationError, match="truly finding"):
        evaluate(make_cases([0, 0, 0], [0.1, 0.2, 0.3]), make_protocol())


def test_class_without_any_opinion_is_refused_by_name(make_cases, make_protocol):
    cases = make_cases([0, 0, 1], [0.1, 0.2, 0.3], unanswered=[2])
    with pytest.raises(EvaluationError, match="truly finding") as caught:
        evaluate(cases, make_protocol())
    assert caught.value.facts["given"] == {"finding": 1}


def test_equal_scores_give_one_half_and_a_note(make_cases, make_protocol):
    found = evaluate(make_cases([0, 1] * 20, [0.3] * 40), make_protocol())
    assert found.metrics["auc"].estimate == 0.5
    assert math.isnan(found.metrics["ppv"].estimate)
    assert found.as_json()["metrics"]["ppv"]["estimate"] is None
    assert any("share one probability" in note for note in found.notes)
    assert any("ppv is undefined" in note for note in found.notes)


def test_three_positives_give_figures_and_a_note(make_cases, make_protocol):
    scores = np.concatenate([np.linspace(0.05, 0.6, 40), [0.5, 0.7, 0.9]])
    found = evaluate(make_cases([0] * 40 + [1] * 3, scores), make_protocol())
    assert "Only 3 cases are truly finding: the intervals are wide." in found.notes
    assert found.metrics["sensitivity"].n == 3


def test_perfect_separation_gives_finite_intervals_and_a_note(make_cases, make_protocol):
    found = evaluate(make_cases([0] * 30 + [1] * 10, [0.1] * 30 + [0.9] * 10), make_protocol())
    for metric in REQUIRED[:7]:
        estimate = found.metrics[metric]
        assert estimate.estimate == estimate.high == 1.0
        assert 0.5 < estimate.low < 1.0
    assert any("leakage" in note for note in found.notes)


def test_protocol_for_another_task_or_label_is_refused(make_cases, make_protocol, overlapping):
    cases = make_cases(*overlapping)
    with pytest.raises(ProtocolRefused, match="multiclass task"):
        evaluate(cases, make_protocol(task="multiclass"))
    endpoint = {"metric": "auc", "label": "cancer", "bound": {"above": 0.5}}
    with pytest.raises(ProtocolRefused, match="'cancer'"):
        evaluate(cases, make_protocol(endpoints=[endpoint]))


@pytest.mark.parametrize(
    ("low", "high", "direction", "outcome"),
    [
        (0.86, 0.9, Direction.ABOVE, Outcome.MET),
        (0.85, 0.9, Direction.ABOVE, Outcome.INCONCLUSIVE),
        (0.7, 0.84, Direction.ABOVE, Outcome.NOT_MET),
        (0.7, 0.84, Direction.BELOW, Outcome.MET),
        (0.86, 0.9, Direction.BELOW, Outcome.NOT_MET),
        (0.8, 0.9, Direction.BELOW, Outcome.INCONCLUSIVE),
    ],
)
def test_verdict_holds_the_whole_interval_against_the_bound(low, high, direction, outcome):
    estimate = Estimate((low + high) / 2, low, high, "any", 10)
    assert judge(estimate, direction=direction, bound=0.85) is outcome


def test_undefined_figure_is_inconclusive():
    estimate = Estimate(math.nan, 0.9, 1.0, "any", 0)
    assert judge(estimate, direction=Direction.ABOVE, bound=0.85) is Outcome.INCONCLUSIVE
